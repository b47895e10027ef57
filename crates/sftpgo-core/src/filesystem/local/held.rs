//! A directory of a home that is held while something is done to names in it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Access, AtFlags, Mode, OFlags};

use super::{
    error,
    metadata::{self, Owner},
    open,
};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{DirectoryHandle, File, FileId, Metadata, OpenOptions, Replace, SetAttributes},
};

/// A directory opened with `O_PATH`.
pub(super) struct HeldDirectory {
    fd: OwnedFd,
    file_id: FileId,
    owner: Owner,
}

impl HeldDirectory {
    pub(super) fn new(fd: OwnedFd, owner: Owner) -> Result<Self> {
        let file_id = metadata::of_fd(&fd)?.file_id;
        Ok(Self { fd, file_id, owner })
    }
}

impl DirectoryHandle for HeldDirectory {
    fn file_id(&self) -> FileId {
        self.file_id
    }

    fn metadata(&self, name: &[u8]) -> Result<Metadata> {
        metadata::of_name(&self.fd, name)
    }

    fn open(&self, name: &[u8], options: &OpenOptions) -> Result<Box<dyn File>> {
        open::open(options, self.owner, |flags, mode| {
            let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(&self.fd, name, flags, mode)
        })
    }

    fn check_writable(&self, name: &[u8]) -> Result<()> {
        rustix::fs::accessat(&self.fd, name, Access::WRITE_OK, AtFlags::EACCESS).map_err(error)
    }

    fn rename(&self, from: &[u8], to: &[u8], replace: Replace) -> Result<()> {
        super::rename((&self.fd, from), (&self.fd, to), replace, Some(to))
    }

    fn take_from(&self, other: &dyn DirectoryHandle, name: &[u8]) -> Result<()> {
        let Some(other) = other.system_handle() else {
            return Err(Error::new(
                ErrorKind::CrossesMounts,
                "the names are on two storages",
            ));
        };
        super::rename((other, name), (&self.fd, name), Replace::No, Some(name))
    }

    fn remove_file(&self, name: &[u8]) -> Result<()> {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()).map_err(error)
    }

    fn set_attributes(&self, name: &[u8], change: &SetAttributes) -> Result<()> {
        metadata::set_by_name(&self.fd, name, change, self.owner)
    }

    fn sync(&self) -> Result<()> {
        // A handle that only names the directory cannot be waited for.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(&self.fd, c".", flags, Mode::empty()).map_err(error)?;
        rustix::fs::fsync(&directory).map_err(error)
    }

    fn system_handle(&self) -> Option<BorrowedFd<'_>> {
        Some(self.fd.as_fd())
    }
}
