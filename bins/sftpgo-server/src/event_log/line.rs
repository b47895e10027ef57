//! From a line of the log back to the event that it tells of.

use std::{borrow::Cow, net::SocketAddr, path::Path, time::Duration};

use jiff::Timestamp;
use serde::Deserialize;
use sftpgo_core::event::{
    Actor, Change, Command, Event, Identity, LoginMethod, Operation, Protocol,
};

use super::sender::Sender;

/// Fields of all lines that tell of events; a line has some of them.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    sender: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow, default)]
    username: Cow<'a, str>,
    #[serde(borrow, default)]
    file_path: Cow<'a, str>,
    #[serde(borrow, default)]
    target_path: Cow<'a, str>,
    #[serde(borrow, default)]
    connection_id: Cow<'a, str>,
    #[serde(borrow, default)]
    protocol: Cow<'a, str>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    client_ip: Cow<'a, str>,
    #[serde(borrow, default)]
    login_type: Cow<'a, str>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    api_key_id: Cow<'a, str>,
    #[serde(borrow, default)]
    entry: Cow<'a, str>,
    #[serde(borrow, default)]
    host: Cow<'a, str>,
    #[serde(borrow, default)]
    by: Cow<'a, str>,
    #[serde(borrow, default)]
    by_type: Cow<'a, str>,
    #[serde(borrow, default)]
    by_api_key: Cow<'a, str>,
    #[serde(default)]
    elapsed_ms: u64,
    #[serde(default)]
    size_bytes: u64,
}

/// Tells of the event of a line, with its time in Unix milliseconds. Nothing is told of a line that has none, or is broken.
pub(super) fn tell(line: &str, tell: &mut dyn FnMut(i64, &Event<'_>)) {
    let Ok(line) = serde_json::from_str::<Line<'_>>(line) else {
        return;
    };
    let Ok(time) = line.time.parse::<Timestamp>() else {
        return;
    };
    line.with_event(|event| tell(time.as_millisecond(), event));
}

impl Line<'_> {
    fn with_event(&self, tell: impl FnOnce(&Event<'_>)) {
        let told = match Sender::of(&self.sender) {
            Some(Sender::Transfer(operation)) => self.transfer(operation),
            Some(Sender::Command(command)) => self.command(command),
            Some(Sender::Login | Sender::FailedLogin) => self.login(),
            Some(Sender::Change(_)) => {
                if let Some((change, by)) = self.change() {
                    tell(&Event::Change {
                        change,
                        username: &self.username,
                        id: self.id(),
                        by: &by,
                    });
                }
                return;
            }
            None => None,
        };
        if let Some(event) = told {
            tell(&event);
        }
    }

    fn transfer(&self, operation: Operation) -> Option<Event<'_>> {
        Some(Event::Transfer {
            operation,
            username: &self.username,
            file_path: Path::new(&*self.file_path),
            size: self.size_bytes,
            elapsed: Duration::from_millis(self.elapsed_ms),
            connection_id: &self.connection_id,
            protocol: self.protocol()?,
            error: self.error.as_deref(),
        })
    }

    fn command(&self, command: Command) -> Option<Event<'_>> {
        let target_path = Some(Path::new(&*self.target_path));
        Some(Event::Command {
            command,
            username: &self.username,
            file_path: Path::new(&*self.file_path),
            target_path: target_path.filter(|path| !path.as_os_str().is_empty()),
            connection_id: &self.connection_id,
            protocol: self.protocol()?,
        })
    }

    fn login(&self) -> Option<Event<'_>> {
        // The port is not in the log.
        let remote = SocketAddr::new(self.client_ip.parse().ok()?, 0);
        let mut methods = LoginMethod::ALL.into_iter();
        let method = methods.find(|method| self.login_type == method.to_string())?;
        let username = &*self.username;
        Some(match &self.error {
            None => Event::LoginOk {
                username,
                method,
                remote,
            },
            Some(reason) => Event::LoginFailed {
                username,
                method,
                remote,
                reason,
            },
        })
    }

    fn change(&self) -> Option<(Change, Actor)> {
        let mut changes = Change::ALL.into_iter();
        let change = changes.find(|change| self.message == change.to_string())?;
        let by = Actor {
            identity: Identity::of(&self.by_type, &self.by, &self.by_api_key)?,
            address: self.client_ip.parse().ok(),
        };
        Some((change, by))
    }

    /// The field that names what was changed; of a user it is not asked for.
    fn id(&self) -> &str {
        let ids = [
            &self.connection_id,
            &self.api_key_id,
            &self.entry,
            &self.host,
        ];
        let id = ids.into_iter().find(|id| !id.is_empty());
        id.map_or("", |id| id)
    }

    fn protocol(&self) -> Option<Protocol> {
        let mut protocols = [Protocol::Sftp, Protocol::Scp].into_iter();
        protocols.find(|protocol| self.protocol == protocol.to_string())
    }
}
