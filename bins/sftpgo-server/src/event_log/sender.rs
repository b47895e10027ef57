//! The senders of the lines that tell of events: a line is written with one, and read again by it.

use sftpgo_core::event::{Command, Operation, Subject};

/// The sender of lines about the defender, of which those that tell of a change are read again.
pub(super) const DEFENDER: &str = "defender";

/// What a line tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    Transfer(Operation),
    Command(Command),
    Login,
    FailedLogin,
    Change(Subject),
}

const SENDERS: [Sender; 15] = [
    Sender::Transfer(Operation::Upload),
    Sender::Transfer(Operation::Download),
    Sender::Command(Command::Rename),
    Sender::Command(Command::Rmdir),
    Sender::Command(Command::Mkdir),
    Sender::Command(Command::Symlink),
    Sender::Command(Command::Remove),
    Sender::Login,
    Sender::FailedLogin,
    Sender::Change(Subject::User),
    Sender::Change(Subject::Connection),
    Sender::Change(Subject::Admin),
    Sender::Change(Subject::ApiKey),
    Sender::Change(Subject::ListEntry),
    Sender::Change(Subject::Host),
];

impl Sender {
    /// The name as it is in the line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Transfer(Operation::Upload) => "Upload",
            Self::Transfer(Operation::Download) => "Download",
            Self::Command(Command::Rename) => "Rename",
            Self::Command(Command::Rmdir) => "Rmdir",
            Self::Command(Command::Mkdir) => "Mkdir",
            Self::Command(Command::Symlink) => "Symlink",
            Self::Command(Command::Remove) => "Remove",
            Self::Login => "login",
            Self::FailedLogin => "connection_failed",
            Self::Change(Subject::User) => "users",
            Self::Change(Subject::Connection) => "connections",
            Self::Change(Subject::Admin) => "admins",
            Self::Change(Subject::ApiKey) => "api_keys",
            Self::Change(Subject::ListEntry) => "ip_lists",
            Self::Change(Subject::Host) => DEFENDER,
        }
    }

    /// The sender of this name; none of a line that tells of no event.
    pub(super) fn of(name: &str) -> Option<Self> {
        SENDERS.into_iter().find(|sender| sender.name() == name)
    }
}
