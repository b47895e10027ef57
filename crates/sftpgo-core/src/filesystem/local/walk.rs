//! Going through a tree, links not followed.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::{error, metadata};
use crate::{
    error::Result,
    filesystem::{FileType, Metadata},
};

/// Shows every name below `root` to `visit`, with the directory it is in and its attributes. What is removed
/// or replaced meanwhile is passed over.
pub(super) fn walk(root: OwnedFd, mut visit: impl FnMut(&OwnedFd, &[u8], &Metadata)) -> Result<()> {
    // One open directory for each level, however wide the tree is.
    let mut levels = vec![(names_of(&root, &mut visit)?, root)];
    while let Some((subdirectories, directory)) = levels.last_mut() {
        let Some(name) = subdirectories.pop() else {
            levels.pop();
            continue;
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&*directory, name.as_slice(), flags, Mode::empty()) {
            Ok(fd) => levels.push((names_of(&fd, &mut visit)?, fd)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(errno) => return Err(error(errno)),
        }
    }
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
