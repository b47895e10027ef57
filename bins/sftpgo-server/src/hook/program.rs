//! Running a program: without a shell, with an environment of its own, killed with all that it started at its time limit.

use std::{
    borrow::Cow,
    ffi::OsString,
    io::{self, Read},
    os::{fd::AsFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::ioctl_fionbio,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid},
};

use super::launcher;

/// The time after which a running program is looked at again.
const WATCH: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};
/// The PATH of programs when the server has none itself.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Bytes that are kept of what a program writes to its standard output; the rest is read and dropped.
const OUTPUT_LIMIT: usize = 1024 * 1024;
/// Bytes that are kept of what a program writes to its standard error.
const ERRORS_LIMIT: usize = 16 * 1024;
/// Bytes of each that are put into the log.
const LOGGED: usize = 4 * 1024;
/// What is read of a program's output at a time.
const PIECE: usize = 16 * 1024;
/// What a pipe holds (pipe(7)).
const PIPE: usize = 64 * 1024;

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// Nothing else but `PATH` is in the program's environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// A program that runs longer is killed.
    pub(crate) time_limit: Duration,
}

/// What became of a program that has ended by itself.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    /// The beginning of what it wrote to its standard output.
    pub(crate) output: Vec<u8>,
    /// The beginning of what it wrote to its standard error.
    pub(crate) errors: Vec<u8>,
}

impl Outcome {
    /// Puts into the log what the program at `path` wrote: its standard error, and at the level debug its standard output.
    pub(crate) fn log_written(&self, path: &Path) {
        let path = path.display();
        if let Some(text) = text_of(&self.errors) {
            log::info!("the program {path} has written to its standard error: {text:?}");
        }
        if let Some(text) = text_of(&self.output) {
            log::debug!("the program {path} has written to its standard output: {text:?}");
        }
    }
}

/// Returns as much as fits into a line of the log; none if nothing was written.
fn text_of(written: &[u8]) -> Option<Cow<'_, str>> {
    let begin = written.get(..LOGGED).unwrap_or(written).trim_ascii();
    (!begin.is_empty()).then(|| String::from_utf8_lossy(begin))
}

/// Runs a program and waits until it has ended, in the process that starts programs where there is one.
///
/// # Errors
/// As [`run_here`], and that process may have ended.
pub(crate) fn run(call: &Call) -> io::Result<Outcome> {
    launcher::run(call).unwrap_or_else(|| run_here(call))
}

/// Runs a program and waits until it has ended. Its standard input is empty. What it has started and left behind is killed
/// then, unless it has moved to a process group of its own.
///
/// # Errors
/// The program cannot be started, or it was killed at its time limit (`TimedOut`).
pub(super) fn run_here(call: &Call) -> io::Result<Outcome> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    let mut child = Command::new(&call.path)
        .args(&call.arguments)
        .env_clear()
        .env("PATH", path)
        .envs(call.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that what it starts ends with it.
        .process_group(0)
        .spawn()?;
    let outcome = attend(&mut child, call.time_limit);
    // Not collected yet, so that its number is still its group's and nobody else's.
    end_group(&child);
    let status = child.wait();
    let (output, errors) = outcome?;
    Ok(Outcome {
        status: status?,
        output,
        errors,
    })
}

/// Reads what the program writes until it has ended, and returns that.
fn attend(child: &mut Child, time_limit: Duration) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut output = Stream::of(child.stdout.take(), OUTPUT_LIMIT)?;
    let mut errors = Stream::of(child.stderr.take(), ERRORS_LIMIT)?;
    let started = Instant::now();
    loop {
        if has_ended(child)? {
            // What it has written is in the pipes; what it has left behind may write on.
            for _ in 0..PIPE.div_ceil(PIECE) {
                output.read()?;
                errors.read()?;
            }
            return Ok((output.kept, errors.kept));
        }
        let (more_output, more_errors) = (output.read()?, errors.read()?);
        if started.elapsed() >= time_limit {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "it was ended, because it ran for more than {} seconds",
                    time_limit.as_secs()
                ),
            ));
        }
        if !more_output && !more_errors {
            wait_for_output(&output, &errors)?;
        }
    }
}

