//! What a server has of those that it follows: at its start their sockets, and afterwards the connections that go on there.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags, open},
    stdio::dup2_stdin,
};
use sftpgo_core::{
    UserId,
    event::{Operation, Protocol},
    registry::{ConnectionStatus, Elsewhere, TransferStatus},
    sync::lock,
};

use super::messages::{Connected, FromNew, FromOld, Moving};
use crate::{
    config::Problem,
    line::{Line, Received},
    listen::{Handed, Sockets},
};

/// The server before sends its sockets at once.
const FIRST_MESSAGE: Duration = Duration::from_secs(30);
/// How often a thread that hears of a server before looks whether it is to go on.
const LOOK: Duration = Duration::from_millis(500);

/// A start that follows another server, up to the moment when it serves.
pub(crate) struct Succession {
    line: Line,
    sockets: Vec<(Handed, OwnedFd)>,
    host_keys: Vec<String>,
    /// To servers that have been followed before.
    lines: Vec<Line>,
}

impl Succession {
    /// Takes the line to the server before from standard input, and the sockets from that.
    ///
    /// # Errors
    /// Nobody is there who hands them on.
    pub(crate) fn of_process() -> io::Result<Self> {
        let line = Line::of(io::stdin().as_fd().try_clone_to_owned()?);
        // Programs that this one starts get another input.
        let nothing = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        dup2_stdin(nothing)?;
        let since = Instant::now();
        while since.elapsed() < FIRST_MESSAGE {
            let (message, descriptors) = match line.receive(LOOK)? {
                Received::Message(message, descriptors) => (message, descriptors),
                Received::Nothing => continue,
                Received::Ended => break,
            };
            let FromOld::Sockets {
                sockets,
                lines,
                host_keys,
            } = message
            else {
                continue;
            };
            if descriptors.len() != sockets.len() + lines {
                return Err(io::Error::other("some of the sockets are missing"));
            }
            let mut descriptors = descriptors.into_iter();
            return Ok(Self {
                line,
                sockets: sockets.into_iter().zip(descriptors.by_ref()).collect(),
                host_keys,
                lines: descriptors.map(Line::of).collect(),
            });
        }
        Err(io::Error::other("no server hands its sockets on"))
    }

    /// The sockets of the server before.
    pub(crate) fn take_sockets(&mut self) -> Sockets {
        Sockets::handed(std::mem::take(&mut self.sockets))
    }

    /// A start makes the host keys that are missing, by which clients take this server for another one. Who follows does not
    /// do that unasked.
    ///
    /// # Errors
    /// One is not in `directory` any more that the server before has there.
    pub(crate) fn check_host_keys(&self, directory: &Path) -> Result<(), Problem> {
        let mut keys = self.host_keys.iter().map(|name| directory.join(name));
        let Some(missing) = keys.find(|path| path.symlink_metadata().is_err()) else {
            return Ok(());
        };
        let missing = missing.display();
        let reason = format!(
            "the host key {missing} of the running server is missing: put it back, or stop the server and start it anew, which makes another key, of which clients warn their users"
        );
        Err(Problem::new("sftpd.keys", reason))
    }

    /// This one does not start, for this reason.
    pub(crate) fn refuse(&self, reason: &str) {
        // The server before sees the end of this one at least.
        let _ = self.line.send(&FromNew::Failed(reason.to_owned()));
    }

    /// This one serves.
    ///
    /// # Errors
    /// The server before has ended.
    fn ready(self) -> io::Result<Vec<Line>> {
        self.line.send(&FromNew::Ready)?;
        let mut lines = self.lines;
        lines.push(self.line);
        Ok(lines)
    }
}

/// The servers that this one follows, as long as they have connections.
#[derive(Default)]
pub(crate) struct Predecessors {
    all: Mutex<Vec<Arc<Predecessor>>>,
}

struct Predecessor {
    line: Line,
    connections: Mutex<Vec<ConnectionStatus>>,
    is_over: AtomicBool,
}

impl Predecessors {
    /// Tells the server before that this one serves, and hears of the connections that go on there.
    pub(crate) fn follow(&self, succession: Succession) {
        let lines = match succession.ready() {
            Ok(lines) => lines,
            Err(error) => {
                log::warn!("the process before has ended meanwhile: {error}");
                return;
            }
        };
        for line in lines {
            let predecessor = Arc::new(Predecessor {
                line,
                connections: Mutex::default(),
                is_over: AtomicBool::new(false),
            });
            let hears = Arc::clone(&predecessor);
            let started = thread::Builder::new()
                .name("predecessor".to_owned())
                .spawn(move || hears.hear());
            if let Err(error) = started {
                log::warn!(
                    "the connections of the process before are not listed, because no thread could be started: {error}"
                );
            }
            lock(&self.all).push(predecessor);
        }
    }

    /// The lines to those that have not ended, for the next server.
    pub(super) fn lines(&self) -> Vec<Line> {
        let all = self.going_on();
        let lines = all
            .iter()
            .filter_map(|one| one.line.end().try_clone_to_owned().ok());
        lines.map(Line::of).collect()
    }

    /// The next server hears of them from here on.
    pub(super) fn let_go(&self) {
        for one in std::mem::take(&mut *lock(&self.all)) {
            one.is_over.store(true, Ordering::Release);
        }
    }

