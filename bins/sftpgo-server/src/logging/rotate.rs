//! A log file that is put aside when it has grown, and forgotten when it is old.
//!
//! It is opened again when somebody removed it or put another in its place, and when the server is told to.
//!
//! `sftpgo.log` becomes `sftpgo-2026-01-31T12-00-00.000.log`, with `.gz` when compressed. The crates for this
//! keep by number or by age; operators of SFTPGo set both.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};

use super::aside::{name_aside, tidy};
use crate::terminal;

/// The time after which the next line is preceded by a look whether the file still has its name.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// When a file is put aside, and which of those are kept. Zeros are no limit.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    /// The size in bytes.
    pub(super) max_size: u64,
    pub(super) max_backups: usize,
    pub(super) max_age_days: u64,
    pub(super) compress: bool,
}

/// What an operator wants done before the next line.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) reopen: AtomicBool,
    pub(super) rotate: AtomicBool,
}

impl Wishes {
    pub(super) const fn none() -> Self {
        Self {
            reopen: AtomicBool::new(false),
            rotate: AtomicBool::new(false),
        }
    }
}

/// The file written to.
pub(super) struct RotatingFile {
    path: PathBuf,
    rotation: Rotation,
    file: File,
    /// The size of the file, as far as is known.
    written: u64,
    /// The part of it that could not be put aside; the next try is a file's size away.
    passed_over: u64,
    looked: Instant,
    wishes: &'static Wishes,
    /// Was it said that lines do not go where they should?
    complained: bool,
}

impl RotatingFile {
    /// Goes on in the file at `path`, or makes it. It does what is wished before the next line.
    pub(super) fn open(
        path: PathBuf,
        rotation: Rotation,
        wishes: &'static Wishes,
    ) -> io::Result<Self> {
        let file = open_to_append(&path)?;
        let written = file.metadata()?.len();
        Ok(Self {
            path,
            rotation,
            file,
            written,
            passed_over: 0,
            looked: Instant::now(),
            wishes,
            complained: false,
        })
    }

    /// Sees to it that the next line goes where it should. What fails leaves the file that is open, and is tried again.
    fn prepare(&mut self, line: u64) {
        let is_moved = self.wishes.reopen.swap(false, Ordering::AcqRel);
        let is_over = self.wishes.rotate.swap(false, Ordering::AcqRel);
        let counted = self.written.saturating_sub(self.passed_over);
        let grown = counted.saturating_add(line);
        let is_full = counted > 0
            && (is_over || self.rotation.max_size > 0 && grown > self.rotation.max_size);
        if !is_moved && !is_full && self.looked.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked = Instant::now();
        let done = if is_moved || !self.is_in_place() {
            self.open_again()
        } else if is_full {
            let rotated = self.rotate();
            if rotated.is_err() {
                self.passed_over = self.written;
            }
            rotated
        } else {
            Ok(())
        };
        match done {
            Ok(()) => self.complained = false,
            Err(error) if !self.complained => {
                self.complained = true;
                terminal::complain(&format!(
                    "the log file {} can be neither put aside nor opened again: {error}; lines go on in the file that is open",
                    self.path.display()
                ));
            }
            Err(_) => {}
        }
    }

    /// Does the name lead to the file that is written to?
    fn is_in_place(&mut self) -> bool {
        let of_name = fs::metadata(&self.path);
        let of_file = self.file.metadata();
        if let Ok(open) = &of_file {
            // The process that follows this one writes to it too.
            self.written = self.written.max(open.len());
        }
        match (of_name, of_file) {
            (Ok(named), Ok(open)) => (named.dev(), named.ino()) == (open.dev(), open.ino()),
            (Err(error), _) => error.kind() != io::ErrorKind::NotFound,
            (Ok(_), Err(_)) => true,
        }
    }

