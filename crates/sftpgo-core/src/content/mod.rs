//! A file that is read to its end by somebody who vouches for what it holds: it must not change meanwhile.
//!
//! What users of this server write is seen by the handles that they open for it. What other programs write is seen by the
//! times that the system keeps; these move in steps, so a file is read only when its last change is longer ago than a step.

mod upload;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

pub use self::upload::{UploadWitness, Uploaded};
use crate::{
    descriptors::Permit,
    error::{Error, ErrorKind, Result},
    filesystem::{File, FileId, FileType, Filesystem, OpenOptions, local::Stamp},
    policy::names_unfinished_upload,
    usage::{Watch, Writers},
    vpath::VirtualPath,
};

/// The step of the system's times: a hundredth of a second at the most (`CONFIG_HZ`), and as much again.
const STEP: Duration = Duration::from_millis(20);
/// The step of filesystems that keep whole seconds, or two of them.
const COARSE_STEP: Duration = Duration::from_secs(2);
/// A file that changes so often is not waited for any longer.
const MOST_CHANGES: u32 = 100;

/// A file whose content somebody vouches for.
pub struct Content {
    filesystem: Arc<dyn Filesystem>,
    path: VirtualPath,
    file_id: FileId,
    /// None after [`Content::let_go`].
    file: Option<Box<dyn File>>,
    permit: Option<Permit>,
    watch: Watch,
    /// As it was when it began to be watched.
    first: Stamp,
    /// Is it vouched for only as it was then, with its time of modification?
    only_as_at_first: bool,
    /// As it is read, and since when it has been so.
    seen: Option<(Stamp, Instant)>,
    changes: u32,
}

impl Content {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) while somebody has it open to write to it, [`Invalid`](ErrorKind::Invalid) for what
    /// is no file, [`Unsupported`](ErrorKind::Unsupported) where nothing shows whether a file changes, and any error of the
    /// filesystem.
    pub fn open(
        filesystem: &Arc<dyn Filesystem>,
        path: &VirtualPath,
        writers: &Arc<Writers>,
    ) -> Result<Self> {
        if names_unfinished_upload(path) {
            return Err(Error::not_found("no such file or directory"));
        }
        let file = open_to_read(filesystem.as_ref(), path)?;
        let found = file.metadata()?;
        match found.file_type {
            FileType::File => {}
            FileType::Directory => {
                return Err(Error::new(ErrorKind::IsADirectory, "is a directory"));
            }
            FileType::Symlink | FileType::Other => {
                return Err(Error::new(ErrorKind::Invalid, "not a regular file"));
            }
        }
        let watch = writers.watch(found.file_id).ok_or_else(|| {
            Error::new(
                ErrorKind::Conflict,
                "the file is being written to, ask again when that is done",
            )
        })?;
        Self::of(filesystem, path, file, watch)
    }

    /// Of a file that is open already, and watched.
    pub(crate) fn of(
        filesystem: &Arc<dyn Filesystem>,
        path: &VirtualPath,
        file: Box<dyn File>,
        watch: Watch,
    ) -> Result<Self> {
        let first = stamp(file.as_ref())?;
        Ok(Self {
            filesystem: Arc::clone(filesystem),
            path: path.clone(),
            file_id: file.metadata()?.file_id,
            file: Some(file),
            permit: None,
            watch,
            first,
            only_as_at_first: false,
            seen: None,
            changes: 0,
        })
    }

    /// Returns it with the descriptors that the file takes.
    pub(crate) fn holding(mut self, permit: Option<Permit>) -> Self {
        self.permit = permit;
        self
    }

    /// Which file it is.
    pub(crate) fn file_id(&self) -> FileId {
        self.file_id
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &VirtualPath {
        &self.path
    }

    /// Closes the file until it is read. It is opened by its path again then, and has to have it still.
    pub fn let_go(&mut self) {
        self.file = None;
        self.permit = None;
    }

    /// Is the file open? It is until [`Content::let_go`].
    pub fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Returns how long to wait before it is read from its beginning; none when a change would show from now on.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) when somebody has written to it, when it keeps changing, or when another file has
    /// its name; and any error of the filesystem.
    pub fn wait_to_read(&mut self) -> Result<Option<Duration>> {
        if self.file.is_none() {
            let file = open_to_read(self.filesystem.as_ref(), &self.path)?;
            if file.metadata()?.file_id != self.file_id {
                return Err(changed("another file has its name"));
            }
            self.file = Some(file);
        }
        let now = stamp(self.file()?)?;
        let step = step_of(&now);
        match self.seen {
            Some((seen, since)) if seen == now => {
                let left = step.saturating_sub(since.elapsed());
                Ok(Some(left).filter(|left| !left.is_zero() && !is_older(&now, step)))
            }
            _ => {
                self.changes += 1;
                if self.changes > MOST_CHANGES {
                    return Err(changed("the file keeps changing"));
                }
                self.seen = Some((now, Instant::now()));
                Ok(Some(step).filter(|_| !is_older(&now, step)))
            }
        }
    }

    /// Reads at `offset`; 0 is the end of the file.
    ///
    /// # Errors
    /// Any error of the filesystem.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.file()?.read_at(buffer, offset)
    }

    /// Is what was read since [`Content::wait_to_read`] what the file holds, and did all of it hold at once? Of an upload that is
    /// known for its uploader, is it that upload still?
    ///
    /// # Errors
    /// Any error of the filesystem.
    pub fn is_unchanged(&self) -> Result<bool> {
        let now = stamp(self.file()?)?;
        let is_vouched_for = !self.only_as_at_first || is_untouched(&self.first, &now);
        let is_as_read = self.seen.is_some_and(|(seen, _)| seen == now);
        Ok(self.is_unwritten() && is_as_read && is_vouched_for)
    }

    /// Has nobody opened it to write to it since it began to be watched, as far as users of this server go?
    pub fn is_unwritten(&self) -> bool {
        self.watch.is_unwritten()
    }

    /// Does it hold what it held when it began to be watched? A change of its name or its attributes does not matter.
    ///
    /// A program beside this server that writes to the file and then sets its time of modification to a whole second, as SFTP
    /// does, is not noticed.
    pub fn is_as_at_first(&self) -> bool {
        self.is_unwritten()
            && self
                .seen
                .is_some_and(|(seen, _)| is_same_content(&self.first, &seen))
    }

    /// Begins anew where only a name or attributes have changed since.
    pub fn begin_again(&mut self) {
        self.seen = None;
    }

    fn file(&self) -> Result<&dyn File> {
        self.file
            .as_deref()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the file is not open"))
    }
}

