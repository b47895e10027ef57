//! One open file: counted, listed, limited by the quota, and finished or abandoned exactly once.

mod behind;
mod copy;
mod ending;
mod in_order;
mod publish;
mod staged;
mod upload;
mod witnessed;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

pub use self::behind::Pending;
pub(crate) use self::{
    in_order::{Content, InOrderUpload},
    staged::{Begin, name_is_taken},
    upload::Upload,
};
use crate::{
    descriptors::Permit,
    error::{Error, ErrorKind, Result},
    event::{Attempt, Event, Operation},
    filesystem::{File, Metadata},
    registry::TransferEntry,
    session_context::{AttributeChange, SessionContext},
    usage::SharedFileUsage,
    vpath::VirtualPath,
};

/// An open file of a session. [`Transfer::finish`] is a clean CLOSE; dropping it is a lost connection.
pub struct Transfer {
    shared: Arc<SessionContext>,
    operation: Operation,
    path: VirtualPath,
    file: Box<dyn File>,
    readable: bool,
    /// Given up behind the file: what was reserved for it is free when the system has let go of it.
    upload: Option<Upload>,
    /// The usage of a file that is only read: its bytes stay reserved when its name goes.
    _read: Option<SharedFileUsage>,
    entry: Arc<TransferEntry>,
    started: Instant,
    failure: Option<String>,
    finished: bool,
    /// The descriptors that the file takes; given back last.
    _permit: Option<Permit>,
}