    /// Tells them that the service is to stop, and waits until they have, for so long at the most.
    pub(crate) fn stop(&self, within: Duration) {
        let since = Instant::now();
        for one in self.going_on() {
            // Who does not hear it has ended.
            let _ = one.line.send(&FromNew::Stop);
        }
        while !self.going_on().is_empty() && since.elapsed() < within {
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn going_on(&self) -> Vec<Arc<Predecessor>> {
        let mut all = lock(&self.all);
        all.retain(|one| !one.is_over.load(Ordering::Acquire));
        all.clone()
    }
}

impl Predecessor {
    fn hear(&self) {
        let mut list = List::default();
        while !self.is_over.load(Ordering::Acquire) {
            match self.line.receive(LOOK) {
                Ok(Received::Message(
                    FromOld::Connections {
                        is_first,
                        is_last,
                        connections,
                    },
                    _,
                )) => {
                    if let Some(whole) = list.add(is_first, is_last, connections) {
                        *lock(&self.connections) = whole;
                    }
                }
                Ok(Received::Message(..) | Received::Nothing) => {}
                Ok(Received::Ended) => break,
                Err(error) => log::warn!("a message of the process before cannot be read: {error}"),
            }
        }
        // When the next server reads on, it needs what this one has read; otherwise nobody is there who hears it.
        let _ = self.line.send(&FromNew::Ready);
        lock(&self.connections).clear();
        self.is_over.store(true, Ordering::Release);
    }
}

/// A list of connections as its parts come; none as long as another has read the first part.
#[derive(Default)]
struct List(Option<Vec<ConnectionStatus>>);

impl List {
    /// Adds a part, and returns the list when that is whole.
    fn add(
        &mut self,
        is_first: bool,
        is_last: bool,
        connections: Vec<Connected>,
    ) -> Option<Vec<ConnectionStatus>> {
        if is_first {
            self.0 = Some(Vec::new());
        }
        self.0.as_mut()?.extend(connections.into_iter().map(status));
        if is_last { self.0.take() } else { None }
    }
}

impl Elsewhere for Predecessors {
    fn list(&self) -> Vec<ConnectionStatus> {
        let all = self.going_on();
        let connections = all.iter().flat_map(|one| lock(&one.connections).clone());
        connections.collect()
    }

    fn close(&self, connection_id: &str) {
        let close = FromNew::Close(connection_id.to_owned());
        for one in self.going_on() {
            let has_it = |status: &ConnectionStatus| status.connection_id == connection_id;
            if lock(&one.connections).iter().any(has_it) {
                tell(&one, &close);
            }
        }
    }

    fn close_user(&self, user: UserId) {
        for one in self.going_on() {
            tell(&one, &FromNew::CloseUser(user.0));
        }
    }
}

fn tell(one: &Predecessor, message: &FromNew) {
    if let Err(error) = one.line.send(message) {
        log::warn!("the process before could not be told to close connections: {error}");
    }
}

/// Connections as one process tells another of them.
pub(super) fn connected(connections: &[ConnectionStatus]) -> Vec<Connected> {
    let moving = |transfer: &TransferStatus| Moving {
        is_upload: transfer.operation == Operation::Upload,
        path: transfer.path.clone(),
        started_at: transfer.started_at,
        size: transfer.size,
        last_activity: transfer.last_activity,
    };
    let one = |status: &ConnectionStatus| Connected {
        username: status.username.clone(),
        connection_id: status.connection_id.clone(),
        client_version: status.client_version.clone(),
        remote: status.remote,
        connected_at: status.connected_at,
        last_activity: status.last_activity,
        is_scp: status.protocol == Protocol::Scp,
        transfers: status.transfers.iter().map(moving).collect(),
    };
    connections.iter().map(one).collect()
}

fn status(connected: Connected) -> ConnectionStatus {
    let transfer = |moving: Moving| TransferStatus {
        operation: if moving.is_upload {
            Operation::Upload
        } else {
            Operation::Download
        },
        path: moving.path,
        started_at: moving.started_at,
        size: moving.size,
        last_activity: moving.last_activity,
    };
    let remote: SocketAddr = connected.remote;
    ConnectionStatus {
        username: connected.username,
        connection_id: connected.connection_id,
        client_version: connected.client_version,
        remote,
        connected_at: connected.connected_at,
        last_activity: connected.last_activity,
        protocol: if connected.is_scp {
            Protocol::Scp
        } else {
            Protocol::Sftp
        },
        transfers: connected.transfers.into_iter().map(transfer).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(id: &str) -> Vec<Connected> {
        vec![Connected {
            username: "bob".to_owned(),
            connection_id: id.to_owned(),
            client_version: String::new(),
            remote: ([127, 0, 0, 1], 1).into(),
            connected_at: 1,
            last_activity: 1,
            is_scp: false,
            transfers: Vec::new(),
        }]
    }

    #[test]
    fn a_list_whose_first_part_another_has_read_is_not_taken_for_the_whole() {
        let mut list = List::default();
        for is_last in [false, true] {
            assert!(list.add(false, is_last, connection("rest")).is_none());
        }
        assert!(list.add(true, false, connection("one")).is_none());
        let whole = list.add(false, true, connection("two")).unwrap();
        let ids: Vec<_> = whole.iter().map(|one| one.connection_id.as_str()).collect();
        assert_eq!(ids, ["one", "two"]);
        assert!(list.add(false, true, connection("rest")).is_none());
    }

    #[test]
    fn a_server_before_hears_that_another_reads_its_list_from_now_on() {
        let (here, there) = Line::pair().unwrap();
        let there = Line::of(there);
        let predecessors = Predecessors::default();
        predecessors.follow(Succession {
            line: here,
            sockets: Vec::new(),
            host_keys: Vec::new(),
            lines: Vec::new(),
        });
        let is_told = || {
            let received = there.receive(Duration::from_secs(60)).unwrap();
            assert!(matches!(received, Received::Message(FromNew::Ready, _)));
        };
        is_told();
        predecessors.let_go();
        is_told();
    }
}
