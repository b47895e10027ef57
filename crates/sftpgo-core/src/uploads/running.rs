//! Uploads of one user whose data is not under its name yet, by the name that it will get.

use std::{any::Any, collections::HashMap, sync::Arc};

use super::StagedUpload;
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{DirectoryHandle, FileId},
    usage::SharedFileUsage,
};

/// The directory and the name in it.
type Name = (FileId, Vec<u8>);

/// The uploads that run now, in all sessions of the user.
#[derive(Default)]
pub(crate) struct RunningUploads {
    /// The uploads by the name that each will get, the oldest first.
    by_name: HashMap<Name, Vec<Arc<StagedUpload>>>,
    left_over: Vec<LeftOver>,
}

/// The hidden file of an upload that ended, and could not be removed. Its bytes stay reserved, beyond the last session of
/// the user, until it is gone.
pub(crate) struct LeftOver {
    pub(crate) directory: Arc<dyn DirectoryHandle>,
    pub(crate) temporary: Vec<u8>,
    pub(crate) _file_usage: SharedFileUsage,
    /// The account stays as long, for who comes back.
    pub(crate) _account: Arc<dyn Any + Send + Sync>,
}

/// The number of files left over with which a user begins no other upload: nothing else would bound them.
const MOST_LEFT_OVER: usize = 16;

impl RunningUploads {
    /// The upload that began last under this name.
    pub(crate) fn newest(&self, directory: FileId, name: &[u8]) -> Option<Arc<StagedUpload>> {
        let uploads = self.by_name.get(&(directory, name.to_vec()))?;
        uploads.last().cloned()
    }

    pub(crate) fn add(&mut self, directory: FileId, name: &[u8], upload: Arc<StagedUpload>) {
        self.by_name
            .entry((directory, name.to_vec()))
            .or_default()
            .push(upload);
    }

    pub(crate) fn remove(&mut self, directory: FileId, name: &[u8], upload: &StagedUpload) {
        let key = (directory, name.to_vec());
        if let Some(uploads) = self.by_name.get_mut(&key) {
            uploads.retain(|known| !std::ptr::eq(known.as_ref(), upload));
            if uploads.is_empty() {
                self.by_name.remove(&key);
            }
        }
    }

    pub(crate) fn leave_over(&mut self, left_over: LeftOver) {
        self.left_over.push(left_over);
    }

    /// Tries again to remove what is left over, before there may be more.
    ///
    /// # Errors
    /// [`LimitReached`](ErrorKind::LimitReached) where too much is.
    pub(crate) fn check_left_over(&mut self) -> Result<()> {
        self.left_over.retain(|left_over| {
            let removed = left_over.directory.remove_file(&left_over.temporary);
            removed.is_err_and(|error| error.kind() != ErrorKind::NotFound)
        });
        if self.left_over.len() < MOST_LEFT_OVER {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::LimitReached,
            "too many uploads have ended whose hidden files cannot be removed",
        ))
    }
}
