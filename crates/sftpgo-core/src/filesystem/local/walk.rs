//! Going through a tree, links not followed.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::{error, metadata};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{FileType, Inode, Metadata},
};

/// Directories that are held open at once. Trees nest deeper than a process may open files.
const OPEN_LEVELS: usize = 64;

/// A directory on the way down.
struct Level {
    /// Closed while the walk is far below it.
    directory: Option<OwnedFd>,
    inode: Inode,
    /// Not walked yet.
    subdirectories: Vec<Vec<u8>>,
}

/// Shows every name below `root` to `visit`, with the directory it is in and its attributes. What is removed
/// or replaced meanwhile is passed over.
///
/// # Errors
/// What reading says, or that a deep directory was moved meanwhile.
pub(super) fn walk(root: OwnedFd, mut visit: impl FnMut(&OwnedFd, &[u8], &Metadata)) -> Result<()> {
    let mut levels = vec![enter(root, &mut visit)?];
    while let Some(level) = levels.last_mut() {
        let (Some(directory), Some(name)) = (&level.directory, level.subdirectories.pop()) else {
            leave(&mut levels)?;
            continue;
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(directory, name.as_slice(), flags, Mode::empty()) {
            Ok(fd) => levels.push(enter(fd, &mut visit)?),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            Err(errno) => return Err(error(errno)),
        }
        let far = levels.len().checked_sub(OPEN_LEVELS + 1);
        if let Some(level) = far.and_then(|far| levels.get_mut(far)) {
            level.directory = None;
        }
    }
    Ok(())
}

fn enter(directory: OwnedFd, visit: &mut impl FnMut(&OwnedFd, &[u8], &Metadata)) -> Result<Level> {
    Ok(Level {
        inode: metadata::of_fd(&directory)?.inode,
        subdirectories: names_of(&directory, visit)?,
        directory: Some(directory),
    })
}

/// Goes up, and opens the directory there again if it was closed.
fn leave(levels: &mut Vec<Level>) -> Result<()> {
    let (Some(done), Some(above)) = (levels.pop(), levels.last_mut()) else {
        return Ok(());
    };
    let (Some(done), None) = (done.directory, &above.directory) else {
        return Ok(());
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(&done, c"..", flags, Mode::empty()).map_err(error)?;
    if metadata::of_fd(&directory)?.inode != above.inode {
        return Err(Error::new(
            ErrorKind::Conflict,
            "a directory was moved while it was walked through",
        ));
    }
    above.directory = Some(directory);
    Ok(())
}

/// Visits the names of one directory and answers its subdirectories.
fn names_of(
    directory: &OwnedFd,
    visit: &mut impl FnMut(&OwnedFd, &[u8], &Metadata),
) -> Result<Vec<Vec<u8>>> {
    let mut subdirectories = Vec::new();
    for entry in rustix::fs::Dir::read_from(directory).map_err(error)? {
        let entry = entry.map_err(error)?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let Ok(found) = metadata::of_name(directory, name) else {
            continue;
        };
        visit(directory, name, &found);
        if found.file_type == FileType::Directory {
            subdirectories.push(name.to_vec());
        }
    }
    Ok(subdirectories)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_deeper_than_what_is_held_open_is_walked_whole() {
        const DEPTH: usize = 3 * OPEN_LEVELS;
        let home = tempfile::tempdir().unwrap();
        let root = rustix::fs::open(home.path(), OFlags::RDONLY, Mode::empty()).unwrap();
        let mode = Mode::from_raw_mode(0o700);
        let mut directory = root.try_clone().unwrap();
        for _ in 0..DEPTH {
            for name in ["a", "b", "c"] {
                rustix::fs::mkdirat(&directory, name, mode).unwrap();
            }
            directory = rustix::fs::openat(&directory, "b", OFlags::RDONLY, Mode::empty()).unwrap();
        }
        let mut seen = 0;
        walk(root, |_, _, _| seen += 1).unwrap();
        assert_eq!(seen, 3 * DEPTH);
    }
}
