//! Where log lines go, and which are written.

mod aside;
pub(crate) mod json;
mod rotate;

use std::{
    io, panic,
    path::{Path, PathBuf},
    sync::{Mutex, atomic::Ordering},
    time::Duration,
};

use env_logger::{Builder, Target};
use log::LevelFilter;
use sftpgo_core::sync::lock;

pub(crate) use self::aside::name_aside;
use self::rotate::{RotatingFile, Rotation, Wishes};

/// What an operator wants of the logger: there is one in a process, and no other way to what it writes to.
static WISHES: Wishes = Wishes::none();

/// What is put aside together with the log file.
static FOLLOWERS: Mutex<Vec<Box<dyn Fn() + Send>>> = Mutex::new(Vec::new());

/// How and where to log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// The file; none is standard error.
    pub(crate) file: Option<PathBuf>,
    /// Megabytes (1 MB = 1024 × 1024 bytes) before a file is put aside; 0 is never.
    pub(crate) max_size: u64,
    /// Files put aside that are kept; 0 is all.
    pub(crate) max_backups: usize,
    /// Days that files put aside are kept; 0 is for ever.
    pub(crate) max_age: u64,
    /// Compress files put aside.
    pub(crate) compress: bool,
    /// Which of the server's own lines are written.
    pub(crate) level: LevelFilter,
}

/// A duration as lines tell it.
pub(crate) fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Starts logging, once in a process.
///
/// # Errors
/// The log file cannot be opened.
pub(crate) fn start(settings: &LogSettings) -> io::Result<()> {
    let target = match &settings.file {
        None => Target::Stderr,
        Some(path) => {
            let rotation = Rotation {
                max_size: settings.max_size.saturating_mul(1024 * 1024),
                max_backups: settings.max_backups,
                max_age_days: settings.max_age,
                compress: settings.compress,
            };
            let file = RotatingFile::open(path.clone(), rotation, &WISHES)?;
            Target::Pipe(Box::new(file))
        }
    };
    Builder::new()
        // Libraries tell of more than operators want to know.
        .filter_level(settings.level.min(LevelFilter::Info))
        .filter_module("sftpgo", settings.level)
        .format(json::write_line)
        .target(target)
        .try_init()
        .map_err(io::Error::other)?;
    log_panics();
    Ok(())
}

/// The log file at `path` and those that were put aside of it, the newest first.
///
/// # Errors
/// Their directory cannot be read.
pub(crate) fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = aside::files_aside(path)?;
    // Their names have the time.
    files.sort_unstable_by(|a, b| b.cmp(a));
    files.insert(0, path.to_owned());
    Ok(files)
}

/// Opens the log file again before the next line, which this writes.
pub(crate) fn reopen() {
    WISHES.reopen.store(true, Ordering::Release);
    log::info!("SIGHUP was received: the log file is opened again, if the log goes to one");
}

/// Puts the log file aside before the next line, which this writes.
pub(crate) fn rotate() {
    WISHES.rotate.store(true, Ordering::Release);
    log::info!("SIGUSR1 was received: the log file is put aside, if the log goes to one");
    for follow in lock(&FOLLOWERS).iter() {
        follow();
    }
}

/// Has `follow` called whenever the log file is put aside by a signal. It must not block.
pub(crate) fn when_rotated(follow: impl Fn() + Send + 'static) {
    lock(&FOLLOWERS).push(Box::new(follow));
}

/// A panic ends one connection or one request; the operator has to hear of it all the same.
fn log_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        log::error!("the server has a defect, please report it: {panic}");
        print(panic);
    }));
}