/// What a program writes.
struct Stream<R> {
    /// None once it is closed.
    source: Option<R>,
    limit: usize,
    kept: Vec<u8>,
}

impl<R: Read + AsFd> Stream<R> {
    fn of(source: Option<R>, limit: usize) -> io::Result<Self> {
        if let Some(source) = &source {
            ioctl_fionbio(source, true)?;
        }
        Ok(Self {
            source,
            limit,
            kept: Vec::new(),
        })
    }

    /// Reads a piece of what is there. Was there anything?
    fn read(&mut self) -> io::Result<bool> {
        let Some(source) = &mut self.source else {
            return Ok(false);
        };
        let mut piece = [0; PIECE];
        let read = match source.read(&mut piece) {
            Ok(0) => {
                self.source = None;
                return Ok(false);
            }
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error),
        };
        let room = self.limit - self.kept.len();
        self.kept.extend(piece.iter().take(read.min(room)));
        Ok(true)
    }

    fn watched(&self) -> Option<PollFd<'_>> {
        self.source
            .as_ref()
            .map(|source| PollFd::new(source, PollFlags::IN))
    }
}

/// Waits a moment, or until there is something to read.
fn wait_for_output(
    output: &Stream<impl Read + AsFd>,
    errors: &Stream<impl Read + AsFd>,
) -> io::Result<()> {
    let mut watched: Vec<_> = output
        .watched()
        .into_iter()
        .chain(errors.watched())
        .collect();
    match poll(&mut watched, Some(&WATCH)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Has the program ended? It stays to be collected.
fn has_ended(child: &Child) -> io::Result<bool> {
    let Some(pid) = number_of(child) else {
        return Ok(true);
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(pid), options)?.is_some())
}

/// Ends the program and what it started: it may wait for them, or have left them behind.
fn end_group(child: &Child) {
    if let Some(group) = number_of(child) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn number_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use sftpgo_test_support::PATIENCE;

    use super::*;

    fn shell(script: &str) -> Call {
        Call {
            path: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("GREETING".into(), "hello".into())],
            time_limit: PATIENCE,
        }
    }

    #[test]
    fn status_output_and_errors_come_back() {
        let outcome = run(&shell("echo $GREETING; echo why >&2; exit 3")).unwrap();
        assert_eq!(outcome.status.code(), Some(3));
        assert_eq!(outcome.output, b"hello\n");
        assert_eq!(outcome.errors, b"why\n");
    }

    #[test]
    fn what_is_too_much_is_dropped_and_the_program_does_not_wait() {
        let outcome = run(&shell(
            "head -c 3000000 /dev/zero; head -c 100000 /dev/zero >&2",
        ))
        .unwrap();
        assert!(outcome.status.success());
        assert_eq!(
            (outcome.output.len(), outcome.errors.len()),
            (OUTPUT_LIMIT, ERRORS_LIMIT)
        );
    }

    #[test]
    fn a_program_that_writes_without_end_is_ended_too() {
        let call = Call {
            time_limit: Duration::from_secs(1),
            ..shell("while :; do echo more; done")
        };
        let error = run(&call).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_program_that_closes_its_output_may_go_on() {
        let outcome = run(&shell("exec >&- 2>&-; sleep 0.2; exit 4")).unwrap();
        assert_eq!(outcome.status.code(), Some(4));
    }

    #[test]
    fn what_is_left_behind_does_not_hold_up_the_end() {
        let outcome = run(&shell("sleep 1000 & exit 5")).unwrap();
        assert_eq!(outcome.status.code(), Some(5));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let call = Call {
            path: "/nowhere/hook".into(),
            ..shell("")
        };
        assert_eq!(run(&call).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
