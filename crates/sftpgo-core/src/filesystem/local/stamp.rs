//! What the system writes beside a file when it changes.

use rustix::fs::{Stat, fstat};

use crate::filesystem::File;

/// What is another one after a change of a file: a change of its content changes both times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// When the content or an attribute changed last: Unix seconds, and nanoseconds. Nobody can set it.
    pub changed_at: (i64, i64),
    /// When the content changed last. Whoever may write to the file can set it, by SFTP to whole seconds.
    pub modified_at: (i64, i64),
    /// The size in bytes.
    pub size: i64,
}

impl Stamp {
    /// Returns the stamp of an open file; none of a storage that is not on the system's disks.
    pub fn of(file: &dyn File) -> Option<Self> {
        let found: Stat = fstat(file.system_handle()?).ok()?;
        Some(Self {
            changed_at: (found.st_ctime, found.st_ctime_nsec.cast_signed()),
            modified_at: (found.st_mtime, found.st_mtime_nsec.cast_signed()),
            size: found.st_size,
        })
    }
}