/// A file by which it is known later whether it holds what it held.
pub(crate) struct Known {
    pub(crate) path: VirtualPath,
    file_id: FileId,
    watch: Watch,
    first: Stamp,
}

impl Known {
    /// Of a file that is open now, and watched.
    pub(crate) fn of(path: &VirtualPath, file: &dyn File, watch: Watch) -> Result<Self> {
        Ok(Self {
            path: path.clone(),
            file_id: file.metadata()?.file_id,
            watch,
            first: stamp(file)?,
        })
    }

    /// Opens it again; none when it does not hold what it held.
    pub(crate) fn open(
        &self,
        filesystem: &Arc<dyn Filesystem>,
        writers: &Arc<Writers>,
    ) -> Option<Content> {
        if !self.watch.is_unwritten() {
            return None;
        }
        let mut content = Content::open(filesystem, &self.path, writers).ok()?;
        // Another program may write to it until it is read.
        content.only_as_at_first = true;
        // Whoever sets the time of modification has the upload forgotten: who did it is not known, after so long a time.
        let is_same = content.file_id() == self.file_id
            && is_untouched(&self.first, &content.first)
            && self.watch.is_unwritten();
        is_same.then_some(content)
    }
}

pub(crate) fn open_to_read(
    filesystem: &dyn Filesystem,
    path: &VirtualPath,
) -> Result<Box<dyn File>> {
    let options = OpenOptions {
        read: true,
        ..OpenOptions::default()
    };
    filesystem.open(path, &options)
}

fn stamp(file: &dyn File) -> Result<Stamp> {
    Stamp::of(file).ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            "the storage does not tell whether a file changes",
        )
    })
}

fn changed(how: &str) -> Error {
    Error::new(ErrorKind::Conflict, how.to_owned())
}

fn step_of(stamp: &Stamp) -> Duration {
    match stamp.changed_at.1 {
        0 => COARSE_STEP,
        _ => STEP,
    }
}

/// Is the last change longer ago than this? A clock that was set back says no.
fn is_older(stamp: &Stamp, step: Duration) -> bool {
    let (Ok(seconds), Ok(nanoseconds)) = (
        u64::try_from(stamp.changed_at.0),
        u32::try_from(stamp.changed_at.1),
    ) else {
        return false;
    };
    let changed_at = SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds));
    changed_at
        .and_then(|changed_at| SystemTime::now().duration_since(changed_at).ok())
        .is_some_and(|age| age >= step)
}

/// Has nobody written to it, nor set its time of modification?
fn is_untouched(before: &Stamp, after: &Stamp) -> bool {
    (before.size, before.modified_at) == (after.size, after.modified_at)
}

/// Whoever writes changes the time of modification, unless it is set to a whole second afterwards.
fn is_same_content(before: &Stamp, after: &Stamp) -> bool {
    before.size == after.size
        && (before.modified_at == after.modified_at || after.modified_at.1 == 0)
}
