//! Links that sessions make lead inside from wherever they get to, for whoever follows them on the disk.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use sftpgo_core::{
    ErrorKind, Result, Rule,
    filesystem::Replace,
    session::{Session, UploadMode},
};
use sftpgo_test_support::{Service, path};

fn with_session(test: impl FnOnce(&Service, &Session)) {
    let service = Service::with_bob(|_| {});
    let logged_in = service.log_in();
    let session = service.session(&logged_in, UploadMode::Standard);
    test(&service, &session);
}

fn make(session: &Session, directories: &[&str]) {
    for directory in directories {
        session.create_dir(&path(directory), None).unwrap();
    }
}

fn refused(done: Result<()>) {
    let error = done.unwrap_err();
    assert_eq!(error.rule(), Some(Rule::OutsideHome), "{error}");
}

fn target_of(service: &Service, link: &str) -> String {
    let target = fs::read_link(service.home().join(link)).unwrap();
    target.to_string_lossy().into_owned()
}

#[test]
fn a_link_gets_no_place_that_is_less_deep_than_it_climbs() {
    with_session(|service, session| {
        make(session, &["a", "a/b", "a/b/c", "d"]);
        session
            .symlink(b"../../../etc/passwd", &path("a/b/c/l"))
            .unwrap();
        let (link, top) = (path("a/b/c/l"), path("l"));
        for to in ["l", "d/l", "a/l", "a/b/l"] {
            for replace in [Replace::No, Replace::Yes] {
                refused(session.rename(&link, &path(to), replace));
            }
            refused(session.hard_link(&link, &path(to)));
        }
        // The directory that it is in, and those above.
        refused(session.rename(&path("a/b/c"), &path("c"), Replace::No));
        refused(session.rename(&path("a/b"), &path("b"), Replace::No));
        make(session, &["d/e", "d/e/f"]);
        session
            .rename(&path("a/b/c"), &path("d/e/f/c"), Replace::No)
            .unwrap();
        session
            .rename(&path("d/e/f/c/l"), &path("d/e/f/c/k"), Replace::No)
            .unwrap();
        session
            .rename(&path("d/e/f/c/k"), &path("d/e/f/k"), Replace::No)
            .unwrap();
        refused(session.rename(&path("d/e/f/k"), &top, Replace::No));
        let empty = session.symlink(b"", &path("empty")).unwrap_err();
        assert_eq!(empty.kind(), ErrorKind::NotFound, "as symlink(2)");
        // A link that does not climb goes anywhere.
        session.symlink(b"x", &path("d/e/plain")).unwrap();
        session
            .rename(&path("d/e/plain"), &path("plain"), Replace::No)
            .unwrap();
        assert_eq!(target_of(service, "plain"), "x");
    });
}

#[test]
fn a_place_is_where_the_directory_is_and_not_how_it_was_named() {
    with_session(|service, session| {
        make(session, &["a", "a/b", "a/b/c", "d"]);
        session.symlink(b"/", &path("a/b/c/up")).unwrap();
        session.symlink(b"/a/b/c", &path("deep")).unwrap();
        // Deep by its words, and at the home's root.
        refused(session.symlink(b"../../etc", &path("a/b/c/up/l")));
        refused(session.symlink(b"../x", &path("a/b/c/up/l")));
        // At the root by its words, and deep.
        session.symlink(b"../../../d", &path("deep/l")).unwrap();
        assert_eq!(session.read_link(&path("deep/l")).unwrap(), b"../../../d");
        assert!(service.home().join("a/b/c/l/../a").exists());
        refused(session.rename(&path("deep/l"), &path("a/b/c/up/l"), Replace::No));
    });
}

#[test]
fn what_goes_up_behind_a_name_is_stored_as_where_it_leads_now() {
    with_session(|service, session| {
        make(session, &["a", "a/b", "d"]);
        session.symlink(b"/", &path("a/b/up")).unwrap();
        // Were `m` a link to the root later, the words would climb above it.
        session.symlink(b"m/../../x", &path("d/l")).unwrap();
        assert_eq!(target_of(service, "d/l"), "../x");
        session.symlink(b"up/../x", &path("a/b/k")).unwrap();
        assert_eq!(
            target_of(service, "a/b/k"),
            "../../x",
            "the root is above itself"
        );
        session.symlink(b"../b/../b", &path("a/b/self")).unwrap();
        assert_eq!(target_of(service, "a/b/self"), ".");
        session.symlink(b"/a/../d", &path("a/b/abs")).unwrap();
        assert_eq!(session.read_link(&path("a/b/abs")).unwrap(), b"/d");
        session
            .symlink(b"../../a/b", &path("a/b/verbatim"))
            .unwrap();
        assert_eq!(target_of(service, "a/b/verbatim"), "../../a/b");
    });
}

#[test]
fn links_that_were_there_before_move_where_they_lead_no_further() {
    with_session(|service, session| {
        make(session, &["a", "d"]);
        for (target, link) in [("../../out", "a/rel"), ("/srv/out", "a/abs")] {
            symlink(target, service.home().join(link)).unwrap();
        }
        session
            .rename(&path("a/rel"), &path("a/rel2"), Replace::No)
            .unwrap();
        refused(session.rename(&path("a/rel2"), &path("d/rel"), Replace::No));
        session
            .rename(&path("a/abs"), &path("abs"), Replace::No)
            .unwrap();
        assert_eq!(target_of(service, "abs"), "/srv/out");
    });
}

