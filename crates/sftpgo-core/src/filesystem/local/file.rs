//! An open regular file.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::{
    error,
    metadata::{self, Owner},
};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{File, FileType, Metadata, SetAttributes},
};

pub(super) struct LocalFile {
    fd: OwnedFd,
    owner: Owner,
}

impl LocalFile {
    /// Takes the handle of a file that was made by opening it: those are regular.
    pub(super) fn made(fd: OwnedFd, owner: Owner) -> Box<dyn File> {
        Box::new(Self { fd, owner })
    }

    /// Takes `fd` when it is a regular file.
    pub(super) fn regular(fd: OwnedFd, owner: Owner) -> Result<Box<dyn File>> {
        match metadata::of_fd(&fd)?.file_type {
            FileType::File => Ok(Box::new(Self { fd, owner })),
            FileType::Directory => Err(Error::new(ErrorKind::IsADirectory, "is a directory")),
            FileType::Symlink | FileType::Other => Err(not_regular()),
        }
    }
}

/// A pipe, a socket or a device.
pub(super) fn not_regular() -> Error {
    Error::new(ErrorKind::Invalid, "not a regular file")
}

impl File for LocalFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        loop {
            match rustix::io::pread(&self.fd, &mut *buffer, offset) {
                Err(Errno::INTR) => {}
                read => return read.map_err(error),
            }
        }
    }

    fn write_all_at(&self, mut data: &[u8], mut offset: u64) -> Result<()> {
        while !data.is_empty() {
            match rustix::io::pwrite(&self.fd, data, offset) {
                Ok(0) => {
                    return Err(Error::new(
                        ErrorKind::StorageFull,
                        "nothing could be written",
                    ));
                }
                Ok(written) => {
                    data = data.get(written..).unwrap_or_default();
                    offset += written as u64;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(error(errno)),
            }
        }
        Ok(())
    }

    fn set_len(&self, size: u64) -> Result<()> {
        rustix::fs::ftruncate(&self.fd, size).map_err(error)
    }

    fn copy_within_storage(
        &self,
        source: &dyn File,
        mut from: u64,
        mut to: u64,
        len: usize,
    ) -> Result<Option<usize>> {
        let Some(source) = source.system_handle() else {
            return Ok(None);
        };
        loop {
            match rustix::fs::copy_file_range(source, Some(&mut from), &self.fd, Some(&mut to), len)
            {
                Err(Errno::INTR) => {}
                // Two file systems, one without the call, an overlap that it does not take, or a file that is appended to.
                Err(
                    Errno::XDEV
                    | Errno::NOSYS
                    | Errno::NOTSUP
                    | Errno::INVAL
                    | Errno::PERM
                    | Errno::BADF,
                ) => return Ok(None),
                copied => return copied.map(Some).map_err(error),
            }
        }
    }

    fn system_handle(&self) -> Option<BorrowedFd<'_>> {
        Some(self.fd.as_fd())
    }

    fn sync(&self) -> Result<()> {
        rustix::fs::fsync(&self.fd).map_err(error)
    }

    fn flush(&self) -> Result<()> {
        // Closing any copy of the handle hands over what the storage still holds back, and tells how that went.
        let copy = rustix::io::fcntl_dupfd_cloexec(&self.fd, 0).map_err(error)?;
        nix::unistd::close(copy).map_err(|errno| error(Errno::from_raw_os_error(errno as i32)))
    }

    fn metadata(&self) -> Result<Metadata> {
        metadata::of_fd(&self.fd)
    }

    fn set_attributes(&self, change: &SetAttributes) -> Result<()> {
        metadata::set_by_open_fd(&self.fd, change, self.owner)
    }
}
