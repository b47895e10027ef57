//! Where a path leads, links followed one by one: what `openat2` does not do, or does not tell.
//!
//! `RESOLVE_BENEATH` refuses absolute links, also those that lead back into the home, as SFTPGo 0.9.x makes them all.
//! The way is found here by opening one name after another without following anything; the path that comes out has no
//! link in it and is opened by the kernel as any other, so that a race can only make that fail.

use std::{
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
};

use super::resolve::Root;
use crate::{
    error::Error,
    rule::Rule,
    vpath::{MAX_PATH_LEN, VirtualPath, stays_inside},
};

/// Links that a path may lead through, as in Linux.
const MAX_LINKS: usize = 40;
/// Names that are looked at for one path, those of all links together: 40 links of 2,000 names each would hold a core.
const MAX_STEPS: usize = 4096;

/// Is a link in the last place followed?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Follow,
    Keep,
}

struct Step {
    name: Vec<u8>,
    /// Links may not climb above the home; what a client says ends at its root.
    of_link: bool,
}

struct Way<'r> {
    root: &'r Root,
    /// The directory that was reached, and its names from the root.
    directory: OwnedFd,
    names: Vec<Vec<u8>>,
    /// The steps that are left to go, the next one last.
    ahead: Vec<Step>,
    links: usize,
}

/// Returns where `raw` leads, which is taken from the home's root: a path without links, but for the last name where it is
/// kept. The last name may be missing.
///
/// # Errors
/// `EXDEV` when a link leads outside the home, `ELOOP` when there are too many; else what looking at a name says.
pub(super) fn follow(root: &Root, raw: &[u8], last: Last) -> Result<VirtualPath, Errno> {
    let mut way = Way {
        root,
        directory: root.itself()?,
        names: Vec::new(),
        ahead: Vec::new(),
        links: 0,
    };
    way.push(raw, false);
    way.walk(last)
}

impl Way<'_> {
    fn walk(mut self, last: Last) -> Result<VirtualPath, Errno> {
        let mut steps = 0;
        while let Some(step) = self.ahead.pop() {
            steps += 1;
            if steps > MAX_STEPS {
                return Err(Errno::LOOP);
            }
            if step.name == b".." {
                self.climb(step.of_link)?;
                continue;
            }
            let fd = match open_name(&self.directory, &step.name) {
                Err(Errno::NOENT) if self.ahead.is_empty() => return self.ending_in(step.name),
                opened => opened?,
            };
            match FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) {
                FileType::Symlink if self.ahead.is_empty() && last == Last::Keep => {
                    return self.ending_in(step.name);
                }
                FileType::Symlink => self.turn(&fd)?,
                FileType::Directory => {
                    self.names.push(step.name);
                    self.directory = fd;
                }
                _ if self.ahead.is_empty() => return self.ending_in(step.name),
                _ => return Err(Errno::NOTDIR),
            }
        }
        of_names(&self.names)
    }

    fn climb(&mut self, of_link: bool) -> Result<(), Errno> {
        if self.names.pop().is_none() && of_link {
            return Err(Errno::XDEV);
        }
        self.directory = self.root.open_without_links(&of_names(&self.names)?)?;
        Ok(())
    }

    /// Goes on where a link leads.
    fn turn(&mut self, link: &OwnedFd) -> Result<(), Errno> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::LOOP);
        }
        let target = rustix::fs::readlinkat(link, c"", Vec::new())?.into_bytes();
        if target.starts_with(b"/") {
            let inside = within(self.root.home(), &target).ok_or(Errno::XDEV)?;
            self.names.clear();
            self.directory = self.root.itself()?;
            self.push(inside, true);
        } else {
            self.push(&target, true);
        }
        Ok(())
    }

    fn push(&mut self, path: &[u8], of_link: bool) {
        let names = path.split(|byte| *byte == b'/').rev();
        self.ahead.extend(
            names
                .filter(|name| !matches!(*name, b"" | b"."))
                .map(|name| Step {
                    name: name.to_vec(),
                    of_link,
                }),
        );
    }

    fn ending_in(mut self, name: Vec<u8>) -> Result<VirtualPath, Errno> {
        self.names.push(name);
        of_names(&self.names)
    }
}

/// Opens one name, never through a link, so never out of the directory.
fn open_name(directory: impl AsFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty())
}

fn of_names(names: &[Vec<u8>]) -> Result<VirtualPath, Errno> {
    let path = names.join(&b'/');
    if path.len() >= MAX_PATH_LEN {
        return Err(Errno::NAMETOOLONG);
    }
    VirtualPath::parse(&path).map_err(|_| Errno::INVAL)
}

/// Returns what is left of an absolute `path` behind `home`, compared name by name.
pub(super) fn within<'p>(home: &Path, path: &'p [u8]) -> Option<&'p [u8]> {
    let mut rest = path;
    for name in home.as_os_str().as_bytes().split(|byte| *byte == b'/') {
        if matches!(name, b"" | b".") {
            continue;
        }
        let (first, behind) = next_name(rest)?;
        if first != name {
            return None;
        }
        rest = behind;
    }
    Some(rest)
}

/// The first name of a path and what is behind it.
fn next_name(mut path: &[u8]) -> Option<(&[u8], &[u8])> {
    loop {
        let end = path.iter().position(|byte| *byte == b'/');
        let (name, behind) = path.split_at(end.unwrap_or(path.len()));
        let behind = behind.strip_prefix(b"/").unwrap_or(behind);
        match name {
            b"" | b"." if behind.is_empty() => return None,
            b"" | b"." => path = behind,
            name => return Some((name, behind)),
        }
    }
}

