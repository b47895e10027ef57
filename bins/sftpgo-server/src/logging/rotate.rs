//! A log file that is put aside when it has grown, and forgotten when it is old.
//!
//! `sftpgo.log` becomes `sftpgo-2026-01-31T12-00-00.000.log`, with `.gz` when compressed. The crates for this
//! keep by number or by age; operators of SFTPGo set both.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// When a file is put aside, and which of those are kept. Zeros are no limit.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    /// Bytes.
    pub(super) max_size: u64,
    pub(super) max_backups: usize,
    pub(super) max_age_days: u64,
    pub(super) compress: bool,
}

/// The file written to.
pub(super) struct RotatingFile {
    path: PathBuf,
    rotation: Rotation,
    file: File,
    written: u64,
}

impl RotatingFile {
    /// Goes on in the file at `path`, or makes it.
    pub(super) fn open(path: PathBuf, rotation: Rotation) -> io::Result<Self> {
        let file = open_to_append(&path)?;
        let written = file.metadata()?.len();
        Ok(Self {
            path,
            rotation,
            file,
            written,
        })
    }

    fn rotate(&mut self) -> io::Result<()> {
        let aside = name_aside(&self.path, Timestamp::now());
        fs::rename(&self.path, &aside)?;
        self.file = open_to_append(&self.path)?;
        let (path, rotation) = (self.path.clone(), self.rotation.clone());
        // Compressing takes long, and every thread that logs would wait for it.
        thread::Builder::new()
            .name("log-rotation".to_owned())
            .spawn(move || tidy(&path, &aside, &rotation))?;
        Ok(())
    }
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let grown = self.written.saturating_add(line.len() as u64);
        if self.rotation.max_size > 0 && grown > self.rotation.max_size && self.written > 0 {
            // When it fails, logging goes on where it was, and the next try is a file's size away.
            let _ = self.rotate();
            self.written = 0;
        }
        let count = self.file.write(line)?;
        self.written = self.written.saturating_add(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn open_to_append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// Errors are nobody's to hear here: the log is what could not be kept in order.
fn tidy(path: &Path, aside: &Path, rotation: &Rotation) {
    if rotation.compress {
        let _ = compress(aside);
    }
    let _ = forget_old(path, rotation, SystemTime::now());
}

fn compress(path: &Path) -> io::Result<()> {
    let mut target = path.as_os_str().to_owned();
    target.push(".gz");
    let compressed = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&target)?;
    let mut encoder = GzEncoder::new(compressed, Compression::default());
    let whole = io::copy(&mut File::open(path)?, &mut encoder).and_then(|_| encoder.finish());
    // One of the two has to go: the half-made copy, or the original.
    match whole {
        Ok(_) => fs::remove_file(path),
        Err(error) => fs::remove_file(target).and(Err(error)),
    }
}

fn forget_old(path: &Path, rotation: &Rotation, now: SystemTime) -> io::Result<()> {
    let mut aside = files_aside(path)?;
    aside.sort_unstable_by(|a, b| b.cmp(a));
    let too_many = if rotation.max_backups == 0 {
        aside.len()
    } else {
        rotation.max_backups
    };
    for (position, file) in aside.iter().enumerate() {
        let changed = fs::metadata(file)?.modified()?;
        let age = now.duration_since(changed).unwrap_or_default();
        let too_old = rotation.max_age_days > 0
            && age > DAY.saturating_mul(u32::try_from(rotation.max_age_days).unwrap_or(u32::MAX));
        if position >= too_many || too_old {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}

fn name_aside(path: &Path, time: Timestamp) -> PathBuf {
    let (stem, extension) = name_parts(path);
    let time = time.strftime("%Y-%m-%dT%H-%M-%S%.3f");
    path.with_file_name(format!("{stem}-{time}{extension}"))
}

/// Only names that [`name_aside`] makes: an operator may keep other files beside the log.
fn files_aside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (stem, extension) = name_parts(path);
    let directory = match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let time = name
            .strip_prefix(&stem)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix(&extension));
        if time.is_some_and(is_time) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// `2026-01-31T12-00-00.000`
fn is_time(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00-00-00.000";
    text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(found, shape)| {
            if *shape == b'0' {
                found.is_ascii_digit()
            } else {
                found == *shape
            }
        })
}

/// Name without extension, and the extension with its dot.
fn name_parts(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let extension = text(path.extension());
    let dot = if extension.is_empty() { "" } else { "." };
    (text(path.file_stem()), format!("{dot}{extension}"))
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::fs::PermissionsExt};

    use flate2::read::GzDecoder;

    use super::*;

    fn rotation(max_size: u64) -> Rotation {
        Rotation {
            max_size,
            max_backups: 0,
            max_age_days: 0,
            compress: false,
        }
    }

    #[test]
    fn a_full_file_is_put_aside_and_no_line_is_lost_or_split() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let mut log = RotatingFile::open(path.clone(), rotation(20)).unwrap();
        for line in ["first line\n", "second\n", "third line\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "third line\n");
        let aside = files_aside(&path).unwrap();
        assert_eq!(aside.len(), 1);
        assert_eq!(
            fs::read_to_string(&aside[0]).unwrap(),
            "first line\nsecond\n"
        );
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_was_there_before_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        fs::write(&path, "0123456789").unwrap();
        let mut log = RotatingFile::open(path.clone(), rotation(12)).unwrap();
        log.write_all(b"abcdef\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "abcdef\n");
    }

    #[test]
    fn logging_goes_on_when_the_file_cannot_be_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let mut log = RotatingFile::open(path.clone(), rotation(8)).unwrap();
        log.write_all(b"one\n").unwrap();
        fs::remove_file(&path).unwrap();
        log.write_all(b"two two\n").unwrap();
        log.write_all(b"three\n").unwrap();
    }

    #[test]
    fn only_so_many_and_only_so_old_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let names = |rotation: &Rotation, now| {
            forget_old(&path, rotation, now).unwrap();
            let mut names: Vec<_> = fs::read_dir(directory.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        for name in [
            "server-2026-01-01T00-00-00.000.log.gz",
            "server-2026-01-02T00-00-00.000.log",
            "server-2026-01-03T00-00-00.000.log",
            "server-notes.log",
        ] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let two = Rotation {
            max_backups: 2,
            ..rotation(1)
        };
        let now = SystemTime::now();
        assert_eq!(
            names(&two, now),
            [
                "server-2026-01-02T00-00-00.000.log",
                "server-2026-01-03T00-00-00.000.log",
                "server-notes.log"
            ]
        );
        let a_day = Rotation {
            max_age_days: 1,
            ..rotation(1)
        };
        assert_eq!(names(&a_day, now).len(), 3);
        assert_eq!(names(&a_day, now + DAY * 2), ["server-notes.log"]);
    }

    #[test]
    fn a_compressed_file_holds_the_same_and_replaces_the_original() {
        let directory = tempfile::tempdir().unwrap();
        let path = name_aside(&directory.path().join("server.log"), Timestamp::now());
        fs::write(&path, "many lines\n".repeat(1000)).unwrap();
        compress(&path).unwrap();
        assert!(!path.exists());
        let compressed = File::open(path.with_extension("log.gz")).unwrap();
        let mut text = String::new();
        GzDecoder::new(compressed)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "many lines\n".repeat(1000));
    }
}
