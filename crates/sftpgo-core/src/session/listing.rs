//! Listing a directory.

use std::collections::VecDeque;

use crate::{
    descriptors::Permit,
    error::Result,
    filesystem::{DirEntry, Directory},
    policy::is_upload_temporary,
    vpath::VirtualPath,
};

/// An open directory of a session.
pub struct Listing {
    pub(super) directory: Box<dyn Directory>,
    pub(super) path: VirtualPath,
    /// The session's uploads in this directory that were not shown yet.
    pub(super) own_uploads: VecDeque<DirEntry>,
    /// The descriptors that the directory takes.
    pub(super) _permit: Permit,
}

impl Listing {
    /// The directory that is listed.
    pub fn path(&self) -> &VirtualPath {
        &self.path
    }

    /// The next entry; none at the end.
    ///
    /// # Errors
    /// Any error of reading the directory.
    pub fn next_entry(&mut self) -> Result<Option<DirEntry>> {
        loop {
            match self.directory.next_entry()? {
                Some(entry) if is_upload_temporary(&entry.name) => {}
                Some(entry) => return Ok(Some(self.with_own_upload(entry))),
                None => return Ok(self.own_uploads.pop_front()),
            }
        }
    }
}
