//! Uploads whose data is in a hidden file until it gets its name: who has each open, and where its name will be.
//!
//! The directory is held from the beginning. Nothing here is looked up by a path again, so that whoever renames
//! directories meanwhile neither loses the hidden file nor sends the data elsewhere.

mod running;

use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) use self::running::{LeftOver, RunningUploads};
use crate::{
    error::{ErrorKind, Result},
    filesystem::{DirectoryHandle, File, FileId, Metadata, OpenOptions, SetAttributes},
    policy::Decision,
    sync::lock,
    usage::SharedFileUsage,
};

/// One upload, shared by all handles that write to it.
pub(crate) struct StagedUpload {
    /// The file that the first handle opened: its lock keeps sweeps away, whichever handles are left.
    pub(crate) _locked: Arc<dyn File>,
    pub(crate) file_usage: SharedFileUsage,
    /// The file that it will replace, whose bytes it may use; see `FileState::credit`.
    pub(crate) leans_on: Option<SharedFileUsage>,
    /// Changed only while the user's names are held.
    pub(crate) place: Mutex<Place>,
}

/// The place of an upload's data, the name that it will get, and what has happened to it.
pub(crate) struct Place {
    pub(crate) directory: Arc<dyn DirectoryHandle>,
    pub(crate) temporary: Vec<u8>,
    pub(crate) name: Vec<u8>,
    /// The file that had the name when the upload began.
    pub(crate) found: Option<Metadata>,
    /// Is it refused where something has the name?
    pub(crate) exclusive: bool,
    /// May it replace what has the name? Decided with the name, for the directory may have another path at the end.
    pub(crate) overwrite: Decision,
    /// Handles that are open.
    pub(crate) handles: usize,
    /// A handle was closed well while others went on: what it wrote must not be lost with them.
    pub(crate) acknowledged: bool,
    /// A handle ended with its connection.
    pub(crate) lost: bool,
    /// A part was refused.
    pub(crate) broken: Option<ErrorKind>,
    /// Will it get no name, because a client removed it, or gave its name to another file.
    pub(crate) removed: bool,
}

impl StagedUpload {
    /// Opens what is there of it.
    ///
    /// # Errors
    /// Any error of opening the hidden file.
    pub(crate) fn open(&self, options: &OpenOptions) -> Result<Box<dyn File>> {
        let place = self.place();
        place.directory.open(&place.temporary, options)
    }

    /// Attributes of what is there of it.
    ///
    /// # Errors
    /// Any error of the filesystem.
    pub(crate) fn metadata(&self) -> Result<Metadata> {
        let place = self.place();
        place.directory.metadata(&place.temporary)
    }

    /// Changes attributes of what is there of it.
    ///
    /// # Errors
    /// Any error of the filesystem.
    pub(crate) fn set_attributes(&self, change: &SetAttributes) -> Result<()> {
        let place = self.place();
        place.directory.set_attributes(&place.temporary, change)
    }

    /// Is this the name that it will get?
    pub(crate) fn is_at(&self, directory: FileId, name: &[u8]) -> bool {
        let place = self.place();
        !place.removed && place.name == name && place.directory.file_id() == directory
    }

    /// The name in this directory that it will get, if that is where it goes.
    pub(crate) fn name_in(&self, directory: FileId) -> Option<Vec<u8>> {
        let place = self.place();
        let is_there = !place.removed && place.directory.file_id() == directory;
        is_there.then(|| place.name.clone())
    }

    /// Could it get this last name anywhere?
    pub(crate) fn is_named(&self, name: &[u8]) -> bool {
        let place = self.place();
        !place.removed && place.name == name
    }

    pub(crate) fn place(&self) -> MutexGuard<'_, Place> {
        lock(&self.place)
    }
}
