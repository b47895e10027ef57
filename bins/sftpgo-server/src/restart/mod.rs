//! Restarting without a pause (SIGUSR2): another process of the program, which may have been upgraded, gets the sockets and
//! serves whoever connects from then on; this one goes on with the connections that it has, and ends with the last of them.
//!
//! Until the next server says that it serves, nothing changes here, and whatever goes wrong is said and leaves it so. The
//! two speak over a [line](crate::line), which is the standard input of the next one.

mod messages;
mod predecessors;

use std::{
    io,
    os::fd::AsFd,
    process::{self, Child, ExitCode},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use sftpgo_core::{registry::Connections, sync::lock};
use tokio::{sync::Notify, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

pub(crate) use self::predecessors::{Predecessors, Succession};
use self::{
    messages::{Connected, FromNew, FromOld},
    predecessors::connected,
};
use crate::{
    hook::launcher,
    line::{Line, MOST_DESCRIPTORS, Received},
    listen::Kept,
    own_program,
    sharing::Sharing,
    systemd,
};

/// A start may have a large table to change: the time that a unit of systemd has for it too.
const START: Duration = Duration::from_secs(15 * 60);
/// How often is looked whether the next server still lives, and whether this one is to end.
const LOOK: Duration = Duration::from_millis(100);
/// How often the next server is told which connections go on here.
const TELL: Duration = Duration::from_secs(1);
/// How often it is told again though nothing has changed: it may be another that reads the line by now.
const TELL_AGAIN: Duration = TELL.saturating_mul(10);
/// Connections of one message; each takes some hundred bytes, and a few hundred for each transfer.
const AT_ONCE: usize = 20;

/// A server that can be restarted.
pub(crate) struct Restarts {
    pub(crate) sharing: Arc<Sharing>,
    pub(crate) connections: Arc<Connections>,
    /// The sockets that it listens on.
    pub(crate) kept: Mutex<Vec<Kept>>,
    pub(crate) predecessors: Arc<Predecessors>,
    /// Nobody connects any more, and who is connected goes on.
    pub(crate) stop_accepting: CancellationToken,
    pub(crate) shutdown: CancellationToken,
    /// Names of the host keys that are in the configuration's directory.
    pub(crate) host_keys: Vec<String>,
    /// What systemd is told of a server that serves.
    pub(crate) status: String,
    /// Another process serves now.
    pub(crate) is_followed: AtomicBool,
    /// The next server has ended without having been told to.
    pub(crate) is_orphaned: AtomicBool,
}

impl Restarts {
    /// Does another process serve now?
    pub(crate) fn is_followed(&self) -> bool {
        self.is_followed.load(Ordering::Acquire)
    }

    /// With what the process ends.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.is_orphaned.load(Ordering::Acquire) {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        }
    }

    /// Restarts the server whenever `wishes` say so, until that has worked.
    pub(crate) async fn watch(self: Arc<Self>, wishes: Arc<Notify>) {
        loop {
            tokio::select! {
                () = wishes.notified() => {}
                () = self.shutdown.cancelled() => return,
            }
            log::info!("the server is being restarted: a new process is started");
            systemd::reloading();
            let restarts = Arc::clone(&self);
            let failure = match spawn_blocking(move || restarts.restart()).await {
                Ok(Ok(())) => break,
                Ok(Err(reason)) => reason,
                Err(panicked) => panicked.to_string(),
            };
            if self.shutdown.is_cancelled() {
                return;
            }
            log::error!(
                "the server was not restarted, and this process goes on as it was: {failure}"
            );
            systemd::ready_again(&self.status);
        }
        // Whoever sends the signal to this process means the one that serves.
        loop {
            wishes.notified().await;
            log::warn!(
                "SIGUSR2 was received and changes nothing: this process has been followed by another and ends with its last connection"
            );
        }
    }

    /// Starts the next server and waits until it serves.
    fn restart(self: &Arc<Self>) -> Result<(), String> {
        if process::id() == 1 {
            return Err(
                "it is the first process of a container, which ends with it: replace the container"
                    .to_owned(),
            );
        }
        self.sharing.begin()?;
        let (line, mut next) = self.start().map_err(|error| {
            format!(
                "the program cannot be started: {error}; is it where this process was started from?"
            )
        })?;
        log::info!(
            "process {} was started, and this one serves until it does",
            next.number()
        );
        if let Err(reason) = self.wait_for(&line, &mut next) {
            next.end();
            return Err(reason);
        }
        // The lines to servers before are the next one's from here on.
        self.predecessors.let_go();
        self.is_followed.store(true, Ordering::Release);
        lock(&self.kept).clear();
        self.stop_accepting.cancel();
        if self.shutdown.is_cancelled() {
            // Whoever told this one meant the service, of which nobody knew yet that another process serves.
            next.tell_to_stop();
        }
        log::info!(
            "process {} serves from here on; this one ends when its {} logins have ended",
            next.number(),
            self.connections.login_count()
        );
        let restarts = Arc::clone(self);
        let followed = thread::Builder::new()
            .name("followed".to_owned())
            .spawn(move || restarts.serve_next(&line, next));
        if let Err(error) = followed {
            log::warn!(
                "the connections that go on here cannot be listed and closed through the new process, because no thread could be started: {error}"
            );
        }
        Ok(())
    }

    fn start(&self) -> io::Result<(Line, Next)> {
        let (line, end) = Line::pair()?;
        let mut next = match launcher::start(end.as_fd()) {
            Some(started) => Next::Launched(started?),
            None => {
                let arguments = own_program::arguments_of_next();
                Next::Child(own_program::start_next(arguments, end.try_clone()?)?)
            }
        };
        drop(end);
        if let Err(error) = self.send_sockets(&line) {
            use io::ErrorKind::{BrokenPipe, ConnectionReset};
            // One that has ended already is told of by whoever waits for it.
            if !matches!(error.kind(), BrokenPipe | ConnectionReset) {
                next.end();
                return Err(error);
            }
        }
        Ok((line, next))
    }

    fn send_sockets(&self, line: &Line) -> io::Result<()> {
        let kept = lock(&self.kept);
        let before = self.predecessors.lines();
        let mut descriptors: Vec<_> = kept.iter().map(|kept| kept.socket.as_fd()).collect();
        descriptors.extend(before.iter().map(|line| line.end()));
        if descriptors.len() > MOST_DESCRIPTORS {
            return Err(io::Error::other(format!(
                "{} sockets are more than can be handed on",
                descriptors.len()
            )));
        }
        let message = FromOld::Sockets {
            sockets: kept.iter().map(|kept| kept.handed.clone()).collect(),
            lines: before.len(),
            host_keys: self.host_keys.clone(),
        };
        line.send_with(&message, &descriptors)
    }

    fn wait_for(&self, line: &Line, next: &mut Next) -> Result<(), String> {
        let since = Instant::now();
        loop {
            let received = line.receive::<FromNew>(LOOK);
            match received.map_err(|error| format!("what the new process says: {error}"))? {
                Received::Message(FromNew::Ready, _) => return Ok(()),
                Received::Message(FromNew::Failed(reason), _) => {
                    return Err(format!("the new process does not start: {reason}"));
                }
                Received::Message(..) => {}
                Received::Ended => {
                    let how = next.how_it_ended();
                    return Err(format!("the new process ended before it served{how}"));
                }
                Received::Nothing => {}
            }
            if self.shutdown.is_cancelled() {
                return Err("the server is stopping".to_owned());
            }
            if since.elapsed() > START {
                return Err(format!(
                    "the new process does not serve after {} minutes",
                    START.as_secs() / 60
                ));
            }
        }
    }

    /// Does what the next server asks for, and tells it which connections go on here.
    fn serve_next(&self, line: &Line, mut next: Next) {
        let mut told = Told::default();
        loop {
            match line.receive::<FromNew>(TELL) {
                Ok(Received::Message(FromNew::Close(id), _)) => {
                    self.connections.close_connection(&id);
                }
                Ok(Received::Message(FromNew::CloseUser(id), _)) => {
                    self.connections.close_user(sftpgo_core::UserId(id));
                }
                Ok(Received::Message(FromNew::Stop, _)) => {
                    self.shutdown.cancel();
                    break;
                }
                Ok(Received::Message(FromNew::Ready, _)) => told = Told::default(),
                Ok(Received::Message(..) | Received::Nothing) => {}
                Ok(Received::Ended) => return self.end_alone(),
                Err(error) => log::warn!("a message of the new process cannot be read: {error}"),
            }
            next.collect();
            let connections = connected(&self.connections.list_here());
            if told.is_old(&connections) && tell(line, &connections).is_ok() {
                told = Told(Some((connections, Instant::now())));
            }
        }
        next.collect();
    }

    /// Nobody serves any more: whoever watches over the service has to hear of it.
    fn end_alone(&self) {
        if self.shutdown.is_cancelled() {
            return;
        }
        log::error!(
            "the process that followed this one has ended unexpectedly, and nobody listens any more: this one ends too, so that the service is started anew"
        );
        self.is_orphaned.store(true, Ordering::Release);
        systemd::main_process_is_this();
        self.shutdown.cancel();
        // Nobody can connect before this one has ended, so that transfers get no grace time.
        for connection in self.connections.list_here() {
            self.connections.close_connection(&connection.connection_id);
        }
    }
}

/// The next server.
enum Next {
    /// A child of this process.
    Child(Child),
    /// Started by the process that starts programs.
    Launched(u32),
}

impl Next {
    fn number(&self) -> u32 {
        match self {
            Self::Child(child) => child.id(),
            Self::Launched(number) => *number,
        }
    }

    /// What its parent knows of its end, as the end of a sentence.
    fn how_it_ended(&mut self) -> String {
        match self {
            Self::Child(child) => match child.wait() {
                Ok(status) => format!(": {status}"),
                Err(error) => format!(": {error}"),
            },
            Self::Launched(_) => String::new(),
        }
    }

    /// Ends it.
    fn end(&mut self) {
        match self {
            Self::Child(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Self::Launched(_) => self.signal(Signal::KILL),
        }
    }

    /// Has it end as this one does.
    fn tell_to_stop(&self) {
        log::info!(
            "the server was told to stop while process {} began to serve, which is told so too",
            self.number()
        );
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        let number = i32::try_from(self.number()).ok().and_then(Pid::from_raw);
        // It may have ended.
        let _ = number.map(|number| kill_process(number, signal));
    }

    /// A child that has ended stays until it is asked how.
    fn collect(&mut self) {
        if let Self::Child(child) = self {
            let _ = child.try_wait();
        }
    }
}

/// What the next server was told last, and when.
#[derive(Default)]
struct Told(Option<(Vec<Connected>, Instant)>);

impl Told {
    fn is_old(&self, connections: &[Connected]) -> bool {
        self.0
            .as_ref()
            .is_none_or(|(told, at)| told != connections || at.elapsed() >= TELL_AGAIN)
    }
}

fn tell(line: &Line, connections: &[Connected]) -> io::Result<()> {
    let mut parts: Vec<_> = connections.chunks(AT_ONCE).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    for (at, part) in parts.iter().enumerate() {
        line.send(&FromOld::Connections {
            is_first: at == 0,
            is_last: at + 1 == parts.len(),
            connections: part.to_vec(),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_changed_is_told_again_after_a_while() {
        assert!(Told::default().is_old(&[]));
        let now = Instant::now();
        assert!(!Told(Some((Vec::new(), now))).is_old(&[]));
        let before = now.checked_sub(TELL_AGAIN).unwrap();
        assert!(Told(Some((Vec::new(), before))).is_old(&[]));
    }
}