#[test]
fn a_link_that_was_given_as_an_absolute_path_leads_to_the_same_from_everywhere() {
    with_session(|service, session| {
        make(session, &["a", "a/b", "d"]);
        fs::write(service.home().join("file"), "f").unwrap();
        session.symlink(b"/file", &path("a/l")).unwrap();
        session.symlink(b"../file", &path("d/taken")).unwrap();
        let mut from = "a/l";
        for (to, replace) in [
            ("a/b/deeper", Replace::No),
            ("d/taken", Replace::Yes),
            ("up", Replace::Yes),
            ("d/k", Replace::No),
        ] {
            session.rename(&path(from), &path(to), replace).unwrap();
            assert_eq!(session.read_link(&path(to)).unwrap(), b"/file", "{to}");
            let content = fs::read_to_string(service.home().join(to)).unwrap();
            assert_eq!(content, "f", "{to}");
            assert!(session.read_link(&path(from)).is_err(), "{from} is left");
            from = to;
        }
        // What has the name stays where it may not be replaced, or cannot be.
        session.symlink(b"a", &path("a/taken")).unwrap();
        for (to, replace) in [("a/taken", Replace::No), ("a/b", Replace::Yes)] {
            session
                .rename(&path("d/k"), &path(to), replace)
                .unwrap_err();
            assert_eq!(session.read_link(&path("d/k")).unwrap(), b"/file");
        }
        assert_eq!(target_of(service, "a/taken"), "a");
        let names = fs::read_dir(service.home().join("a")).unwrap().count();
        assert_eq!(names, 2, "nothing hidden is left");
    });
}

/// Directories that are there at first, and names in them for links.
const DIRECTORIES: [&str; 6] = ["a", "b", "a/a", "b/a", "a/a/a", "a/b"];
const PLACES: [&str; 17] = [
    "a", "b", "a/a", "b/a", "a/a/a", "a/b", "c", "c/c", "k", "l", "a/k", "b/l", "a/a/k", "a/a/a/k",
    "a/a/a/l", "b/a/k", "c/k",
];
const TARGETS: [&str; 15] = [
    "a",
    "..",
    "../a",
    "../..",
    "../../a",
    "../../../a",
    "a/..",
    "k/..",
    "l/../..",
    "k/../../a",
    "l/../../../a",
    "/",
    "/a/a",
    "/a/k/../b",
    ".",
];

#[derive(Debug, Clone)]
enum Step {
    Directory(usize),
    Link(usize, usize),
    Rename(usize, usize, bool),
    HardLink(usize, usize),
    Remove(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let place = 0..PLACES.len();
    prop_oneof![
        1 => place.clone().prop_map(Step::Directory),
        5 => (0..TARGETS.len(), place.clone()).prop_map(|(target, link)| Step::Link(target, link)),
        5 => (place.clone(), place.clone(), any::<bool>())
            .prop_map(|(from, to, replace)| Step::Rename(from, to, replace)),
        1 => (place.clone(), place.clone()).prop_map(|(old, new)| Step::HardLink(old, new)),
        1 => place.prop_map(Step::Remove),
    ]
}

fn take(session: &Session, step: &Step) -> Result<()> {
    let at = |place: &usize| path(PLACES[*place]);
    match step {
        Step::Directory(place) => session.create_dir(&at(place), None),
        Step::Link(target, link) => session.symlink(TARGETS[*target].as_bytes(), &at(link)),
        Step::Rename(from, to, replace) => {
            let replace = if *replace { Replace::Yes } else { Replace::No };
            session.rename(&at(from), &at(to), replace)
        }
        Step::HardLink(old, new) => session.hard_link(&at(old), &at(new)),
        Step::Remove(place) => session
            .remove(&at(place))
            .or_else(|_| session.remove_dir(&at(place))),
    }
}

/// All links below a directory.
fn links_below(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => links_below(&entry.path(), found)?,
            kind if kind.is_symlink() => found.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_link_leads_out_whatever_is_done_in_whatever_order(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let service = Service::with_bob(|_| {});
        let logged_in = service.log_in();
        let session = service.session(&logged_in, UploadMode::Standard);
        let home = service.home().canonicalize().unwrap();
        for directory in DIRECTORIES {
            session.create_dir(&path(directory), None).unwrap();
        }
        // So that what climbs out finds something.
        for name in ["a", "b"] {
            fs::create_dir_all(home.parent().unwrap().join(name).join("a")).unwrap();
        }
        for step in steps {
            let _ = take(&session, &step);
            let mut links = Vec::new();
            links_below(&home, &mut links).unwrap();
            for link in links {
                let Ok(leads) = link.canonicalize() else { continue };
                prop_assert!(
                    leads.starts_with(&home),
                    "{:?} -> {:?} after {:?}", link, fs::read_link(&link), step
                );
            }
        }
    }
}
