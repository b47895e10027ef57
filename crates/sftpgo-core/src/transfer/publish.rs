//! How an upload gets its name, or does not.

use std::sync::Arc;

use super::{Transfer, upload::Upload};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{FileType, Metadata, Replace},
    provider::UsageDelta,
    quota::{lock, signed},
    session::{Shared, UploadMode},
    vpath::VirtualPath,
};

impl Transfer {
    /// Makes an upload durable as the policy says and gives it its name.
    pub(super) fn store(&mut self) -> Result<()> {
        let Some(upload) = &mut self.upload else {
            return Ok(());
        };
        if self.shared.uploads.sync {
            self.file.sync()?;
        }
        upload.publish(&self.shared, &self.path)?;
        if self.shared.uploads.sync {
            let directory = self.path.parent().unwrap_or_else(VirtualPath::root);
            self.shared.filesystem.sync_dir(&directory)?;
        }
        Ok(())
    }

    /// A lost connection: what becomes of the data is the upload mode's.
    pub(super) fn abandon(&mut self) {
        self.failure
            .get_or_insert_with(|| "the connection was lost before the file was closed".to_owned());
        if let Some(upload) = &mut self.upload {
            let keep = self.shared.uploads.mode == UploadMode::AtomicWithResume;
            if !(keep && upload.publish(&self.shared, &self.path).is_ok()) {
                upload.discard_staged(&self.shared);
            }
        }
        self.end();
    }
}

impl Upload {
    /// Renames staged data over its target; the replaced file leaves the count.
    fn publish(&mut self, shared: &Shared, path: &VirtualPath) -> Result<()> {
        let Some(staged) = &mut self.staged else {
            return Ok(());
        };
        if let Some(kind) = self.broken {
            return Err(Error::new(
                kind,
                "a part of the upload could not be stored, the old file stands",
            ));
        }
        let names = shared.quota.change_names();
        let replaced = shared.find_counted(path)?;
        let is_directory = |found: &Metadata| found.file_type == FileType::Directory;
        if replaced
            .as_ref()
            .is_some_and(|(found, _)| is_directory(found))
        {
            return Err(Error::new(
                ErrorKind::IsADirectory,
                "a directory took the name meanwhile",
            ));
        }
        // Held until it has left: whoever has the replaced file open must not change what it counts for.
        let mut replaced = replaced
            .as_ref()
            // Somebody may have given the new file this name by hand: then nothing is replaced.
            .filter(|(_, count)| !Arc::ptr_eq(count, &self.count))
            .map(|(found, count)| (found, lock(count)));
        let leaving = replaced
            .as_ref()
            .and_then(|(found, counted)| shared.leaving(found, counted));
        let mut sum = UsageDelta {
            size: signed(lock(&self.count).size),
            files: 1,
        };
        if let Some(leaving) = &leaving {
            sum += leaving.delta();
        }
        // The file that gave the credit may have got another name since: then this one has to fit beside it.
        let more = sum.beyond(staged.reserved);
        shared.quota.reserve_staged(more)?;
        staged.reserved += more;
        shared
            .filesystem
            .rename(&staged.temporary, path, Replace::Yes)?;
        self.unsettled += shared.publish(&self.count, staged.reserved, leaving);
        if let (Some((_, counted)), Some(_)) = (&mut replaced, leaving) {
            shared.quota.retire(counted);
        }
        self.staged = None;
        drop(names);
        Ok(())
    }

    /// A staged upload that will not get its name: gone, with what it reserved.
    pub(super) fn discard_staged(&mut self, shared: &Shared) {
        let Some(staged) = self.staged.take() else {
            return;
        };
        if let Err(error) = shared.filesystem.remove_file(&staged.temporary) {
            log::warn!("an unfinished upload was not removed, the next start will: {error}");
        }
        shared.quota.retire(&mut lock(&self.count));
        shared.quota.release_staged(staged.reserved);
    }
}

impl UsageDelta {
    /// What is missing from `self`, part by part, when `reserved` is there already.
    fn beyond(self, reserved: Self) -> Self {
        Self {
            size: self.size.saturating_sub(reserved.size).max(0),
            files: self.files.saturating_sub(reserved.files).max(0),
        }
    }
}
