//! One open file: counted, listed, limited by the quota, and finished or abandoned exactly once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    event::Event,
    filesystem::{File, FileType, Metadata, Replace},
    permission::Permissions,
    provider::UsageDelta,
    quota::CountedInode,
    registry::{Operation, TransferEntry},
    session::{AttributeChange, Shared, UploadMode, signed},
    vpath::VirtualPath,
};

/// An open file of a session. [`Transfer::finish`] is a clean CLOSE; dropping it is a lost connection.
pub struct Transfer {
    shared: Arc<Shared>,
    operation: Operation,
    path: VirtualPath,
    file: Box<dyn File>,
    upload: Option<Upload>,
    entry: Arc<TransferEntry>,
    started: Instant,
    failure: Option<String>,
    finished: bool,
}

/// What writing to a file has cost so far.
pub(crate) struct Upload {
    pub(crate) counted: Arc<Mutex<CountedInode>>,
    /// Reserved and not written to the ledger yet.
    pub(crate) delta: UsageDelta,
    /// Writes below this offset are refused.
    pub(crate) resume_from: u64,
    pub(crate) staged: Option<Staged>,
    /// A write or a change of size was refused: what is there is not what the client sent.
    pub(crate) broken: Option<ErrorKind>,
}

/// An upload whose data is not under its name yet.
pub(crate) struct Staged {
    pub(crate) temporary: VirtualPath,
    /// Bytes of the file it will replace: counted already, so free to grow into.
    pub(crate) credit: u64,
}

impl Upload {
    pub(crate) fn in_place(counted: Arc<Mutex<CountedInode>>) -> Self {
        Self {
            counted,
            delta: UsageDelta::default(),
            resume_from: 0,
            staged: None,
            broken: None,
        }
    }

    /// Remembers what was reserved for more data.
    fn grow(&mut self, shared: &Shared, reserved: UsageDelta) {
        self.delta += reserved;
        if self.staged.is_some() {
            shared.quota.stage(reserved);
        }
    }

    /// Remembers that a part of the upload was refused.
    fn remember<T>(&mut self, stored: &Result<T>) {
        if let Err(error) = stored {
            self.broken.get_or_insert(error.kind());
        }
    }
}

