//! What files count for that somebody changes now: one shared value for each, by whatever name it was reached.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

use super::{
    user_usage::UserUsage,
    writers::{Writers, Writing},
};
use crate::{
    error::Result,
    filesystem::{FileId, FileType, Metadata},
    storage_usage::UsageDelta,
    sync::lock,
};

/// The number of entries from which on those that nobody holds any more are looked for.
const FEW: usize = 64;

/// What a file counts for that somebody has open or changes, shared by all who do.
///
/// When the last of them lets go of a file without a name, what was reserved for it is given back.
#[derive(Debug)]
pub struct FileUsage {
    /// Which file.
    pub file_id: FileId,
    pub(crate) state: FileState,
    /// The usage of the user that it counts in.
    account: Arc<Mutex<UserUsage>>,
    writers: Arc<Writers>,
}

/// Where a file stands in its user's usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A rescan finds it under a name.
    Named,
    /// It is open, under no name that a rescan finds: not yet, or not any more. Its bytes stay reserved.
    Unnamed,
    /// It does not count: it is no regular file.
    Uncounted,
}

/// What a file counts for, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileState {
    /// The size in bytes.
    pub(crate) size: u64,
    pub(crate) standing: Standing,
    /// Bytes that the file which it will replace has in the usage: so many cost it nothing. One replacement at a
    /// time has them, see `pledged`.
    pub(crate) credit: u64,
    /// One file is reserved for the name that it will get.
    pub(crate) reserves_file: bool,
    /// Bytes that its replacement has for nothing: they stay in the usage whatever becomes of this file meanwhile.
    pub(crate) pledged: u64,
    /// An upload took its name.
    pub(crate) replaced: bool,
}

/// A file's part of its user's usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// The size in bytes that a rescan finds; none where it finds no such file.
    pub(crate) named: Option<u64>,
    /// The usage that is reserved besides.
    pub(crate) held: UsageDelta,
}

impl FileState {
    /// Makes the state of a file that stands so.
    fn new(size: u64, standing: Standing) -> Self {
        Self {
            size,
            standing,
            credit: 0,
            reserves_file: false,
            pledged: 0,
            replaced: false,
        }
    }

    pub(crate) fn footprint(&self) -> Footprint {
        let (named, held) = match self.standing {
            Standing::Named => (Some(self.size), self.pledged.saturating_sub(self.size)),
            Standing::Unnamed => {
                let taken = self.size.max(self.pledged);
                (None, taken.saturating_sub(self.credit))
            }
            Standing::Uncounted => (None, 0),
        };
        Footprint {
            named,
            held: UsageDelta {
                size: signed(held),
                files: i32::from(self.reserves_file),
            },
        }
    }

    /// Returns what it adds to the user's usage in all.
    pub(crate) fn cost(&self) -> UsageDelta {
        let Footprint { named, held } = self.footprint();
        let mut sum = held;
        if let Some(size) = named {
            sum += UsageDelta {
                size: signed(size),
                files: 1,
            };
        }
        sum
    }
}

impl FileUsage {
    /// Says that the file is open to be written to; of what is no file yet nobody has to know.
    pub(crate) fn open_to_write(&self) -> Option<Writing> {
        (self.file_id != FileId::of_none()).then(|| self.writers.open(self.file_id))
    }
}

impl Drop for FileUsage {
    fn drop(&mut self) {
        let held = self.state.footprint().held;
        if held != UsageDelta::default() {
            lock(&self.account).hold(-held);
        }
    }
}

/// What a file counts for, as all share it who change the file.
pub type SharedFileUsage = Arc<Mutex<FileUsage>>;

/// What a change does to one file's part of the usage: its bytes, or none while it does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileChange {
    /// Which file.
    pub file_id: FileId,
    /// Bytes before the change.
    pub before: Option<u64>,
    /// Bytes after it.
    pub after: Option<u64>,
}

