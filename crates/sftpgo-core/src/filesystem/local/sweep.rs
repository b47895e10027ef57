//! Removing unfinished uploads that nobody will finish.
//!
//! Whoever uploads holds a lock on the temporary, which ends with the process however it ends. So a sweep takes
//! what a killed server left a moment ago, and nothing of another server that works on the same homes.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{AtFlags, FlockOperation, Mode, OFlags},
    io::Errno,
};

use super::{
    error, metadata,
    walk::{Entry, walk},
};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{FileType, Unreadable},
    policy::is_upload_temporary,
};

/// Keeps sweeps away from a new temporary as long as `fd` is open.
///
/// # Errors
/// [`Conflict`](ErrorKind::Conflict) when one was faster.
pub(super) fn keep_from_sweeps(fd: &OwnedFd) -> Result<()> {
    match rustix::fs::flock(fd, FlockOperation::LockExclusive) {
        // Without locks a sweep has nothing to go by and leaves everything.
        Ok(()) | Err(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK | Errno::INVAL) => {}
        Err(errno) => return Err(error(errno)),
    }
    if metadata::of_fd(fd)?.links == 0 {
        return Err(Error::new(ErrorKind::Conflict, "swept away, try again"));
    }
    Ok(())
}

/// Removes the unfinished uploads below `root` that nobody has open.
pub(super) fn remove_temporaries(root: OwnedFd, unreadable: &mut Unreadable<'_>) -> Result<u64> {
    let mut removed = 0;
    let visit = |entry: &Entry<'_>| {
        if is_upload_temporary(entry.name) {
            let left = match entry.metadata.file_type {
                FileType::File => remove_if_left(entry.directory, entry.name),
                // Of a link that was to take the place of another: it has its name at once.
                FileType::Symlink => {
                    rustix::fs::unlinkat(entry.directory, entry.name, AtFlags::empty())
                }
                FileType::Directory | FileType::Other => return Ok(()),
            };
            match left {
                Ok(()) => removed += 1,
                Err(Errno::AGAIN | Errno::NOENT) => {}
                Err(errno) => log::warn!("an unfinished upload was not removed: {errno}"),
            }
        }
        Ok(())
    };
    walk(root, visit, |path, refused| {
        unreadable(path, &refused);
        Ok(())
    })?;
    Ok(removed)
}

fn remove_if_left(directory: &OwnedFd, name: &[u8]) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(directory, name, flags, Mode::empty())?;
    rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive)?;
    rustix::fs::unlinkat(directory, name, AtFlags::empty())
}