impl Transfer {
    pub(crate) fn new(
        shared: Arc<SessionContext>,
        operation: Operation,
        path: VirtualPath,
        file: Box<dyn File>,
        readable: bool,
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
            readable,
            upload,
            _read: None,
            entry,
            started: Instant::now(),
            failure: None,
            finished: false,
            _permit: None,
        }
    }

    /// Returns the transfer with the descriptors that it takes.
    pub(crate) fn holding(mut self, permit: Permit) -> Self {
        self._permit = Some(permit);
        self
    }

    /// A file that is read.
    pub(crate) fn download(
        shared: Arc<SessionContext>,
        path: VirtualPath,
        file: Box<dyn File>,
        file_usage: SharedFileUsage,
    ) -> Self {
        let mut transfer = Self::new(shared, Operation::Download, path, file, true, None);
        transfer._read = Some(file_usage);
        transfer
    }

    /// The path as the client sees it.
    pub fn path(&self) -> &VirtualPath {
        &self.path
    }

    /// Reads at `offset`; 0 is the end of the file.
    ///
    /// # Errors
    /// Any error of the filesystem.
    pub fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.check_readable()?;
        let read = self.file.read_at(buffer, offset);
        let count = self.remember_failure(read)?;
        if self.operation == Operation::Download {
            self.entry.moved(count as u64);
        }
        Ok(count)
    }

    /// Writes all of `data` at `offset`, or at the end of the file where the handle appends.
    ///
    /// # Errors
    /// A handle not open for writing, [`QuotaExceeded`](crate::ErrorKind::QuotaExceeded), or
    /// [`Unsupported`](crate::ErrorKind::Unsupported) out of order on a storage that writes in order only; then nothing of
    /// `data` is written.
    pub fn write_at(&mut self, data: &[u8], offset: u64) -> Result<()> {
        self.write_within_quota(offset, data.len(), |file| file.write_all_at(data, offset))?;
        self.entry.moved(data.len() as u64);
        Ok(())
    }

    /// Would [`Transfer::write_at`] refuse these `len` bytes at `offset`? Asked before their first part is written, so
    /// that of a request that passes the quota nothing is, unless another upload takes the room meanwhile.
    ///
    /// # Errors
    /// As [`Transfer::write_at`], short of what the filesystem says.
    pub fn check_write(&mut self, len: usize, offset: u64) -> Result<()> {
        self.upload(|upload, shared, file| upload.check_write(shared, file, (offset, len)))
    }

    /// Returns how long to wait before [`Transfer::write_at`] of `data` at `offset`: for the room, as
    /// [`Transfer::wait_for_headroom`], and for a storage that takes it meanwhile, where writing may take long. None when
    /// the write does not wait.
    pub fn wait_to_write(&self, data: &[u8], offset: u64) -> Option<Duration> {
        let upload = self.upload.as_ref()?;
        let room = self.wait_for_headroom(data.len(), offset);
        room.or_else(|| upload.begin_write(&self.shared, self.file.as_ref(), (offset, data)))
    }

    /// How many bytes of a write the storage takes since [`Transfer::wait_to_write`]: the write is to have just these.
    pub fn being_written(&self) -> Option<usize> {
        self.upload.as_ref()?.content()?.being_written()
    }

    /// Returns how long to wait before [`Transfer::write_at`] of `len` bytes at `offset`, because the database is being
    /// asked whether there is room for them; none when that is known. Asked before each write, by whoever has other work to
    /// do meanwhile; else the write itself waits for the answer.
    pub fn wait_for_headroom(&self, len: usize, offset: u64) -> Option<Duration> {
        let upload = self.upload.as_ref()?;
        upload.wait_for_headroom(&self.shared, self.file.as_ref(), (offset, len))
    }

    /// Returns how long to wait before [`Transfer::set_attributes`] changes the size.
    pub fn wait_to_set_attributes(&self, change: &AttributeChange) -> Option<Duration> {
        let upload = self.upload.as_ref()?;
        upload.wait_to_resize(&self.shared, change.size?)
    }

    /// Returns how long to wait before [`Transfer::finish`], where what the upload replaces lends it less than it did.
    pub fn wait_to_finish(&self) -> Option<Duration> {
        let upload = self.upload.as_ref()?;
        upload.wait_to_publish(&self.shared)
    }

    /// Lets `bytes` pass the user's bandwidth and says how long to wait before going on.
    pub fn throttle(&self, bytes: usize) -> Duration {
        self.shared.quota.throttle().pass(self.operation, bytes)
    }

    /// Returns how much of `most` to move at once, so that a limited transfer is smooth.
    pub fn piece(&self, most: usize) -> usize {
        self.shared.quota.throttle().piece(self.operation, most)
    }

    /// Attributes of the open file.
    ///
    /// # Errors
    /// Any error of the filesystem.
    pub fn metadata(&self) -> Result<Metadata> {
        self.file.metadata()
    }

    /// Changes attributes of the open file.
    ///
    /// # Errors
    /// A handle that is open for writing needs no more than opening it has asked for. Any other
    /// handle needs as much as [`Session::set_attributes`](crate::session::Session::set_attributes); the size is refused there.
    pub fn set_attributes(&mut self, change: &AttributeChange) -> Result<()> {
        let changed = self.set_attributes_as_asked(change);
        self.shared.told(Attempt::Setstat, &self.path, changed)
    }

    fn set_attributes_as_asked(&mut self, change: &AttributeChange) -> Result<()> {
        let other = match &self.upload {
            Some(_) => change.other,
            None => {
                let decide = |access| self.shared.decide(access, &self.path);
                self.shared.permitted(&change.other, decide)?
            }
        };
        self.shared
            .filesystem
            .capabilities()
            .check_attributes(&other)?;
        if let Some(size) = change.size {
            let Some(upload) = self.upload.as_mut() else {
                return Err(not_for_writing());
            };
            let resized = upload.resize(&self.shared, self.file.as_ref(), size);
            upload.remember(&resized);
            resized?;
        }
        self.file.set_attributes(&other)
    }

    /// Waits until what was written is on stable storage. When that fails once, the upload cannot be finished any more:
    /// the system does not say again what it lost.
    ///
    /// # Errors
    /// Any error of the filesystem; [`Unsupported`](crate::ErrorKind::Unsupported) where a file is stored only when it is
    /// closed, and then the upload goes on.
    pub fn sync(&mut self) -> Result<()> {
        if self.upload.as_ref().is_some_and(Upload::is_in_order) {
            return Err(in_order::only_written());
        }
        let synced = self.file.sync();
        if let Some(upload) = &mut self.upload {
            upload.remember_sync(&synced);
        }
        self.remember_failure(synced)
    }

    /// A clean CLOSE: the upload is under its name when this returns.
    ///
    /// # Errors
    /// What making it durable or renaming it says; an atomic upload is then gone and the old file stands, unless only
    /// waiting for its new name failed.
    pub fn finish(mut self) -> Result<()> {
        let stored = self.store();
        let stored = self.remember_failure(stored);
        self.end();
        if self.failure.is_none() {
            self.tell_witness();
        }
        stored
    }

    /// The same, where the storage may take long by a thread of its own: whoever has other work to do comes back for the
    /// outcome.
    pub fn begin_to_finish(self) -> Pending<()> {
        match self.upload.as_ref().is_some_and(Upload::is_in_order) {
            true => Pending::start("storage-finish", move || self.finish()),
            false => Pending::done(self.finish()),
        }
    }

    /// Ends a transfer that failed for a reason only the protocol knows; in the atomic modes the old file stands.
    pub fn fail(mut self, reason: &str) {
        self.failure.get_or_insert_with(|| reason.to_owned());
        if let Some(upload) = &mut self.upload {
            upload.broken.get_or_insert(ErrorKind::Internal);
        }
    }

    /// Lets `write` fill `len` bytes at `offset`, and takes what the file grows by from the quota.
    fn write_within_quota<T>(
        &mut self,
        offset: u64,
        len: usize,
        write: impl FnOnce(&dyn File) -> Result<T>,
    ) -> Result<T> {
        self.upload(|upload, shared, file| {
            upload.write(shared, file, (offset, len), || write(file))
        })
    }

    /// Lets `work` go on with the upload, and remembers when it was refused.
    fn upload<T>(
        &mut self,
        work: impl FnOnce(&mut Upload, &SessionContext, &dyn File) -> Result<T>,
    ) -> Result<T> {
        let done = match self.upload.as_mut() {
            None => Err(not_for_writing()),
            Some(upload) => {
                let done = work(upload, &self.shared, self.file.as_ref());
                upload.remember(&done);
                done
            }
        };
        self.remember_failure(done)
    }

    fn check_readable(&self) -> Result<()> {
        if self.readable {
            return Ok(());
        }
        Err(Error::denied("the handle is not open for reading"))
    }

    fn end(&mut self) {
        self.finished = true;
        if let Some(upload) = &mut self.upload {
            self.shared.commit(std::mem::take(&mut upload.uncommitted));
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

fn not_for_writing() -> Error {
    Error::denied("the handle is not open for writing")
}
