//! Explanations against what really happens.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod home;
mod real;

use proptest::prelude::*;
use sftpgo_core::{
    Permissions, Rule,
    explain::{Action, Question},
    session::UploadMode,
};

use self::home::{Home, Settings, Thing};

/// Names that questions are about; a home has things at some of them.
const PATHS: [&[u8]; 29] = [
    b"/",
    b"/a",
    b"/b",
    b"/c",
    b"/a/x",
    b"/a/y",
    b"/a/d",
    b"/a/d/z",
    b"/b/x",
    b"/b/d/e",
    b"/c/x",
    b"/\xff\xfe",
    b"/.sftpgo-upload.1",
    b"/a/.sftpgo-upload.2",
    b"/nothing",
    b"/nothing/x",
    b"/a/x/y",
    b"/a/./d/../x",
    b"b/x",
    b"/a/",
    b"/b/",
    b"/c/",
    b"/a/x/",
    b"/nothing/",
    b"/b/x/.",
    b"/a/d/.",
    b"/a/d/..",
    b"/nothing/.",
    &LONG,
];
const LONG: [u8; 257] = {
    let mut name = [b'n'; 257];
    name[0] = b'/';
    name
};
/// What a client may say that a link points to, besides.
const RELATIVE: [&[u8]; 5] = [
    b"x",
    b"../b",
    b"../../etc",
    b"/../etc",
    b"../.sftpgo-upload.3",
];

