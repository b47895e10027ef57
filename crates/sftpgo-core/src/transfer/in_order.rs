//! An upload whose bytes go to the storage in order, and that appears as a whole at its CLOSE.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::SystemTime,
};

use super::publish::{Claim, Unnamed};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{
        File, FileId, FileType, Metadata, OwnerIds, Replace, SetAttributes, UploadWriter,
    },
    policy::Decision,
    session_context::SessionContext,
    storage_usage::UsageDelta,
    sync::lock,
    usage::SharedCount,
    vpath::VirtualPath,
};

/// The one handle of such an upload, until it ends.
pub(crate) struct InOrderUpload {
    pub(crate) content: Arc<Content>,
    pub(crate) path: VirtualPath,
    /// Only where nothing is.
    pub(crate) exclusive: bool,
    /// May it replace what has the name? Decided when it began.
    pub(crate) overwrite: Decision,
    /// The file that it will replace, whose bytes it may use; see `FileFigures::credit`.
    pub(crate) leans_on: Option<SharedCount>,
}

/// What has come of it.
pub(crate) struct Content(Mutex<State>);

struct State {
    /// None once it has ended.
    writer: Option<Box<dyn UploadWriter>>,
    /// As the file would look if it were there.
    metadata: Metadata,
}

impl Content {
    /// Nothing yet.
    pub(crate) fn new(
        writer: Box<dyn UploadWriter>,
        mode: Option<u32>,
        owner: Option<OwnerIds>,
    ) -> Self {
        let now = unix_seconds(SystemTime::now());
        let owner = owner.unwrap_or(OwnerIds { uid: 0, gid: 0 });
        Self(Mutex::new(State {
            writer: Some(writer),
            metadata: Metadata {
                file_type: FileType::File,
                mode: 0o100_000 | mode.unwrap_or(0o644) & 0o777,
                size: 0,
                uid: owner.uid,
                gid: owner.gid,
                atime: now,
                mtime: now,
                changed_at: (now, 0),
                links: 0,
                file_id: FileId::of_none(),
            },
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    fn take_writer(&self) -> Option<Box<dyn UploadWriter>> {
        self.lock().writer.take()
    }
}

impl InOrderUpload {
    /// Gives the data its name. Called with the names held.
    ///
    /// # Errors
    /// As [`Claim::publish`].
    pub(super) fn publish(
        &self,
        shared: &SessionContext,
        count: &SharedCount,
    ) -> Result<UsageDelta> {
        self.claim(count)
            .publish(shared, &mut self.arriving(shared))
    }

    /// What publishing would have to be found room for now, where that can be told. Called with the names held.
    pub(super) fn growth(
        &self,
        shared: &SessionContext,
        count: &SharedCount,
    ) -> Option<UsageDelta> {
        self.claim(count)
            .growth(shared, &self.arriving(shared))
            .ok()
    }

    fn claim<'u>(&'u self, count: &'u SharedCount) -> Claim<'u> {
        Claim {
            count,
            leans_on: self.leans_on.as_ref(),
            found: None,
            exclusive: self.exclusive,
            overwrite: self.overwrite,
            is_rest: false,
        }
    }

    fn arriving<'u>(&'u self, shared: &'u SessionContext) -> Arriving<'u> {
        Arriving {
            upload: self,
            shared,
        }
    }

    /// Leaves nothing of what has come, unless that is under its name.
    pub(super) fn abandon(&self, shared: &SessionContext) {
        if let Some(writer) = self.content.take_writer()
            && let Err(error) = writer.abort()
        {
            log::warn!(
                "what had arrived of an unfinished upload could not be removed; the next start removes it: {error}"
            );
        }
        self.end_pledge(shared);
    }

    /// Ends the pledge of the file that it leans on.
    pub(super) fn end_pledge(&self, shared: &SessionContext) {
        if let Some(leans_on) = &self.leans_on {
            shared.quota.set_pledged(leans_on, 0);
        }
    }
}

/// The data of an upload that is to get its name.
struct Arriving<'u> {
    upload: &'u InOrderUpload,
    shared: &'u SessionContext,
}

impl Unnamed for Arriving<'_> {
    fn metadata_of_name(&self) -> Result<Metadata> {
        self.shared.filesystem.metadata(&self.upload.path, false)
    }

    /// The storage itself says so.
    fn check_writable(&self) -> Result<()> {
        Ok(())
    }

    fn appear(&mut self, replace: Replace) -> Result<Option<Metadata>> {
        let writer = self.upload.content.take_writer();
        writer.ok_or_else(has_ended)?.finish(replace).map(Some)
    }
}

/// Offsets are those of the file; the session has seen to it that each write begins where the one before ended.
impl File for Arc<Content> {
    fn read_at(&self, _: &mut [u8], _: u64) -> Result<usize> {
        Err(only_written())
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()> {
        let mut state = self.lock();
        if offset != state.metadata.size {
            return Err(only_written());
        }
        state.writer.as_mut().ok_or_else(has_ended)?.write(data)?;
        state.metadata.size += data.len() as u64;
        Ok(())
    }

    fn set_len(&self, size: u64) -> Result<()> {
        match size == self.lock().metadata.size {
            true => Ok(()),
            false => Err(only_written()),
        }
    }

    fn sync(&self) -> Result<()> {
        Err(only_written())
    }

    fn metadata(&self) -> Result<Metadata> {
        Ok(self.lock().metadata)
    }

    fn set_attributes(&self, change: &SetAttributes) -> Result<()> {
        if *change == SetAttributes::default() {
            return Ok(());
        }
        let mut state = self.lock();
        let writer = state.writer.as_mut().ok_or_else(has_ended)?;
        writer.set_attributes(change)?;
        if let Some(mode) = change.mode {
            state.metadata.mode = 0o100_000 | mode & 0o777;
        }
        if let Some((accessed, modified)) = change.times {
            state.metadata.atime = unix_seconds(accessed);
            state.metadata.mtime = unix_seconds(modified);
        }
        Ok(())
    }
}

fn unix_seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// What a client hears that asks for something else of a file that comes in order.
pub(super) fn only_written() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "the storage takes a file from the beginning to the end, and stores it when it is closed",
    )
}

fn has_ended() -> Error {
    Error::new(ErrorKind::Internal, "the upload has ended")
}
