//! Uploads of one user whose data is not under its name yet, by the name that it will get.

use std::{collections::HashMap, sync::Arc};

use super::staged::StagedUpload;
use crate::filesystem::Inode;

/// The directory and the name in it.
type Name = (Inode, Vec<u8>);

/// What runs now, over all sessions of the user.
#[derive(Default)]
pub(crate) struct RunningUploads {
    /// Oldest first.
    by_name: HashMap<Name, Vec<Arc<StagedUpload>>>,
    /// Their hidden files could not be removed: their bytes stay reserved.
    left_over: Vec<Arc<StagedUpload>>,
}

impl RunningUploads {
    /// The upload that began last under this name.
    pub(crate) fn newest(&self, directory: Inode, name: &[u8]) -> Option<Arc<StagedUpload>> {
        let uploads = self.by_name.get(&(directory, name.to_vec()))?;
        uploads.last().cloned()
    }

    pub(super) fn add(&mut self, directory: Inode, name: &[u8], upload: Arc<StagedUpload>) {
        self.by_name
            .entry((directory, name.to_vec()))
            .or_default()
            .push(upload);
    }

    pub(super) fn remove(&mut self, directory: Inode, name: &[u8], upload: &StagedUpload) {
        let key = (directory, name.to_vec());
        if let Some(uploads) = self.by_name.get_mut(&key) {
            uploads.retain(|known| !std::ptr::eq(known.as_ref(), upload));
            if uploads.is_empty() {
                self.by_name.remove(&key);
            }
        }
    }

    pub(super) fn leave_over(&mut self, upload: Arc<StagedUpload>) {
        self.left_over.push(upload);
    }
}
