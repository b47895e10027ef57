//! Where programs are started while the server itself may not start any: a process of its own, outside the walls that the
//! server has around it.
//!
//! The server starts it before it confines itself, and tells it first which programs the configuration names. From then on it
//! runs these and the server's own program, and nothing else, whoever asks for it. It has nothing but a line to the server,
//! and ends when that is closed.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read, Write},
    net::Shutdown,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{
            ffi::{OsStrExt, OsStringExt},
            net::UnixStream,
            process::{CommandExt, ExitStatusExt},
        },
    },
    path::PathBuf,
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    sync::{Arc, Once, OnceLock},
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

use super::program::{self, Call, Outcome};
#[cfg(target_os = "linux")]
use crate::program_pages;
use crate::{
    line::{Line, Received},
    own_program, terminal,
};

/// The hidden command of the process that starts programs.
pub(crate) const COMMAND: &str = "launcher";
/// How variables begin that programs are told something by.
const OWN_VARIABLES: &[u8] = b"SFTPGO_";
/// The time that a launcher has for its answer beyond the time limit of a program.
const SLACK: Duration = Duration::from_secs(10);
/// It waits for requests as long as the line is there.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

/// The launcher of this process; programs are started here while there is none.
static LAUNCHER: OnceLock<Line> = OnceLock::new();

/// The first message: what may be run.
#[derive(Serialize, Deserialize)]
struct Allowed {
    programs: Vec<Vec<u8>>,
    /// Variables that programs may have besides ours, as `NAME=value`.
    variables: Vec<Vec<u8>>,
    /// Arguments of the server that follows.
    arguments: Vec<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
enum Request {
    Run {
        path: Vec<u8>,
        arguments: Vec<Vec<u8>>,
        environment: Vec<(Vec<u8>, Vec<u8>)>,
        time_limit: Duration,
    },
    /// Starts the server that follows, which gets the second descriptor as its standard input.
    Start,
}

#[derive(Serialize, Deserialize)]
enum Answer {
    Ran {
        status: i32,
        output: Vec<u8>,
        errors: Vec<u8>,
    },
    Started(u32),
    Failed {
        code: Option<i32>,
        is_late: bool,
        reason: String,
    },
}

/// From here on programs are started by a process of its own: those of `programs`, which may have these `variables`, and the
/// server that follows, with these `arguments`.
///
/// # Errors
/// It cannot be started.
pub(crate) fn begin(
    programs: impl IntoIterator<Item = PathBuf>,
    variables: impl IntoIterator<Item = String>,
    arguments: impl IntoIterator<Item = OsString>,
) -> io::Result<()> {
    let (line, end) = Line::pair()?;
    Command::new(own_program::path()?)
        .arg(COMMAND)
        .stdin(Stdio::from(end))
        // What ends the server from a terminal is not to end this one before.
        .process_group(0)
        .spawn()?;
    let programs = programs.into_iter().map(PathBuf::into_os_string);
    line.send(&Allowed {
        programs: programs.map(OsString::into_vec).collect(),
        variables: variables.into_iter().map(String::into_bytes).collect(),
        arguments: arguments.into_iter().map(OsString::into_vec).collect(),
    })?;
    let _ = LAUNCHER.set(line);
    Ok(())
}

/// Runs a program where the launcher is; none where there is no launcher.
pub(super) fn run(call: &Call) -> Option<io::Result<Outcome>> {
    let launcher = LAUNCHER.get()?;
    let bytes = |text: &OsString| text.as_bytes().to_vec();
    let variables = call.environment.iter();
    let request = Request::Run {
        path: call.path.as_os_str().as_bytes().to_vec(),
        arguments: call.arguments.iter().map(bytes).collect(),
        environment: variables
            .map(|(name, value)| (bytes(name), bytes(value)))
            .collect(),
        time_limit: call.time_limit,
    };
    let within = call.time_limit + SLACK;
    let answered = ask(launcher, &request, &[], within).and_then(|answer| match answer {
        Answer::Ran {
            status,
            output,
            errors,
        } => Ok(Outcome {
            status: ExitStatus::from_raw(status),
            output,
            errors,
        }),
        other => Err(other.into_error()),
    });
    Some(answered)
}

/// Starts the server that follows where the launcher is, with `input` as its standard input, and returns its number; none
/// where there is no launcher.
pub(crate) fn start(input: BorrowedFd<'_>) -> Option<io::Result<u32>> {
    let launcher = LAUNCHER.get()?;
    let answered = ask(launcher, &Request::Start, &[input], SLACK);
    Some(answered.and_then(|answer| match answer {
        Answer::Started(number) => Ok(number),
        other => Err(other.into_error()),
    }))
}

/// Each request has a pair of sockets of its own, so that any number of them are under way.
fn ask(
    launcher: &Line,
    request: &Request,
    besides: &[BorrowedFd<'_>],
    within: Duration,
) -> io::Result<Answer> {
    let (mut here, there) = UnixStream::pair()?;
    let mut descriptors = vec![there.as_fd()];
    descriptors.extend(besides);
    launcher
        .send_with(&(), &descriptors)
        .inspect_err(say_if_ended)?;
    drop(descriptors);
    drop(there);
    here.set_read_timeout(Some(within))?;
    here.write_all(&serde_json::to_vec(request)?)?;
    here.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    here.read_to_end(&mut answer)?;
    if answer.is_empty() {
        return Err(io::Error::other(
            "the process that starts programs has ended",
        ));
    }
    Ok(serde_json::from_slice(&answer)?)
}

/// Says once that no program can be started any more.
fn say_if_ended(error: &io::Error) {
    static SAID: Once = Once::new();
    if matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    ) {
        SAID.call_once(|| {
            log::error!(
                "the process that starts programs has ended unexpectedly, so no action and no hook of this server is run any more: stop the server and start it anew"
            );
        });
    }
}

impl Answer {
    fn of_error(error: &io::Error) -> Self {
        Self::Failed {
            code: error.raw_os_error(),
            is_late: error.kind() == io::ErrorKind::TimedOut,
            reason: error.to_string(),
        }
    }

