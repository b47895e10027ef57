//! An upload whose bytes go to the storage in order, and that appears as a whole at its CLOSE.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use super::{
    behind::{Behind, PATIENCE, does_not_answer},
    publish::{Claim, Unnamed},
};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{
        File, FileId, FileType, Metadata, OwnerIds, Replace, SetAttributes, UploadWriter,
    },
    policy::Decision,
    session_context::SessionContext,
    storage_usage::UsageDelta,
    sync::lock,
    usage::SharedFileUsage,
    vpath::VirtualPath,
};

/// How long the end of a session waits until the storage has thrown an upload away.
const FAREWELL: Duration = Duration::from_secs(1);

/// The one handle of such an upload, until it ends.
pub(crate) struct InOrderUpload {
    pub(crate) content: Arc<Content>,
    pub(crate) path: VirtualPath,
    /// Is it refused where something has the name?
    pub(crate) exclusive: bool,
    /// May it replace what has the name? Decided when it began.
    pub(crate) overwrite: Decision,
    /// The file that it will replace, whose bytes it may use; see `FileState::credit`.
    pub(crate) leans_on: Option<SharedFileUsage>,
}

/// The data that has come so far, and the attributes of the file that it will be.
pub(crate) struct Content(Mutex<State>);

struct State {
    writer: Writer,
    /// The metadata that the file would have if it were there.
    metadata: Metadata,
}

/// Where the storage's side of it is.
#[derive(Default)]
enum Writer {
    Here(Box<dyn UploadWriter>),
    /// It takes the next `len` bytes.
    Taking {
        call: Behind<Taken>,
        len: usize,
    },
    #[default]
    Ended,
}

type Taken = (Box<dyn UploadWriter>, Result<()>);

impl Content {
    /// Makes the content of an upload of which nothing has come.
    pub(crate) fn new(
        writer: Box<dyn UploadWriter>,
        mode: Option<u32>,
        owner: Option<OwnerIds>,
    ) -> Self {
        let now = unix_seconds(SystemTime::now());
        let owner = owner.unwrap_or(OwnerIds { uid: 0, gid: 0 });
        Self(Mutex::new(State {
            writer: Writer::Here(writer),
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

    /// Has the storage take `data` at `offset`, unless it is at that already, and says when to come back with
    /// [`File::write_all_at`]; none when that does not wait.
    pub(super) fn begin_write(&self, data: &[u8], offset: u64) -> Option<Duration> {
        let mut state = self.lock();
        if offset != state.metadata.size || data.is_empty() {
            return None;
        }
        state.writer = match std::mem::take(&mut state.writer) {
            Writer::Here(mut writer) => {
                let data = data.to_vec();
                Writer::Taking {
                    len: data.len(),
                    call: Behind::start("storage-write", move || {
                        let taken = writer.write(&data);
                        (writer, taken)
                    }),
                }
            }
            other => other,
        };
        drop(state);
        self.wait_for_storage()
    }

    /// How many bytes the storage takes now.
    pub(super) fn being_written(&self) -> Option<usize> {
        match self.lock().writer {
            Writer::Taking { len, .. } => Some(len),
            Writer::Here(_) | Writer::Ended => None,
        }
    }

    /// When to come back for that; none when it has taken them, or takes none.
    pub(super) fn wait_for_storage(&self) -> Option<Duration> {
        match &self.lock().writer {
            Writer::Taking { call, .. } => call.wait(),
            Writer::Here(_) | Writer::Ended => None,
        }
    }

    /// Waits for the storage.
    fn take_writer(&self) -> Option<Box<dyn UploadWriter>> {
        let writer = std::mem::take(&mut self.lock().writer);
        match writer {
            Writer::Here(writer) => Some(writer),
            Writer::Taking { call, .. } => {
                let (writer, taken) = call.take()?;
                taken.is_ok().then_some(writer)
            }
            Writer::Ended => None,
        }
    }
}

impl State {
    fn write(&mut self, data: &[u8]) -> Result<()> {
        match std::mem::take(&mut self.writer) {
            Writer::Here(mut writer) => {
                let taken = writer.write(data);
                self.writer = Writer::Here(writer);
                taken
            }
            Writer::Taking { call, len } => {
                if len != data.len() || call.is_running_since(PATIENCE) {
                    self.writer = Writer::Taking { call, len };
                    return Err(does_not_answer());
                }
                let (writer, taken) = call.take().ok_or_else(has_ended)?;
                self.writer = Writer::Here(writer);
                taken
            }
            Writer::Ended => Err(has_ended()),
        }
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
        file_usage: &SharedFileUsage,
    ) -> Result<UsageDelta> {
        self.claim(file_usage)
            .publish(shared, &mut self.arriving(shared))
    }

    /// Returns the headroom that publishing would need now, where that can be told. Called with the names held.
    pub(super) fn growth(
        &self,
        shared: &SessionContext,
        file_usage: &SharedFileUsage,
    ) -> Option<UsageDelta> {
        self.claim(file_usage)
            .growth(shared, &self.arriving(shared))
            .ok()
    }

    fn claim<'u>(&'u self, file_usage: &'u SharedFileUsage) -> Claim<'u> {
        Claim {
            file_usage,
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
        let writer = std::mem::take(&mut self.content.lock().writer);
        match writer {
            Writer::Here(writer) => {
                Behind::start("storage-abort", move || abort(writer)).is_running_since(FAREWELL);
            }
            // Such a storage is not waited for.
            Writer::Taking { call, .. } => {
                Behind::start("storage-abort", move || {
                    if let Some((writer, _)) = call.take() {
                        abort(writer);
                    }
                });
            }
            Writer::Ended => {}
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
        state.write(data)?;
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
        match &mut state.writer {
            Writer::Here(writer) => writer.set_attributes(change)?,
            Writer::Taking { .. } | Writer::Ended => return Err(has_ended()),
        }
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

/// Returns the refusal of anything but writing to a file that comes in order.
pub(super) fn only_written() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "the storage takes a file from the beginning to the end, and stores it when it is closed",
    )
}

fn abort(writer: Box<dyn UploadWriter>) {
    if let Err(error) = writer.abort() {
        log::warn!(
            "what had arrived of an unfinished upload could not be removed; the next start removes it: {error}"
        );
    }
}

fn has_ended() -> Error {
    Error::new(ErrorKind::Internal, "the upload has ended")
}
