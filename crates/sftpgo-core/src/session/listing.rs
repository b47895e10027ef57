//! Listing a directory.

use crate::{
    error::Result,
    filesystem::{DirEntry, Directory, is_upload_temporary},
    vpath::VirtualPath,
};

/// An open directory of a session.
pub struct Listing {
    pub(super) directory: Box<dyn Directory>,
    pub(super) path: VirtualPath,
}

impl Listing {
    /// The directory that is listed.
    pub fn path(&self) -> &VirtualPath {
        &self.path
    }

    /// The next entry; none at the end.
    ///
    /// # Errors
    /// What reading says.
    pub fn next_entry(&mut self) -> Result<Option<DirEntry>> {
        loop {
            match self.directory.next_entry()? {
                Some(entry) if is_upload_temporary(&entry.name) => {}
                entry => return Ok(entry),
            }
        }
    }
}