impl Transfer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        operation: Operation,
        path: VirtualPath,
        file: Box<dyn File>,
        upload: Option<Upload>,
    ) -> Self {
        let entry = shared
            .connection
            .begin_transfer(operation, path.to_string_lossy().into_owned());
        Self {
            shared,
            operation,
            path,
            file,
            upload,
            entry,
            started: Instant::now(),
            failure: None,
            finished: false,
        }
    }

    /// The path as the client sees it.
    pub fn path(&self) -> &VirtualPath {
        &self.path
    }

    /// Reads at `offset`; 0 is the end of the file.
    ///
    /// # Errors
    /// What the filesystem says.
    pub fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let read = self.file.read_at(buffer, offset);
        let count = self.remember_failure(read)?;
        if self.operation == Operation::Download {
            self.entry.moved(count as u64);
        }
        Ok(count)
    }

    /// Writes all of `data` at `offset`.
    ///
    /// # Errors
    /// A handle not open for writing, a write below a resumed upload's start, or
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded); then nothing of `data` is written.
    pub fn write_at(&mut self, data: &[u8], offset: u64) -> Result<()> {
        let written = self.write_within_quota(data, offset);
        if let Some(upload) = self.upload.as_mut() {
            upload.remember(&written);
        }
        self.remember_failure(written)?;
        self.entry.moved(data.len() as u64);
        Ok(())
    }

    /// Lets `bytes` pass the user's bandwidth and says how long to wait before going on.
    pub fn throttle(&self, bytes: usize) -> Duration {
        self.shared.quota.throttle().pass(self.operation, bytes)
    }

    /// Attributes of the open file.
    ///
    /// # Errors
    /// What the filesystem says.
    pub fn metadata(&self) -> Result<Metadata> {
        self.file.metadata()
    }

    /// Changes attributes of the open file.
    ///
    /// # Errors
    /// Needs `upload`, and `overwrite` to change the size of a file that was there before.
    pub fn set_attributes(&mut self, change: &AttributeChange) -> Result<()> {
        let may = self.shared.user.permissions;
        let own_new_file = self
            .upload
            .as_ref()
            .is_some_and(|upload| upload.delta.files > 0 || upload.staged.is_some());
        let sizes = change.size.is_none() || own_new_file || may.contains(Permissions::OVERWRITE);
        if !may.contains(Permissions::UPLOAD) || !sizes {
            return Err(Error::denied(
                "permission denied: needs upload, and overwrite to change the size",
            ));
        }
        if let Some(size) = change.size {
            let Some(upload) = self.upload.as_mut() else {
                return Err(Error::denied("the handle is not open for writing"));
            };
            let resized = self
                .shared
                .resize(self.file.as_ref(), &upload.counted, size);
            upload.remember(&resized);
            let delta = resized?;
            upload.grow(
                &self.shared,
                UsageDelta {
                    size: delta,
                    files: 0,
                },
            );
        }
        self.file.set_attributes(&change.other)
    }

    /// Waits until what was written is on stable storage.
    ///
    /// # Errors
    /// What the filesystem says.
    pub fn sync(&self) -> Result<()> {
        self.file.sync()
    }

    /// A clean CLOSE: the upload is under its name when this returns.
    ///
    /// # Errors
    /// What making it durable or renaming it says; an atomic upload is then gone and the old file stands.
    pub fn finish(mut self) -> Result<()> {
        let stored = self.store();
        if stored.is_err() {
            self.discard_staged();
        }
        let stored = self.remember_failure(stored);
        self.end();
        stored
    }

    fn write_within_quota(&mut self, data: &[u8], offset: u64) -> Result<()> {
        let Some(upload) = self.upload.as_mut() else {
            return Err(Error::denied("the handle is not open for writing"));
        };
        if offset < upload.resume_from {
            return Err(Error::denied(
                "an upload that is resumed cannot write below the old size",
            ));
        }
        let end = offset
            .checked_add(data.len() as u64)
            .filter(|end| i64::try_from(*end).is_ok())
            .ok_or_else(|| Error::invalid("offset", "past the largest file"))?;
        let inode = Arc::clone(&upload.counted);
        let mut counted = inode.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.check_may_grow(&counted, end)?;
        if end <= counted.size || !counted.counted {
            drop(counted);
            return self.file.write_all_at(data, offset);
        }
        let credit = upload.staged.as_ref().map_or(0, |staged| staged.credit);
        let growth = UsageDelta {
            size: signed(end.max(credit)) - signed(counted.size.max(credit)),
            files: 0,
        };
        if growth.size > 0 {
            self.shared.quota.reserve(growth)?;
        }
        // Held across the write: another writer's growth must not be counted twice.
        if let Err(error) = self.file.write_all_at(data, offset) {
            let real = self
                .file
                .metadata()
                .map_or(counted.size, |metadata| metadata.size.max(counted.size));
            let kept = UsageDelta {
                size: signed(real.max(credit)) - signed(counted.size.max(credit)),
                files: 0,
            };
            self.shared.quota.charge(UsageDelta {
                size: kept.size - growth.size,
                files: 0,
            });
            upload.grow(&self.shared, kept);
            counted.size = real;
            return Err(error);
        }
        upload.grow(&self.shared, growth);
        counted.size = end;
        Ok(())
    }

    /// Makes an upload durable as the policy says and gives it its name.
    fn store(&mut self) -> Result<()> {
        if self.upload.is_none() {
            return Ok(());
        }
        if self.shared.uploads.sync {
            self.file.sync()?;
        }
        self.publish()?;
        if self.shared.uploads.sync {
            let directory = self.path.parent().unwrap_or_else(VirtualPath::root);
            self.shared.filesystem.sync_dir(&directory)?;
        }
        Ok(())
    }

    /// Renames a staged upload over its target; the replaced file leaves the count.
    fn publish(&mut self) -> Result<()> {
        let Some(upload) = self.upload.as_mut() else {
            return Ok(());
        };
        let Some(staged) = upload.staged.as_ref() else {
            return Ok(());
        };
        if let Some(kind) = upload.broken {
            return Err(Error::new(
                kind,
                "a part of the upload could not be stored, the old file stands",
            ));
        }
        let names = self.shared.quota.lock_names();
        let replaced = self.shared.filesystem.metadata(&self.path, false).ok();
        if replaced.is_some_and(|replaced| replaced.file_type == FileType::Directory) {
            return Err(Error::new(
                ErrorKind::IsADirectory,
                "a directory took the name meanwhile",
            ));
        }
        let size = upload
            .counted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .size;
        // What was reserved counted the new file beyond the credit; now it counts whole and the old one not at all.
        let rest = UsageDelta {
            size: signed(size) - upload.delta.size,
            files: 1 - upload.delta.files,
        };
        // The file that gave the credit may have got another name since: then this one has to fit beside it.
        let freed = replaced
            .filter(|replaced| replaced.file_type == FileType::File && replaced.links < 2)
            .map_or_else(UsageDelta::default, |replaced| UsageDelta {
                size: -signed(replaced.size),
                files: -1,
            });
        let mut more = rest;
        more += freed;
        self.shared.quota.reserve(more)?;
        self.shared.quota.charge(-more);
        self.shared
            .filesystem
            .rename(&staged.temporary, &self.path, Replace::Yes)?;
        self.shared.quota.charge(rest);
        // From here on the data is under its name, where a rescan finds it.
        self.shared.quota.stage(-upload.delta);
        upload.delta += rest;
        if let Some(replaced) = replaced {
            upload.delta += self.shared.release(&replaced);
        }
        upload.staged = None;
        drop(names);
        Ok(())
    }

    /// A staged upload that will not get its name: gone, with what it reserved.
    fn discard_staged(&mut self) {
        let Some(upload) = self.upload.as_mut() else {
            return;
        };
        let Some(staged) = upload.staged.take() else {
            return;
        };
        if let Err(error) = self.shared.filesystem.remove_file(&staged.temporary) {
            log::warn!("an unfinished upload was not removed, the next start will: {error}");
        }
        upload
            .counted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .counted = false;
        self.shared.quota.stage(-upload.delta);
        self.shared.give_back(upload.delta);
        upload.delta = UsageDelta::default();
    }

    /// A lost connection: what becomes of the data is the upload mode's.
    fn abandon(&mut self) {
        self.failure
            .get_or_insert_with(|| "the connection was lost before the file was closed".to_owned());
        let keep = self.shared.uploads.mode == UploadMode::AtomicWithResume;
        if !(keep && self.publish().is_ok()) {
            self.discard_staged();
        }
        self.end();
    }

    fn end(&mut self) {
        self.finished = true;
        if let Some(upload) = &mut self.upload {
            self.shared.settle(std::mem::take(&mut upload.delta));
        }
        self.shared.connection.end_transfer(&self.entry);
        self.shared.events.emit(&Event::Transfer {
            operation: self.operation,
            username: &self.shared.user.username,
            file_path: &self.shared.filesystem.display_path(&self.path),
            size: self.entry.size(),
            elapsed: self.started.elapsed(),
            connection_id: self.shared.connection.id(),
            protocol: self.shared.connection.protocol(),
            error: self.failure.as_deref(),
        });
    }

    fn remember_failure<T>(&mut self, result: Result<T>) -> Result<T> {
        result.inspect_err(|error| {
            self.failure.get_or_insert_with(|| error.to_string());
        })
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if !self.finished {
            self.abandon();
        }
    }
}
