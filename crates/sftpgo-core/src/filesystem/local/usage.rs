//! Counting a tree for a quota scan.

use std::{collections::HashSet, os::fd::OwnedFd};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::{error, metadata};
use crate::{
    error::Result,
    filesystem::{FileType, is_upload_temporary},
    user::{Usage, now_ms},
};

/// Counts regular files and their bytes below `root`: links are not followed, an inode with several
/// names counts once, unfinished uploads do not count.
pub(super) fn count(root: OwnedFd) -> Result<Usage> {
    let mut count = Count {
        usage: Usage {
            updated_at: now_ms(),
            ..Usage::default()
        },
        seen_links: HashSet::new(),
    };
    // One open directory for each level, however wide the tree is.
    let mut levels = vec![(count.directory(&root)?, root)];
    while let Some((subdirectories, directory)) = levels.last_mut() {
        let Some(name) = subdirectories.pop() else {
            levels.pop();
            continue;
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&*directory, name.as_slice(), flags, Mode::empty()) {
            Ok(fd) => levels.push((count.directory(&fd)?, fd)),
            // Removed or replaced while the scan goes on.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(errno) => return Err(error(errno)),
        }
    }
    Ok(count.usage)
}

struct Count {
    usage: Usage,
    seen_links: HashSet<(u64, u64)>,
}

impl Count {
    /// Counts the files of one directory and answers the names of its subdirectories.
    fn directory(&mut self, directory: &OwnedFd) -> Result<Vec<Vec<u8>>> {
        let mut subdirectories = Vec::new();
        for entry in rustix::fs::Dir::read_from(directory).map_err(error)? {
            let entry = entry.map_err(error)?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." || is_upload_temporary(name) {
                continue;
            }
            let Ok(found) = metadata::of_name(directory, name) else {
                continue;
            };
            match found.file_type {
                FileType::Directory => subdirectories.push(name.to_vec()),
                FileType::File if found.links < 2 || self.seen_links.insert(found.inode) => {
                    self.usage.files = self.usage.files.saturating_add(1);
                    self.usage.size = self
                        .usage
                        .size
                        .saturating_add(i64::try_from(found.size).unwrap_or(i64::MAX));
                }
                _ => {}
            }
        }
        Ok(subdirectories)
    }
}
