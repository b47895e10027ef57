//! Doing one action: a program without a shell, a call of a URL; both within a time limit.

use std::{
    ffi::OsString,
    fmt, io,
    os::unix::{ffi::OsStrExt, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::HearFailure;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use ureq::{Agent, http::Uri};

/// A program or a server that takes longer is taken to hang.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The time after which a running program is looked at again.
const POLL: Duration = Duration::from_millis(10);
/// The characters that are encoded: all but those that RFC 3986, 2.3 leaves alone.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The PATH of programs when the server has none itself.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) program: Option<Program>,
    pub(super) call: Option<Call>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

/// GET, or POST when there is a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) url: String,
    /// Values as they are: a file's name is bytes.
    pub(super) query: Vec<(&'static str, OsString)>,
    pub(super) json: Option<String>,
}

impl Call {
    /// Returns the URL without what may be a secret: a name with password before the host, and the configured query.
    fn shown_url(&self) -> String {
        let Ok(uri) = self.url.parse::<Uri>() else {
            return "a URL".to_owned();
        };
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().map(|port| format!(":{port}"));
        let scheme = uri.scheme_str().unwrap_or_default();
        format!(
            "{scheme}://{host}{}{}",
            port.unwrap_or_default(),
            uri.path()
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(program) = &self.program {
            write!(f, "{:?} {:?} ", program.path, program.arguments)?;
        }
        if let Some(call) = &self.call {
            write!(f, "{} {:?}", call.shown_url(), call.query)?;
        }
        Ok(())
    }
}

/// Does actions, one after the other.
#[derive(Clone)]
pub(super) struct Runner {
    time_limit: Duration,
    agent: Agent,
    failed: HearFailure,
}

impl Runner {
    pub(super) fn telling(failed: HearFailure) -> Self {
        Self::with_time_limit(TIME_LIMIT, failed)
    }

    pub(super) fn with_time_limit(time_limit: Duration, failed: HearFailure) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(time_limit))
            .build()
            .new_agent();
        Self {
            time_limit,
            agent,
            failed,
        }
    }

    /// Tells the log what became of it, and who asked of failures.
    pub(super) fn run(&self, action: &Action) {
        if let Some(program) = &action.program {
            let path = program.path.display();
            match self.run_program(program) {
                Ok(status) if status.success() => log::debug!("the action {path} has succeeded"),
                Ok(status) => self.has_failed(path, &status),
                Err(error) => self.has_failed(path, &error),
            }
        }
        if let Some(call) = &action.call {
            match self.call(call) {
                Ok(status) => {
                    log::debug!("the action {} has succeeded: {status}", call.shown_url());
                }
                Err(error) => self.has_failed(call.shown_url(), &error),
            }
        }
    }

    fn has_failed(&self, action: impl fmt::Display, reason: &dyn fmt::Display) {
        log::warn!("the action {action} has failed: {reason}");
        (self.failed)(&format!("{action}: {reason}"));
    }

    fn run_program(&self, program: &Program) -> io::Result<ExitStatus> {
        let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
        let mut child = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own, so that what it starts ends with it.
            .process_group(0)
            .spawn()?;
        let started = Instant::now();
        loop {
            if has_ended(&child)? {
                // Not collected yet, so that its number is still its group's and nobody else's.
                end_group(&child);
                return child.wait();
            }
            if started.elapsed() >= self.time_limit {
                end_group(&child);
                let _ = child.wait();
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!(
                        "it was ended, because it ran for more than {} seconds",
                        self.time_limit.as_secs()
                    ),
                ));
            }
            thread::sleep(POLL);
        }
    }

    fn call(&self, call: &Call) -> Result<u16, ureq::Error> {
        let answer = match &call.json {
            None => {
                let request = self.agent.get(&call.url);
                request.query_pairs_raw(pairs(call)).call()?
            }
            Some(json) => self
                .agent
                .post(&call.url)
                .query_pairs_raw(pairs(call))
                .content_type("application/json; charset=utf-8")
                .send(json)?,
        };
        Ok(answer.status().as_u16())
    }
}

/// Ready for a URL: bytes that are no UTF-8 are percent-encoded as they are.
fn pairs(call: &Call) -> impl Iterator<Item = (&'static str, String)> {
    call.query.iter().map(|(name, value)| {
        let encoded = percent_encode(value.as_bytes(), ENCODED);
        (*name, encoded.to_string())
    })
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
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        let call = Call {
            url: "https://me:secret@example.com:8443/hook?token=secret".into(),
            query: Vec::new(),
            json: None,
        };
        assert_eq!(call.shown_url(), "https://example.com:8443/hook");
    }
}
