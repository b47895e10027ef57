//! What a session sees of its own uploads that have no name yet.
//!
//! In the atomic upload modes a file is under its name for others only when it is complete. The session that uploads it
//! sees it there from OPEN on, as it would with any other server: it looks at it, changes its attributes, lists, renames
//! and removes it.

use std::{collections::VecDeque, sync::Arc};

use super::{AttributeChange, Listing, Session, open::check_replaceable};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{DirEntry, FileType, OpenOptions, Replace},
    policy::Access,
    session_context::{SessionContext, if_there},
    storage_usage::UsageDelta,
    transfer::{Upload, name_is_taken},
    uploads::StagedUpload,
    vpath::VirtualPath,
};

impl SessionContext {
    /// Is the name free of this session's uploads?
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists).
    pub(super) fn check_not_uploading(&self, path: &VirtualPath) -> Result<()> {
        self.own_upload(path)
            .map_or(Ok(()), |_| Err(name_is_taken()))
    }

    /// Returns this session's uploads that will get a name in this directory, as they are now.
    pub(super) fn own_uploads_in(&self, directory: &VirtualPath) -> VecDeque<DirEntry> {
        if self.own_uploads().is_empty() {
            return VecDeque::new();
        }
        let Ok(found) = self.filesystem.metadata(directory, true) else {
            return VecDeque::new();
        };
        let mut entries: VecDeque<DirEntry> = VecDeque::new();
        for own in self.own_uploads().iter().rev() {
            if let Some(name) = own.name_in(found.file_id)
                && let Ok(metadata) = own.metadata()
                && entries.iter().all(|entry| entry.name != name)
            {
                entries.push_back(DirEntry { name, metadata });
            }
        }
        entries
    }
}

impl Session {
    /// Removes an upload of this session by its name, with what others see there.
    pub(super) fn remove_upload(
        &self,
        path: &VirtualPath,
        upload: &Arc<StagedUpload>,
    ) -> Result<()> {
        let names = self.shared.quota.lock_namespace();
        let freed = if_there(self.remove_named(path))?.unwrap_or_default();
        upload.remove(&self.shared);
        drop(names);
        self.shared.commit(freed);
        Ok(())
    }

    /// Gives an upload of this session another name; what others see under the old one goes along. Called with the names
    /// held.
    pub(super) fn rename_upload(
        &self,
        upload: &Arc<StagedUpload>,
        from: &VirtualPath,
        to: &VirtualPath,
        replace: Replace,
    ) -> Result<UsageDelta> {
        let Some(name) = to.file_name() else {
            return Err(Error::new(ErrorKind::AlreadyExists, "the target exists"));
        };
        let directory = self
            .shared
            .filesystem
            .hold_directory(&to.parent_or_root())?;
        let has_old = self.shared.find_with_usage(from)?.is_some();
        // Two uploads that get one name, neither of which may replace anything: only one could.
        let is_taken = self
            .shared
            .quota
            .uploads()
            .newest(directory.file_id(), name);
        if replace == Replace::No && is_taken.is_some() {
            return Err(name_is_taken());
        }
        let freed = match has_old {
            true => self.rename_named(from, to, replace)?,
            false => {
                if let Some(found) = if_there(directory.metadata(name))? {
                    check_replaceable(&found)?;
                    if replace == Replace::No || found.file_type == FileType::Symlink {
                        return Err(Error::new(ErrorKind::AlreadyExists, "the target exists"));
                    }
                    self.check_name(Access::Overwrite, to)?;
                }
                UsageDelta::default()
            }
        };
        let exclusive = replace == Replace::No && !has_old;
        let overwrite = self.shared.decide_name(Access::Overwrite, to)?;
        upload.move_to(&self.shared, directory, name, exclusive, overwrite)?;
        Ok(freed)
    }

    /// Changes attributes of an upload of this session by its name.
    pub(super) fn set_upload_attributes(
        &self,
        upload: &Arc<StagedUpload>,
        change: &AttributeChange,
    ) -> Result<()> {
        if let Some(size) = change.size {
            let options = OpenOptions {
                write: true,
                ..OpenOptions::default()
            };
            let file = upload.open(&options)?;
            let mut writer = Upload::staged(Arc::clone(upload));
            writer.resize(&self.shared, file.as_ref(), size)?;
        }
        upload.set_attributes(&change.other)
    }
}

impl Listing {
    /// What the session sees instead of, or besides, what the directory has.
    pub(super) fn with_own_upload(&mut self, entry: DirEntry) -> DirEntry {
        let own = self
            .own_uploads
            .iter()
            .position(|own| own.name == entry.name);
        own.and_then(|index| self.own_uploads.remove(index))
            .unwrap_or(entry)
    }
}
