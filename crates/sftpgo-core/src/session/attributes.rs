//! Changing modes, owners, times and sizes: by name, on an open file, and of a directory that was just made.

use std::time::Duration;

use super::{AttributeChange, Session, check_visible, open::check_replaceable};
use crate::{
    error::{Error, Result},
    event::Attempt,
    filesystem::{FileId, OpenOptions, SetAttributes},
    policy::Access,
    storage_usage::UsageDelta,
    transfer::Upload,
    vpath::VirtualPath,
};

impl Session {
    /// Returns how long to wait before [`Session::set_attributes`], because the database is being asked whether there is
    /// room for a longer file; none when that is known. Else the call itself waits for the answer.
    pub fn wait_to_set_attributes(
        &self,
        path: &VirtualPath,
        change: &AttributeChange,
    ) -> Option<Duration> {
        let size = change.size?;
        if let Some(wait) = self.shared.quota.wait_for_names() {
            return Some(wait);
        }
        if !self.shared.quota.may_have_to_ask() {
            return None;
        }
        let found = match self.shared.own_upload(path) {
            Some(upload) => upload.metadata(),
            None => self.shared.filesystem.metadata(path, true),
        };
        // What is not there is not made longer either.
        let grows = found.map_or(0, |found| size.saturating_sub(found.size));
        self.shared.quota.wait_for_headroom(UsageDelta {
            size: i64::try_from(grows).unwrap_or(i64::MAX),
            files: 0,
        })
    }

    /// Changes attributes by name; the size only where links are followed, since a link has none to change. Sending back the
    /// size that a file or directory has is no change: clients send all that they were shown when they change the times.
    ///
    /// # Errors
    /// Needs `chmod` for the mode, `chown` for the owner, `chtimes` for the times, `upload` and `overwrite` for the size;
    /// nothing is changed when one of them is missing. [`SetstatMode::Ignore`](super::SetstatMode::Ignore) leaves out what is not allowed.
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for what the storage does not offer.
    pub fn set_attributes(
        &self,
        path: &VirtualPath,
        change: &AttributeChange,
        follow: bool,
    ) -> Result<()> {
        let changed = self.set_attributes_as_asked(path, change, follow);
        self.shared.told(Attempt::Setstat, path, changed)
    }

    fn set_attributes_as_asked(
        &self,
        path: &VirtualPath,
        change: &AttributeChange,
        follow: bool,
    ) -> Result<()> {
        self.shared.connection.touch();
        let size = match follow {
            true => change.size.filter(|size| !self.is_size_of(path, *size)),
            false => change.size,
        };
        let change = &AttributeChange { size, ..*change };
        if change.size.is_some() {
            self.check(Access::Truncate, path)?;
        }
        let decide = |access| match follow {
            true => self.shared.decide(access, path),
            false => self.shared.decide_name(access, path),
        };
        let other = self.shared.permitted(&change.other, decide)?;
        self.shared
            .filesystem
            .capabilities()
            .check_attributes(&other)?;
        check_visible(path)?;
        if let Some(upload) = self.shared.own_upload(path) {
            let size = change.size;
            return self.set_upload_attributes(&upload, &AttributeChange { size, other });
        }
        if let Some(size) = change.size {
            if !follow {
                return Err(Error::invalid("size", "cannot be changed of a link itself"));
            }
            self.truncate(path, size)?;
        }
        if other == SetAttributes::default() {
            return Ok(());
        }
        self.shared.filesystem.set_attributes(path, &other, follow)
    }

    /// Does a file or directory have this size, as far as the user may know? Of an upload that is running it may be another one
    /// by the time of the change.
    fn is_size_of(&self, path: &VirtualPath, size: u64) -> bool {
        let may_know = self.shared.decide(Access::Stat, path);
        may_know.is_ok_and(|decision| decision.allowed)
            && self.shared.own_upload(path).is_none()
            && matches!(self.shared.find(path, true), Ok(Some(found)) if found.size == size)
    }

    /// Gives a directory that this session has made, and knows by its id, the attributes that it was made for.
    ///
    /// # Errors
    /// Needs `create_dirs`; as [`Session::set_attributes`] when something else has the name by now.
    pub fn finish_new_dir(
        &self,
        path: &VirtualPath,
        made: FileId,
        change: &SetAttributes,
    ) -> Result<()> {
        let finished = self.finish_new_dir_as_asked(path, made, change);
        self.shared.told(Attempt::Mkdir, path, finished)
    }

    fn finish_new_dir_as_asked(
        &self,
        path: &VirtualPath,
        made: FileId,
        change: &SetAttributes,
    ) -> Result<()> {
        self.check_name(Access::CreateDir, path)?;
        if self.shared.filesystem.metadata(path, false)?.file_id != made {
            let change = AttributeChange {
                size: None,
                other: *change,
            };
            return self.set_attributes_as_asked(path, &change, false);
        }
        self.shared
            .filesystem
            .capabilities()
            .check_attributes(change)?;
        self.shared.filesystem.set_attributes(path, change, false)
    }

    pub(super) fn truncate(&self, path: &VirtualPath, size: u64) -> Result<()> {
        let filesystem = &self.shared.filesystem;
        let capabilities = filesystem.capabilities();
        if !capabilities.random_writes {
            let found = filesystem.metadata(path, true)?;
            check_replaceable(&found)?;
            capabilities.check_size(size, found.size)?;
            return match size == found.size {
                true => Ok(()),
                false => self.store_empty(path, false),
            };
        }
        let options = OpenOptions {
            write: true,
            ..OpenOptions::default()
        };
        let names = self.shared.quota.lock_namespace();
        let file = self.shared.filesystem.open(path, &options)?;
        let (_, count) = self.shared.quota.look_up(|| file.metadata())?;
        drop(names);
        let mut upload = Upload::in_place(count);
        let resized = upload.resize(&self.shared, file.as_ref(), size);
        self.shared.commit(upload.uncommitted);
        resized
    }
}