    fn into_error(self) -> io::Error {
        match self {
            Self::Failed {
                code: Some(code), ..
            } => io::Error::from_raw_os_error(code),
            Self::Failed {
                is_late, reason, ..
            } => {
                let kind = if is_late {
                    io::ErrorKind::TimedOut
                } else {
                    io::ErrorKind::Other
                };
                io::Error::new(kind, reason)
            }
            Self::Ran { .. } | Self::Started(_) => io::Error::other("another answer was expected"),
        }
    }
}

/// The process that starts programs: does what comes over the line that is its standard input, until that is closed.
pub(crate) fn serve() -> ExitCode {
    if let Err(error) = outlive_signals() {
        terminal::complain(&format!(
            "error: {COMMAND}: signals cannot be received: {error}"
        ));
        return ExitCode::FAILURE;
    }
    let line = match io::stdin().as_fd().try_clone_to_owned() {
        Ok(line) => Line::of(line),
        Err(error) => {
            terminal::complain(&format!("error: {COMMAND}: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let allowed = match line.receive::<Allowed>(SLACK) {
        Ok(Received::Message(allowed, _)) => Arc::new(allowed),
        _ => {
            terminal::complain(&format!(
                "error: {COMMAND}: this is started by a server, not by people"
            ));
            return ExitCode::FAILURE;
        }
    };
    // It waits from here on, most of the time.
    #[cfg(target_os = "linux")]
    program_pages::give_back();
    loop {
        match line.receive::<()>(FOR_EVER) {
            Ok(Received::Message((), descriptors)) => {
                let allowed = Arc::clone(&allowed);
                let started = thread::Builder::new()
                    .name("program".to_owned())
                    .spawn(move || attend(&allowed, descriptors));
                if let Err(error) = started {
                    terminal::complain(&format!("error: {COMMAND}: {error}"));
                }
            }
            Ok(Received::Nothing) => {}
            Ok(Received::Ended) => return ExitCode::SUCCESS,
            Err(error) => {
                terminal::complain(&format!("error: {COMMAND}: {error}"));
                return ExitCode::FAILURE;
            }
        }
    }
}

/// Signals that are sent to all processes of the service are meant for the server: this one ends with it. They are received
/// and not ignored, for programs inherit what is ignored.
fn outlive_signals() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    // What receives them stays when the runtime is gone.
    for kind in [
        SignalKind::hangup(),
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::terminate(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
    ] {
        drop(signal(kind)?);
    }
    Ok(())
}

fn attend(allowed: &Allowed, descriptors: Vec<OwnedFd>) {
    let mut descriptors = descriptors.into_iter();
    let Some(stream) = descriptors.next() else {
        return;
    };
    let mut stream = UnixStream::from(stream);
    let mut request = Vec::new();
    let answered = stream
        .read_to_end(&mut request)
        .and_then(|_| Ok(serde_json::from_slice(&request)?))
        .and_then(|request| answer(allowed, request, descriptors.next()));
    let (answer, child) = match answered {
        Ok((answer, child)) => (answer, child),
        Err(error) => (Answer::of_error(&error), None),
    };
    if let Ok(answer) = serde_json::to_vec(&answer) {
        // Who has gone does not wait for it.
        let _ = stream.write_all(&answer);
    }
    drop(stream);
    if let Some(mut child) = child {
        let _ = child.wait();
    }
}

fn answer(
    allowed: &Allowed,
    request: Request,
    input: Option<OwnedFd>,
) -> io::Result<(Answer, Option<Child>)> {
    match request {
        Request::Run {
            path,
            arguments,
            environment,
            time_limit,
        } => {
            // Other variables can make any program do something else.
            let is_ours = |(name, value): &(Vec<u8>, Vec<u8>)| {
                let whole = [name.as_slice(), value].join(&b'=');
                name.starts_with(OWN_VARIABLES) || allowed.variables.contains(&whole)
            };
            if !allowed.programs.contains(&path) || !environment.iter().all(is_ours) {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "the configuration does not name it, or not with these variables",
                ));
            }
            let variables = environment.into_iter();
            let outcome = program::run_here(&Call {
                path: OsString::from_vec(path).into(),
                arguments: arguments.into_iter().map(OsString::from_vec).collect(),
                environment: variables
                    .map(|(name, value)| (OsString::from_vec(name), OsString::from_vec(value)))
                    .collect(),
                time_limit,
            })?;
            let answer = Answer::Ran {
                status: outcome.status.into_raw(),
                output: outcome.output,
                errors: outcome.errors,
            };
            Ok((answer, None))
        }
        Request::Start => {
            let input = input.ok_or_else(|| io::Error::other("the line is missing"))?;
            let arguments = allowed.arguments.iter();
            let arguments = arguments.map(|argument| OsStr::from_bytes(argument));
            let child = own_program::start_next(arguments, input)?;
            Ok((Answer::Started(child.id()), Some(child)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(path: &str, variable: &str) -> io::Result<(Answer, Option<Child>)> {
        let allowed = Allowed {
            programs: vec![b"/bin/sh".to_vec()],
            variables: vec![b"LANG=value".to_vec()],
            arguments: Vec::new(),
        };
        let request = Request::Run {
            path: path.as_bytes().to_vec(),
            arguments: vec![b"-c".to_vec(), b"exit 3".to_vec()],
            environment: vec![(variable.as_bytes().to_vec(), b"value".to_vec())],
            time_limit: Duration::from_secs(60),
        };
        answer(&allowed, request, None)
    }

    #[test]
    fn only_what_the_configuration_names_is_run_and_only_with_variables_that_it_names() {
        for variable in ["SFTPGO_ACTION", "LANG"] {
            let (ran, _) = run("/bin/sh", variable).unwrap();
            assert!(matches!(ran, Answer::Ran { status, .. } if status == 3 << 8));
        }
        for (path, variable) in [("/bin/ls", "SFTPGO_ACTION"), ("/bin/sh", "LD_PRELOAD")] {
            let refused = run(path, variable).map(drop).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        }
    }
}