    fn open_again(&mut self) -> io::Result<()> {
        let file = open_to_append(&self.path)?;
        self.written = file.metadata()?.len();
        self.passed_over = 0;
        self.file = file;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        // A pipe or a device, such as /dev/stdout, has no size to be kept.
        if !self.file.metadata()?.is_file() {
            return Ok(());
        }
        // Of two processes of one server that find it full, one puts it aside. Where a file cannot be locked, both may.
        let _unlocked = self.file.lock();
        if !self.is_in_place() {
            return self.open_again();
        }
        let aside = put_aside(&self.path)?;
        if let Err(error) = self.open_again() {
            // Its name back: the lines that follow still go there.
            let _ = fs::rename(&aside, &self.path);
            return Err(error);
        }
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
        self.prepare(line.len() as u64);
        let count = self.file.write(line)?;
        self.written = self.written.saturating_add(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Gives the file at `path` a name of its own, by the time, and returns it.
fn put_aside(path: &Path) -> io::Result<PathBuf> {
    let mut time = Timestamp::now();
    loop {
        let aside = name_aside(path, time);
        match renameat_with(CWD, path, CWD, &aside, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(aside),
            // Put aside within the same millisecond.
            Err(Errno::EXIST) => time += Duration::from_millis(1),
            // Some network file systems do not know the flag.
            Err(Errno::INVAL | Errno::NOSYS) => {
                fs::rename(path, &aside)?;
                return Ok(aside);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn open_to_append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{super::aside::files_aside, *};

    fn open(path: &Path, rotation: Rotation) -> RotatingFile {
        let wishes = Box::leak(Box::default());
        RotatingFile::open(path.to_owned(), rotation, wishes).unwrap()
    }

    fn rotation(max_size: u64) -> Rotation {
        Rotation {
            max_size,
            max_backups: 0,
            max_age_days: 0,
            compress: false,
        }
    }

    #[test]
    fn a_file_is_put_aside_when_that_is_wished_unless_it_is_empty() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let mut log = open(&path, rotation(0));
        for line in ["first\n", "second\n"] {
            log.wishes.rotate.store(true, Ordering::Release);
            log.write_all(line.as_bytes()).unwrap();
        }
        log.write_all(b"third\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second\nthird\n");
        let aside = files_aside(&path).unwrap();
        assert_eq!(aside.len(), 1);
        assert_eq!(fs::read_to_string(&aside[0]).unwrap(), "first\n");
    }

    #[test]
    fn a_full_file_is_put_aside_and_no_line_is_lost_or_split() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let mut log = open(&path, rotation(20));
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
    fn two_processes_that_write_one_log_lose_no_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let lines = std::sync::atomic::AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                let mut log = open(&path, rotation(200));
                let lines = &lines;
                scope.spawn(move || {
                    for _ in 0..200 {
                        // As if a second had passed.
                        log.looked -= LOOK_EVERY;
                        log.write_all(b"a line of some length\n").unwrap();
                        lines.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let mut kept = fs::read_to_string(&path).unwrap().lines().count();
        for aside in files_aside(&path).unwrap() {
            kept += fs::read_to_string(aside).unwrap().lines().count();
        }
        assert_eq!(kept, lines.into_inner());
    }

    #[test]
    fn what_was_there_before_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        fs::write(&path, "0123456789").unwrap();
        let mut log = open(&path, rotation(12));
        log.write_all(b"abcdef\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "abcdef\n");
    }

    #[test]
    fn a_file_that_was_removed_is_made_again_when_it_is_full() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let mut log = open(&path, rotation(8));
        log.write_all(b"one\n").unwrap();
        fs::remove_file(&path).unwrap();
        log.write_all(b"two two\n").unwrap();
        log.write_all(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        let aside = files_aside(&path).unwrap();
        assert_eq!(fs::read_to_string(&aside[0]).unwrap(), "two two\n");
    }

    #[test]
    fn a_file_that_lost_its_name_is_noticed_without_being_full() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let mut log = open(&path, rotation(0));
        let later = |log: &mut RotatingFile| log.looked -= LOOK_EVERY;
        log.write_all(b"one\n").unwrap();
        fs::remove_file(&path).unwrap();
        later(&mut log);
        log.write_all(b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        // As logrotate does it.
        fs::rename(&path, directory.path().join("server.log.1")).unwrap();
        fs::write(&path, "of another\n").unwrap();
        later(&mut log);
        log.write_all(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "of another\nthree\n");
    }

    #[test]
    fn it_is_opened_again_when_that_is_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.log");
        let mut log = open(&path, rotation(0));
        log.write_all(b"one\n").unwrap();
        fs::rename(&path, directory.path().join("server.log.1")).unwrap();
        log.wishes.reopen.store(true, Ordering::Release);
        log.write_all(b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
    }

    #[test]
    fn a_file_that_cannot_be_opened_again_is_written_on_and_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let logs = directory.path().join("logs");
        fs::create_dir(&logs).unwrap();
        let path = logs.join("server.log");
        let mut log = open(&path, rotation(8));
        let moved = directory.path().join("moved");
        log.write_all(b"one\n").unwrap();
        fs::rename(&logs, &moved).unwrap();
        for _ in 0..3 {
            log.write_all(b"two two\n").unwrap();
        }
        let kept = fs::read_to_string(moved.join("server.log")).unwrap();
        assert_eq!(kept, "one\ntwo two\ntwo two\ntwo two\n");
        fs::create_dir(&logs).unwrap();
        log.write_all(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn what_is_no_file_is_never_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stdout");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let mut log = open(&path, rotation(8));
        for _ in 0..3 {
            log.write_all(b"a line\n").unwrap();
        }
        assert!(path.is_symlink() && files_aside(&path).unwrap().is_empty());
    }
}