impl FileChange {
    /// The difference it makes.
    pub fn delta(&self) -> UsageDelta {
        let size = |bytes: Option<u64>| bytes.map_or(0, signed);
        UsageDelta {
            size: size(self.after).saturating_sub(size(self.before)),
            files: i32::from(self.after.is_some()) - i32::from(self.before.is_some()),
        }
    }
}

/// A size as a part of a delta.
pub(crate) fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// What the files count for that somebody has open or changes now.
#[derive(Debug)]
pub(crate) struct FileUsages {
    account: Arc<Mutex<UserUsage>>,
    writers: Arc<Writers>,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    usages: HashMap<FileId, Weak<Mutex<FileUsage>>>,
    sweep_at: usize,
}

impl FileUsages {
    /// Makes an empty list; what files hold is reserved in `account`, and who writes to them is in `writers`.
    pub(crate) fn of(account: Arc<Mutex<UserUsage>>, writers: Arc<Writers>) -> Self {
        Self {
            account,
            writers,
            shared: Mutex::default(),
        }
    }

    /// Looks at a file and returns its metadata, with the shared usage of it.
    ///
    /// Whoever changes the file locks its usage, and nobody gets a new one meanwhile: so a file is as large as it looks
    /// where nobody has had one.
    pub(crate) fn look_up(
        &self,
        look: impl Fn() -> Result<Metadata>,
    ) -> Result<(Metadata, SharedFileUsage)> {
        let mut shared = lock(&self.shared);
        let mut found = look()?;
        loop {
            let usage = match shared.usages.get(&found.file_id) {
                None => shared.share(&found, self),
                Some(usage) => match usage.upgrade() {
                    Some(usage) => usage,
                    None => {
                        // Whoever had it may have changed the file since it was looked at.
                        shared.usages.remove(&found.file_id);
                        found = look()?;
                        continue;
                    }
                },
            };
            return Ok((found, usage));
        }
    }

    /// Returns the usage of a file that was made a moment ago and has no name that anybody else could open.
    pub(crate) fn share_new(&self, made: &Metadata) -> SharedFileUsage {
        let mut shared = lock(&self.shared);
        let known = shared.usages.get(&made.file_id).and_then(Weak::upgrade);
        // Somebody may read it already.
        let usage = known.unwrap_or_else(|| shared.share(made, self));
        lock(&usage).state.standing = Standing::Uncounted;
        usage
    }

    /// Returns a usage that nobody finds by its file, since there is none yet.
    pub(crate) fn share_unnamed(&self) -> SharedFileUsage {
        Arc::new(Mutex::new(FileUsage {
            file_id: FileId::of_none(),
            state: FileState::new(0, Standing::Uncounted),
            account: Arc::clone(&self.account),
            writers: Arc::clone(&self.writers),
        }))
    }

    /// The files that users of this server write to.
    pub(crate) fn writers(&self) -> &Arc<Writers> {
        &self.writers
    }

    /// Returns all that somebody shares now.
    pub(crate) fn all(&self) -> Vec<SharedFileUsage> {
        lock(&self.shared)
            .usages
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// The file's last name is gone. The storage may give its number to the next new file, which must not find
    /// this usage; whoever has the file open keeps it.
    pub(crate) fn retire(&self, file_id: FileId) {
        lock(&self.shared).usages.remove(&file_id);
    }
}

impl Shared {
    fn share(&mut self, found: &Metadata, of: &FileUsages) -> SharedFileUsage {
        if self.usages.len() >= self.sweep_at.max(FEW) {
            self.usages.retain(|_, usage| usage.strong_count() > 0);
            self.sweep_at = self.usages.len() * 2;
        }
        let usage = Arc::new(Mutex::new(FileUsage {
            file_id: found.file_id,
            state: FileState::new(
                found.size,
                match found.file_type {
                    FileType::File => Standing::Named,
                    _ => Standing::Uncounted,
                },
            ),
            account: Arc::clone(&of.account),
            writers: Arc::clone(&of.writers),
        }));
        self.usages.insert(found.file_id, Arc::downgrade(&usage));
        usage
    }
}