fn thing() -> impl Strategy<Value = Thing> {
    let links: &[&[u8]] = &[
        b"a",
        b"b",
        b"d",
        b"a/d",
        b"../b",
        b"../a/d",
        b"./../b/x",
        b"d/..",
        b"nothing",
        b"c",
        b".",
    ];
    let outside: &[&[u8]] = &[
        b"../../outside",
        b"../outside",
        b"/etc/passwd",
        b"../outside/x",
    ];
    prop_oneof![
        2 => Just(Thing::Nothing),
        4 => (0_usize..3000).prop_map(Thing::File),
        4 => Just(Thing::Directory),
        3 => prop::sample::select(links).prop_map(Thing::Link),
        1 => prop::sample::select(outside).prop_map(Thing::Link),
        1 => Just(Thing::Pipe),
        1 => Just(Thing::SecondName("/a/x")),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    let permissions = prop_oneof![
        2 => Just(Permissions::all()),
        2 => (0..11_u16).prop_map(|bit| Permissions::all() - Permissions::from_bits_truncate(1 << bit)),
        1 => (1..2048_u16).prop_map(Permissions::from_bits_truncate),
    ];
    let mode = prop::sample::select(vec![
        UploadMode::Standard,
        UploadMode::Atomic,
        UploadMode::AtomicWithResume,
    ]);
    (
        permissions,
        prop::bool::weighted(0.95),
        prop::sample::select(vec![0_i64, 0, 0, 0, 0, 0, 0, 1, i64::MAX]),
        prop::sample::select(vec![0, 0, 1, 2, 4, 8]),
        prop::sample::select(vec![0, 0, 1, 1500, 3000, 9000]),
        mode,
        prop::bool::weighted(0.95),
    )
        .prop_map(
            |(permissions, enabled, expiration_date, quota_files, quota_size, mode, has_home)| {
                Settings {
                    permissions,
                    enabled,
                    expiration_date,
                    quota_files,
                    quota_size,
                    mode,
                    has_home,
                }
            },
        )
}

fn question() -> impl Strategy<Value = Question> {
    let path = prop::sample::select(&PATHS[..]);
    (
        prop::sample::select(&Action::ALL[..]),
        path.clone(),
        prop::sample::select(&RELATIVE[..]),
        path,
        any::<bool>(),
    )
        .prop_map(|(action, path, relative, target, use_relative)| {
            let symlink = action == Action::Symlink && use_relative;
            let path = if symlink { relative } else { path };
            let target = action.takes_target().then_some(target);
            Question::new(action, path, target).unwrap()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_rule_refuses_what_is_explained_as_allowed_and_nothing_else_happens(
        settings in settings(),
        things in prop::collection::vec(thing(), home::PLACES.len()),
        question in question(),
    ) {
        let home = Home::new(&settings, &things);
        let before = home.snapshot();
        let verdict = home.explain(&question);
        prop_assert_eq!(&home.snapshot(), &before, "{:?} changed something", question);
        let happened = home.attempt(&question);
        let named = verdict.rule.permissions();
        match (verdict.allowed, happened) {
            (true, Ok(()) | Err(None)) => {
                prop_assert!(settings.permissions.contains(named) && !named.is_empty());
            }
            (true, Err(Some(rule))) => prop_assert!(false, "{:?} but {} refuses", verdict, rule),
            // To be as long as it is already is no change of a file.
            (false, Ok(())) => prop_assert!(
                question.action() == Action::Truncate && home.snapshot() == before,
                "{:?} but it is done",
                verdict
            ),
            // The disk, or another rule, may have refused before the one that is named.
            (false, Err(other)) => {
                prop_assert!(!settings.permissions.intersects(named), "{:?}", verdict);
                if let (Rule::Permission(_), Some(Rule::Permission(missing))) = (verdict.rule, other) {
                    prop_assert!(named.contains(missing), "{:?} {:?}", verdict, missing);
                }
            }
        }
    }
}

/// A home in which every rule can decide.
fn things() -> Vec<Thing> {
    let mut things = vec![Thing::Nothing; home::PLACES.len()];
    for (place, thing) in [
        (&b"a"[..], Thing::Directory),
        (b"b", Thing::Link(b"a")),
        (b"c", Thing::Link(b"../outside")),
        (b"a/x", Thing::File(100)),
        (b"a/y", Thing::Pipe),
        (b"a/d", Thing::Directory),
        (b"a/d/z", Thing::File(1)),
        (b"\xff\xfe", Thing::Link(b"\xff\xfe")),
        (b".sftpgo-upload.1", Thing::File(9)),
    ] {
        let position = home::PLACES.iter().position(|known| *known == place);
        things[position.unwrap()] = thing;
    }
    things
}

fn ask(action: Action, path: &[u8], target: Option<&[u8]>) -> Question {
    Question::new(action, path, target).unwrap()
}

#[test]
fn every_rule_is_named_when_it_decides() {
    let all = Settings::default();
    let without = |permission| Settings {
        permissions: Permissions::all() - permission,
        ..all.clone()
    };
    let disabled = Settings {
        enabled: false,
        ..all.clone()
    };
    let expired = Settings {
        expiration_date: 1,
        ..all.clone()
    };
    let two_files = Settings {
        quota_files: 2,
        ..all.clone()
    };
    let full = Settings {
        quota_size: 101,
        ..all.clone()
    };
    let needs_both = Rule::Permission(Permissions::UPLOAD | Permissions::OVERWRITE);
    let x = b"/a/x";
    for (settings, question, allowed, rule) in [
        (&all, ask(Action::Upload, x, None), true, needs_both),
        (
            &all,
            ask(Action::Upload, b"/new", None),
            true,
            Rule::Permission(Permissions::UPLOAD),
        ),
        (
            &without(Permissions::OVERWRITE),
            ask(Action::Upload, x, None),
            false,
            Rule::Permission(Permissions::OVERWRITE),
        ),
        (
            &without(Permissions::LIST),
            ask(Action::List, b"/nothing", None),
            false,
            Rule::Permission(Permissions::LIST),
        ),
        (
            &disabled,
            ask(Action::List, b"/", None),
            false,
            Rule::AccountDisabled,
        ),
        (
            &expired,
            ask(Action::List, b"/", None),
            false,
            Rule::AccountExpired,
        ),
        // The disk has nothing there, of which no rule knows.
        (
            &all,
            ask(Action::Overwrite, b"/nothing", None),
            true,
            needs_both,
        ),
        (
            &all,
            ask(Action::Replace, x, Some(b"/a/y")),
            true,
            Rule::Permission(Permissions::RENAME | Permissions::OVERWRITE),
        ),
        (
            &without(Permissions::OVERWRITE),
            ask(Action::Replace, x, Some(b"/new")),
            true,
            Rule::Permission(Permissions::RENAME),
        ),
        (
            &without(Permissions::CHMOD | Permissions::CHTIMES),
            ask(Action::Setstat, x, None),
            false,
            Rule::Permission(Permissions::CHMOD | Permissions::CHTIMES),
        ),
        // Through a link, where its target is hidden.
        (
            &all,
            ask(Action::Symlink, b"a/.sftpgo-upload.2", Some(b"/new")),
            false,
            Rule::ReservedName,
        ),
        (
            &all,
            ask(Action::Stat, b"/.sftpgo-upload.1", None),
            false,
            Rule::ReservedName,
        ),
        (
            &all,
            ask(Action::Download, b"/c/x", None),
            false,
            Rule::OutsideHome,
        ),
        (
            &all,
            ask(Action::Symlink, b"../up", Some(b"/new")),
            false,
            Rule::OutsideHome,
        ),
        (
            &all,
            ask(Action::Stat, b"/\xff\xfe", None),
            false,
            Rule::ForbiddenLink,
        ),
        (
            &two_files,
            ask(Action::Upload, b"/new", None),
            false,
            Rule::QuotaFiles,
        ),
        (&two_files, ask(Action::Upload, x, None), true, needs_both),
        (&full, ask(Action::Append, x, None), false, Rule::QuotaSize),
        (&full, ask(Action::Upload, x, None), true, needs_both),
    ] {
        let home = Home::new(settings, &things());
        let verdict = home.explain(&question);
        assert_eq!(
            (verdict.allowed, verdict.rule),
            (allowed, rule),
            "{question:?} {verdict:?}"
        );
        let happened = home.attempt(&question);
        match allowed {
            true => assert!(matches!(happened, Ok(()) | Err(None)), "{question:?}"),
            false => assert!(happened.is_err(), "{question:?}"),
        }
    }
}

#[test]
fn a_home_that_cannot_be_opened_decides() {
    let settings = Settings {
        has_home: false,
        ..Settings::default()
    };
    let home = Home::new(&settings, &[]);
    let question = ask(Action::List, b"/", None);
    assert!(home.explain(&question).allowed);
    assert!(!home.directory().exists());
    std::fs::write(home.directory(), b"a file").unwrap();
    assert_eq!(home.explain(&question).rule, Rule::HomeUnusable);
    assert!(home.attempt(&question).is_err());
}
