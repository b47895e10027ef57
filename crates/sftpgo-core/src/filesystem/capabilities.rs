//! What a storage can do. What it does not declare is refused before it is asked.

use super::SetAttributes;
use crate::error::{Error, ErrorKind, Result};

/// What a filesystem can do beyond reading, and writing a file from its beginning to its end; an object store lacks some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Writes at any offset, and files of any length. Without it a file is written anew from its beginning to its end, and
    /// appears then ([`Filesystem::begin_upload`](super::Filesystem::begin_upload)).
    pub random_writes: bool,
    /// Symbolic and hard links.
    pub links: bool,
    /// Rename over an existing name in one step, and directories that can be held
    /// ([`Filesystem::hold_directory`](super::Filesystem::hold_directory)): what atomic uploads need.
    pub atomic_rename: bool,
    /// What a change of owner leads to.
    pub ownership: Ownership,
}

/// What a change of a file's owner leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// Files can be given to other owners.
    Changeable,
    /// Files have the owner that the server has: a change is accepted and none is made.
    Fixed,
    /// Files have no owners: a change is refused.
    Absent,
}

impl Capabilities {
    /// May data go to `offset` of a file that has `size` bytes?
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) anywhere but at the end, without `random_writes`.
    pub(crate) fn check_write(&self, offset: u64, size: u64) -> Result<()> {
        let is_offered = self.random_writes || offset == size;
        offered(
            is_offered,
            "the storage writes files from the beginning to the end only",
        )
    }

    /// May a file of `before` bytes get `size` bytes? Emptying it is a way to begin anew.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) without `random_writes`, unless the file is emptied or stays as long as it is.
    pub(crate) fn check_size(&self, size: u64, before: u64) -> Result<()> {
        let is_offered = self.random_writes || size == 0 || size == before;
        offered(is_offered, "the storage cannot change the size of a file")
    }

    /// May a file that is there be written to, without being emptied first?
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) without `random_writes`.
    pub(crate) fn check_write_on(&self) -> Result<()> {
        offered(
            self.random_writes,
            "the storage cannot write on in a file, only write it anew",
        )
    }

    /// May links be made and read?
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) without `links`.
    pub(crate) fn check_links(&self) -> Result<()> {
        offered(self.links, "the storage has no links")
    }

    /// May a rename take a name that something else has?
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) without `atomic_rename`.
    pub(crate) fn check_replacing(&self) -> Result<()> {
        offered(
            self.atomic_rename,
            "the storage cannot rename over a name that is taken",
        )
    }

    /// May these attributes be changed?
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for an owner where files have none.
    pub(crate) fn check_attributes(&self, change: &SetAttributes) -> Result<()> {
        let is_offered = change.owner.is_none() || self.ownership != Ownership::Absent;
        offered(is_offered, "files have no owners on this storage")
    }
}

fn offered(is_offered: bool, message: &'static str) -> Result<()> {
    match is_offered {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Unsupported, message)),
    }
}
