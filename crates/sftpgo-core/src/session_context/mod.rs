//! What a session and its open files have in common: the user, what the user may do, and where it is counted.
//!
//! Sessions and transfers both stand on it, so that neither has to know the other.

mod access;
mod accounting;
mod refusal;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    content::{Content, Known, UploadWitness},
    error::{ErrorKind, Result},
    event::Events,
    filesystem::{Filesystem, Metadata, SetAttributes},
    quota::QuotaAccount,
    registry::ConnectionGuard,
    sync::lock,
    uploads::StagedUpload,
    user::EffectiveUser,
    vpath::VirtualPath,
};

/// Uploads of a session that are known by what they hold; the newest.
const KNOWN_UPLOADS: usize = 64;

/// The mode of uploads: where their data is before CLOSE (`upload_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UploadMode {
    /// 0: data goes straight into the file.
    #[default]
    Standard,
    /// 1: data goes to a hidden temporary, renamed over the file at a clean CLOSE.
    Atomic,
    /// 2: as 1, and a lost upload is kept under its name so that the client can resume.
    AtomicWithResume,
}

/// The settings of uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UploadPolicy {
    /// See [`UploadMode`].
    pub mode: UploadMode,
    /// Wait for stable storage before CLOSE is answered.
    pub sync: bool,
}

/// The treatment of a change of mode, owner or times that the user's permissions do not allow (`setstat_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SetstatMode {
    /// 0: it is refused, and with it the whole request.
    #[default]
    Refuse,
    /// 1: it is left out, and the client hears that all is well. A size is data, and refused all the same.
    Ignore,
}

/// Attributes to change by name or on an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttributeChange {
    /// New length in bytes.
    pub size: Option<u64>,
    /// All attributes but the size.
    pub other: SetAttributes,
}

/// The state that a session and its open files share.
pub(crate) struct SessionContext {
    pub(crate) user: Arc<EffectiveUser>,
    pub(crate) filesystem: Arc<dyn Filesystem>,
    pub(crate) quota: Arc<QuotaAccount>,
    pub(crate) connection: ConnectionGuard,
    pub(crate) events: Events,
    pub(crate) uploads: UploadPolicy,
    pub(crate) setstat: SetstatMode,
    pub(crate) own_uploads: Mutex<Vec<Arc<StagedUpload>>>,
    /// Told of each upload that is done.
    pub(crate) witness: Option<Arc<dyn UploadWitness>>,
    /// Are uploads remembered that the user may not download?
    pub(crate) remembers_uploads: bool,
    pub(crate) known_uploads: Mutex<VecDeque<Known>>,
}

impl SessionContext {
    /// Waits until a changed name is on stable storage, where uploads are. That a directory may not be read is no reason to
    /// call a change failed that was made: the system offers no way to wait for it.
    pub(crate) fn sync_name(&self, path: &VirtualPath) -> Result<()> {
        if !self.uploads.sync {
            return Ok(());
        }
        match self.filesystem.sync_dir(&path.parent_or_root()) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        }
    }

    /// Attributes of a name that need not be there.
    pub(crate) fn find(&self, path: &VirtualPath, follow: bool) -> Result<Option<Metadata>> {
        if_there(self.filesystem.metadata(path, follow))
    }

    /// Remembers an upload of this session that is done.
    pub(crate) fn remember_upload(&self, known: Known) {
        let mut uploads = lock(&self.known_uploads);
        uploads.retain(|other| other.path != known.path);
        if uploads.len() >= KNOWN_UPLOADS {
            uploads.pop_front();
        }
        uploads.push_back(known);
    }

    /// Opens what this session has uploaded to `path`, where the file still holds that and nothing else.
    pub(crate) fn open_known_upload(&self, path: &VirtualPath) -> Option<Content> {
        let uploads = lock(&self.known_uploads);
        let known = uploads.iter().find(|known| known.path == *path)?;
        known.open(&self.filesystem, self.quota.writers())
    }

    /// Returns the uploads of this session, one entry for each handle.
    pub(crate) fn own_uploads(&self) -> MutexGuard<'_, Vec<Arc<StagedUpload>>> {
        lock(&self.own_uploads)
    }

    /// A handle of this session has ended.
    pub(crate) fn forget_own_upload(&self, upload: &Arc<StagedUpload>) {
        let mut own = self.own_uploads();
        if let Some(index) = own.iter().position(|known| Arc::ptr_eq(known, upload)) {
            own.remove(index);
        }
    }

    pub(crate) fn is_own_upload(&self, upload: &Arc<StagedUpload>) -> bool {
        self.own_uploads()
            .iter()
            .any(|known| Arc::ptr_eq(known, upload))
    }

    /// The upload of this session that will get this name; the one that began last, if several will.
    pub(crate) fn own_upload(&self, path: &VirtualPath) -> Option<Arc<StagedUpload>> {
        let name = path.file_name().filter(|_| !path.must_be_directory())?;
        // Nobody looks at a directory for names that are not being uploaded.
        let is_possible = self.own_uploads().iter().any(|own| own.is_named(name));
        if !is_possible {
            return None;
        }
        let parent = self
            .filesystem
            .metadata(&path.parent_or_root(), true)
            .ok()?;
        let own = self.own_uploads();
        let mut at_path = own.iter().filter(|own| own.is_at(parent.file_id, name));
        at_path.next_back().cloned()
    }
}

/// Returns what was found, or none where there is nothing of the name.
pub(crate) fn if_there<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