/// The stored `target` of a link in `directory` as the client may see it.
///
/// `./` in front marks a target that the client gave as an absolute path, see
/// [`Session::symlink`](crate::session::Session::symlink).
///
/// # Errors
/// A target outside the home is not shown.
pub(super) fn as_client_sees(
    home: &Path,
    directory: &VirtualPath,
    target: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let root = VirtualPath::root();
    let inside = within(home, &target).filter(|inside| stays_inside(&root, inside));
    if let Some(inside) = inside.filter(|_| target.starts_with(b"/")) {
        return Ok(root.join(inside)?.as_bytes().to_vec());
    }
    if target.starts_with(b"/") || !stays_inside(directory, &target) {
        return Err(Error::denied("the link leads outside the home directory")
            .decided_by(Rule::OutsideHome));
    }
    if target.starts_with(b"./") {
        return Ok(directory.join(&target)?.as_bytes().to_vec());
    }
    Ok(target)
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "tests make the homes they look at"
)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_is_within_a_home_name_by_name() {
        for (home, path, inside) in [
            ("/srv/bob", "/srv/bob/a", Some("a")),
            ("/srv/bob", "/srv/bob", Some("")),
            ("/srv/bob/", "//srv/./bob//a/", Some("/a/")),
            ("/srv/bob", "/srv/bob2/a", None),
            ("/srv/bob", "/srv/bo", None),
            ("/srv/bob", "/srv", None),
            ("/srv/bob", "/srv/x/../bob/a", None),
            ("/", "/etc/passwd", Some("/etc/passwd")),
        ] {
            let found = within(Path::new(home), path.as_bytes());
            assert_eq!(found, inside.map(str::as_bytes), "{home} {path}");
        }
    }

    #[test]
    fn link_targets_are_shown_as_the_clients_paths_or_not_at_all() {
        for (target, expected) in [
            ("file", Some("file")),
            ("../file", Some("../file")),
            ("./../a/b", Some("/a/b")),
            ("/srv/bob/a", Some("/a")),
            ("/srv//bob/./a/", Some("/a")),
            ("/srv/bob", Some("/")),
            ("/srv/bob2/a", None),
            ("/srv/bob/../bob2/a", None),
            ("/etc/passwd", None),
            ("../../x", None),
            ("a/../../../x", None),
        ] {
            let directory = VirtualPath::parse(b"/d").unwrap();
            let home = Path::new("/srv/bob");
            let shown = as_client_sees(home, &directory, target.as_bytes().to_vec());
            assert_eq!(
                shown.ok().as_deref(),
                expected.map(str::as_bytes),
                "{target}"
            );
        }
    }

    fn furnished() -> (tempfile::TempDir, Root) {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("bob");
        std::fs::create_dir_all(home.join("a/b")).unwrap();
        std::fs::create_dir(directory.path().join("bob2")).unwrap();
        std::fs::write(home.join("a/b/file"), b"f").unwrap();
        let inside = |name: &str| home.join(name).to_string_lossy().into_owned();
        for (target, link) in [
            (inside("a/b"), "abs"),
            (inside("abs"), "abs2"),
            (inside(""), "self"),
            (inside("../bob2"), "out"),
            (format!("{}2", inside("").trim_end_matches('/')), "sibling"),
            ("/etc".to_owned(), "etc"),
            ("a/b/file".to_owned(), "rel"),
            ("../bob/a".to_owned(), "back"),
            (inside("circle"), "circle"),
            (inside("missing"), "dangling"),
        ] {
            symlink(target, home.join(link)).unwrap();
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let fd = rustix::fs::open(&home, flags, Mode::empty()).unwrap();
        (directory, Root::new(fd, &home))
    }

    #[test]
    fn a_path_leads_where_its_links_do_and_nowhere_outside() {
        let (_directory, root) = furnished();
        for (raw, expected) in [
            ("", Ok("/")),
            ("..", Ok("/")),
            ("a/./b/../b", Ok("/a/b")),
            ("abs/..", Ok("/a")),
            ("abs2/file", Ok("/a/b/file")),
            ("self/self/abs/file", Ok("/a/b/file")),
            ("rel", Ok("/a/b/file")),
            ("dangling", Ok("/missing")),
            ("abs/new", Ok("/a/b/new")),
            ("missing/x", Err(Errno::NOENT)),
            ("rel/x", Err(Errno::NOTDIR)),
            ("out", Err(Errno::XDEV)),
            ("sibling", Err(Errno::XDEV)),
            ("etc/passwd", Err(Errno::XDEV)),
            ("back", Err(Errno::XDEV)),
            ("circle", Err(Errno::LOOP)),
        ] {
            let found = follow(&root, raw.as_bytes(), Last::Follow);
            let found = found.map(|path| path.to_string_lossy().into_owned());
            assert_eq!(found.as_deref().map_err(|errno| *errno), expected, "{raw}");
        }
    }

    #[test]
    fn links_without_end_are_given_up() {
        let (directory, root) = furnished();
        let home = directory.path().join("bob");
        for number in 0..60 {
            symlink(format!("l{}", number + 1), home.join(format!("l{number}"))).unwrap();
        }
        std::fs::create_dir(home.join("l60")).unwrap();
        let found = follow(&root, b"l0", Last::Follow);
        assert_eq!(found.unwrap_err(), Errno::LOOP);
        symlink("a/../".repeat(600), home.join("long")).unwrap();
        symlink("long/".repeat(30), home.join("longer")).unwrap();
        assert_eq!(
            follow(&root, b"longer", Last::Follow).unwrap_err(),
            Errno::LOOP
        );
    }
}
