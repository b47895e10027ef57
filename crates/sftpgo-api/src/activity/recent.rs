//! An event, in the words of the web admin.

use std::fmt::{self, Write};

use serde::Serialize;
use sftpgo_core::event::{Change, Command, Event, Subject};

use super::texts;

/// Characters of a text that come from outside.
const LONGEST: usize = 512;
/// Bytes of a usual text.
const USUAL: usize = 96;

/// Which kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Login,
    FailedLogin,
    Transfer,
    FailedTransfer,
    Command,
    Change,
}

/// Something that happened, as the web admin shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecentEvent {
    /// Unix milliseconds.
    pub(crate) time: i64,
    pub(crate) kind: Kind,
    /// The user or the admin whom it is about; may be empty.
    pub(crate) username: String,
    /// The admin, or the name of the operator's file, who did it, where that is somebody else; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) by: String,
    /// The address without a port; empty where it is not known.
    pub(crate) address: String,
    pub(crate) text: String,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Login,
        Self::FailedLogin,
        Self::Transfer,
        Self::FailedTransfer,
        Self::Command,
        Self::Change,
    ];

    /// Returns the name in addresses and in what is exported.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::FailedLogin => "failed_login",
            Self::Transfer => "transfer",
            Self::FailedTransfer => "failed_transfer",
            Self::Command => "command",
            Self::Change => "change",
        }
    }

    /// Returns the name on pages.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Login => texts::LOGIN,
            Self::FailedLogin => texts::FAILED_LOGIN,
            Self::Transfer => texts::TRANSFER,
            Self::FailedTransfer => texts::FAILED_TRANSFER,
            Self::Command => texts::COMMAND,
            Self::Change => texts::CHANGE,
        }
    }
}

impl RecentEvent {
    /// The user or the admin whom it is about; may be empty.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// An event at a time in Unix milliseconds; none for what is only a figure.
    pub fn of(event: &Event<'_>, time: i64) -> Option<Self> {
        let made = |kind, username: &str, address: String, text: String| {
            Some(Self {
                time,
                kind,
                username: shortened(username),
                by: String::new(),
                address,
                text: cut_short(text),
            })
        };
        match event {
            Event::LoginOk {
                username,
                method,
                remote,
            } => {
                let text = format!("by {method}");
                made(Kind::Login, username, remote.ip().to_string(), text)
            }
            Event::LoginFailed {
                username,
                method,
                remote,
                reason,
            } => {
                let text = format!("by {method}: {reason}");
                made(Kind::FailedLogin, username, remote.ip().to_string(), text)
            }
            Event::Transfer {
                operation,
                username,
                file_path,
                size,
                protocol,
                error,
                ..
            } => {
                let path = file_path.display();
                let what = written(format_args!(
                    "{protocol} {operation} of {path}, {size} bytes"
                ));
                match error {
                    None => made(Kind::Transfer, username, String::new(), what),
                    Some(error) => {
                        let text = format!("{what}: {error}");
                        made(Kind::FailedTransfer, username, String::new(), text)
                    }
                }
            }
            Event::Command {
                command,
                username,
                file_path,
                target_path,
                protocol,
                ..
            } => {
                let word = word(*command);
                let path = file_path.display();
                let mut text = written(format_args!("{protocol} {word} {path}"));
                if let Some(target) = target_path {
                    text += &format!(" to {}", target.display());
                }
                made(Kind::Command, username, String::new(), text)
            }
            Event::Change {
                change,
                username,
                id,
                by,
            } => {
                let what = changed(*change, id);
                let text = format!("{what} by {}", by.identity);
                let address = by.address.map(|address| address.to_string());
                let event = made(Kind::Change, username, address.unwrap_or_default(), text);
                event.map(|event| Self {
                    by: shortened(by.identity.name()),
                    ..event
                })
            }
            _ => None,
        }
    }

    /// Is it about this user or admin, or something that they did?
    pub(crate) fn concerns(&self, username: &str) -> bool {
        self.username == username || self.by == username
    }
}

/// A user has a name, and the id says nothing.
fn changed(change: Change, id: &str) -> String {
    match change.subject() {
        Subject::User | Subject::Admin => change.to_string(),
        Subject::Connection | Subject::ApiKey | Subject::ListEntry | Subject::Host => {
            format!("{change} ({id})")
        }
    }
}

fn word(command: Command) -> &'static str {
    match command {
        Command::Rename => "renamed",
        Command::Rmdir => texts::REMOVED_THE_DIRECTORY,
        Command::Mkdir => texts::MADE_THE_DIRECTORY,
        Command::Symlink => "linked",
        Command::Remove => "removed",
    }
}

/// Writes a text with one allocation, as it is told of each transfer.
fn written(text: fmt::Arguments<'_>) -> String {
    let mut written = String::with_capacity(USUAL);
    let _ = written.write_fmt(text);
    written
}

fn shortened(text: &str) -> String {
    text.get(..end_of(text)).unwrap_or_default().to_owned()
}

fn cut_short(mut text: String) -> String {
    text.truncate(end_of(&text));
    text
}

/// Returns where the part ends that is kept.
fn end_of(text: &str) -> usize {
    let over = text.char_indices().nth(LONGEST);
    over.map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use sftpgo_core::event::{Actor, Identity, LoginMethod};

    use super::*;

    #[test]
    fn a_change_is_told_with_who_made_it() {
        let by = Actor {
            identity: Identity::ApiKey {
                id: "k1".to_owned(),
                admin: "alice".to_owned(),
            },
            address: Some("2001:db8::1".parse().unwrap()),
        };
        let change = Event::Change {
            change: Change::ConnectionClosed,
            username: "bob",
            id: "c7",
            by: &by,
        };
        let kept = RecentEvent::of(&change, 5).unwrap();
        assert_eq!(
            kept.text,
            "connection closed (c7) by alice with the API key k1"
        );
        assert_eq!(kept.address, "2001:db8::1");
        let concerned = ["bob", "alice", "eve"].map(|name| kept.concerns(name));
        assert_eq!(concerned, [true, true, false]);
    }

    #[test]
    fn a_login_is_told_in_the_words_of_the_log() {
        let event = Event::LoginFailed {
            username: "",
            method: LoginMethod::NoneTried,
            remote: "192.0.2.1:4000".parse().unwrap(),
            reason: "gone",
        };
        let kept = RecentEvent::of(&event, 5).unwrap();
        assert_eq!(kept.text, "by no_auth_tryed: gone");
    }

    #[test]
    fn a_long_name_is_shortened() {
        let event = Event::LoginFailed {
            username: &"é".repeat(100_000),
            method: LoginMethod::NoneTried,
            remote: "192.0.2.1:4000".parse().unwrap(),
            reason: "",
        };
        let kept = RecentEvent::of(&event, 5).unwrap();
        assert_eq!(kept.username.chars().count(), LONGEST);
    }
}
