//! Links that get another place: from there they must lead inside as well.
//!
//! A link made six directories deep may go up six times. With a name at the home's root it would lead out, to whatever
//! follows it there that is no session: a web server, a backup. So a link gets no place less deep than it climbs, and a
//! directory that moves up is looked through for such links.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
};

use super::{
    error,
    links::{self, Last},
    resolve::Root,
    walk::{Entry, walk},
};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem,
    rule::Rule,
    vpath::{VirtualPath, climb, relative_from, stays_inside},
};

/// Names that are looked through in a directory that moves up; a second or two of work.
const MAX_NAMES: usize = 1_000_000;

pub(super) fn check(root: &Root, from: &VirtualPath, to: &VirtualPath) -> Result<()> {
    let (parent, name) = root.parent_of(from)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(moved) = rustix::fs::openat(&parent, name, flags, Mode::empty()) else {
        // Then it does not move either, and who moves it says why.
        return Ok(());
    };
    let stat = rustix::fs::fstat(&moved).map_err(error)?;
    let file_type = FileType::from_raw_mode(stat.st_mode);
    if !matches!(file_type, FileType::Symlink | FileType::Directory) {
        return Ok(());
    }
    let (old, new) = (place(root, from)?, place(root, to)?);
    let depth = new.components().count();
    if file_type == FileType::Symlink {
        return if old == new || climb_of(&moved, c"").map_err(error)? <= depth {
            Ok(())
        } else {
            Err(leads_outside())
        };
    }
    if depth >= old.components().count() {
        return Ok(());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(&moved, c".", flags, Mode::empty()).map_err(unreadable)?;
    check_below(directory, depth + 1)
}

/// Returns the target to store where the link `from` gets the name `to` in another directory, and was given as an absolute
/// path, which is stored relative to its directory. None for all that is moved as it is.
pub(super) fn target_from_new_place(
    root: &Root,
    from: &VirtualPath,
    to: &VirtualPath,
) -> Result<Option<Vec<u8>>> {
    if from.parent() == to.parent() {
        return Ok(None);
    }
    let (parent, name) = root.parent_of(from)?;
    let Ok(stored) = rustix::fs::readlinkat(&parent, name, Vec::new()) else {
        // Then it is no link by now, and who moves it says why not.
        return Ok(None);
    };
    let stored = stored.as_bytes();
    let (old, new) = (place(root, from)?, place(root, to)?);
    if !stored.starts_with(b"./") || old == new || !stays_inside(&old, stored) {
        return Ok(None);
    }
    Ok(Some(relative_from(&new, &old.join(stored)?)))
}

/// Returns where the directory of a name really is.
fn place(root: &Root, path: &VirtualPath) -> Result<VirtualPath> {
    links::follow(root, path.parent_or_root().as_bytes(), Last::Follow).map_err(error)
}

/// Looks through a directory whose entries would be `depth` directories below the home.
fn check_below(directory: OwnedFd, depth: usize) -> Result<()> {
    let mut names = 0;
    let look = |entry: &Entry<'_>| {
        names += 1;
        if names > MAX_NAMES {
            return Err(Error::denied(
                "too many names to look through for links that would lead outside from there; move its parts",
            ));
        }
        if entry.metadata.file_type != filesystem::FileType::Symlink {
            return Ok(());
        }
        match climb_of(entry.directory, entry.name) {
            Ok(climb) if climb > depth + entry.depth => Err(leads_outside()),
            // Gone meanwhile, or something else by now.
            Ok(_) | Err(Errno::NOENT | Errno::INVAL) => Ok(()),
            Err(errno) => Err(error(errno)),
        }
    };
    walk(directory, look, |_, refused| {
        Err(Error::denied(
            "links that would lead outside from there cannot be looked for: a directory cannot be read",
        )
        .with_source(refused))
    })
}

/// Returns how many directories up a link's target goes; an absolute one leads to the same from everywhere.
fn climb_of(directory: &OwnedFd, name: impl rustix::path::Arg) -> Result<usize, Errno> {
    let target = rustix::fs::readlinkat(directory, name, Vec::new())?;
    let target = target.as_bytes();
    Ok(if target.starts_with(b"/") {
        0
    } else {
        climb(target)
    })
}

fn unreadable(errno: Errno) -> Error {
    match errno {
        Errno::ACCESS => Error::new(
            ErrorKind::PermissionDenied,
            "links that would lead outside from there cannot be looked for: the directory cannot be read",
        )
        .with_source(std::io::Error::from(errno)),
        other => error(other),
    }
}

fn leads_outside() -> Error {
    Error::denied("a link would lead outside the home directory from there")
        .decided_by(Rule::OutsideHome)
}
