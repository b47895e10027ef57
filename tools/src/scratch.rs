//! Files to transfer: in memory, so that no disk is measured, and gone when the run ends.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// A file system in memory.
const MEMORY: &str = "/dev/shm";
/// Copies of the largest transfer that exist at once: what is sent, and what arrives.
const COPIES: u64 = 2;
/// Room for everything else, and for the servers' own memory.
const SLACK: u64 = 256 << 20;
/// What files are made of; long enough to be no repetition for anything that looks.
const PATTERN: usize = 1 << 20;

/// The directory of a run.
pub(crate) struct Scratch {
    directory: TempDir,
}

impl Scratch {
    /// A directory with room for transfers of this many bytes.
    pub(crate) fn new(transfer: u64) -> Result<Self> {
        let needed = transfer * COPIES + SLACK;
        let room = free_bytes()?;
        ensure!(
            room >= needed,
            "{MEMORY} or memory has {} MiB left and the work needs {} MiB; choose a smaller --size",
            room >> 20,
            needed >> 20
        );
        let directory = tempfile::Builder::new()
            .prefix("sftpgo-bench-")
            .tempdir_in(MEMORY)?;
        // A server's user need not be who runs this.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        Ok(Self { directory })
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A new directory that servers may write to.
    pub(crate) fn home(&self) -> Result<PathBuf> {
        let path = tempfile::Builder::new()
            .prefix("home-")
            .tempdir_in(&self.directory)?
            .keep();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777))?;
        Ok(path)
    }

    /// The file that transfers send, made when it is asked for in another size.
    pub(crate) fn source(&self, size: u64) -> Result<PathBuf> {
        let path = self.path("source");
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() == size) {
            return Ok(path);
        }
        remove(&path)?;
        write_pattern(&path, size)?;
        Ok(path)
    }

    /// A directory of small files, made when it is asked for first.
    pub(crate) fn small_files(&self, count: usize, size: u64) -> Result<PathBuf> {
        let path = self.path("small");
        if !path.exists() {
            fs::create_dir(&path)?;
            for number in 0..count {
                write_pattern(&path.join(format!("file-{number:05}")), size)?;
            }
        }
        Ok(path)
    }
}

/// A directory that anybody may write to.
pub(crate) fn open_directory(path: &Path) -> Result<()> {
    fs::create_dir(path).with_context(|| format!("{}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
    Ok(())
}

/// Puts a file in place: as another name for it where both are on one file system.
pub(crate) fn place(source: &Path, target: &Path) -> Result<()> {
    remove(target)?;
    if fs::hard_link(source, target).is_err() {
        fs::copy(source, target).with_context(|| format!("{}", target.display()))?;
    }
    Ok(())
}

/// Removes a file or a directory with all that is in it, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}

/// An error unless the file has this size.
pub(crate) fn require_size(path: &Path, size: u64) -> Result<()> {
    let is = fs::metadata(path)
        .with_context(|| format!("{} did not arrive", path.display()))?
        .len();
    ensure!(
        is == size,
        "{} has {is} bytes instead of {size}",
        path.display()
    );
    Ok(())
}

fn write_pattern(path: &Path, size: u64) -> Result<()> {
    let mut file = File::create(path).with_context(|| format!("{}", path.display()))?;
    // Xorshift: nothing that a server might do can make such data smaller.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let pattern: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .take(PATTERN / 8)
    .flatten()
    .collect();
    let mut left = size;
    while left > 0 {
        let now = left.min(PATTERN as u64);
        let (part, _) = pattern.split_at(usize::try_from(now)?);
        file.write_all(part)?;
        left -= now;
    }
    Ok(())
}

fn free_bytes() -> Result<u64> {
    let disk = rustix::fs::statvfs(MEMORY).with_context(|| format!("{MEMORY} cannot be used"))?;
    let on_disk = disk.f_bavail.saturating_mul(disk.f_frsize);
    let memory = fs::read_to_string("/proc/meminfo")?;
    let line = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib: Option<u64> =
        line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse().ok());
    Ok(on_disk.min(kib.map_or(u64::MAX, |kib| kib * 1024)))
}
