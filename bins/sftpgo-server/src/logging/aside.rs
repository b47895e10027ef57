//! Log files that were put aside: their names, and which of them are kept.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;

use super::rotate::Rotation;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Errors are nobody's to hear here: the log is what could not be kept in order.
pub(super) fn tidy(path: &Path, aside: &Path, rotation: &Rotation) {
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

/// Returns the name of a file of this path that is put aside at this time.
pub(crate) fn name_aside(path: &Path, time: Timestamp) -> PathBuf {
    let (stem, extension) = name_parts(path);
    let time = time.strftime("%Y-%m-%dT%H-%M-%S%.3f");
    path.with_file_name(format!("{stem}-{time}{extension}"))
}

/// Lists the files that were put aside, by the names that [`name_aside`] makes: an operator may keep other files beside the
/// log.
pub(super) fn files_aside(path: &Path) -> io::Result<Vec<PathBuf>> {
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
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

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
            max_size: 1,
            max_backups: 2,
            max_age_days: 0,
            compress: false,
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
            max_backups: 0,
            max_age_days: 1,
            ..two
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
