//! Events, each told once to every observer: logs, metrics, actions.

mod attempt;
mod change;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use crate::{rule::Rule, user::StoredUser};

pub use self::{
    attempt::Attempt,
    change::{Actor, Change, Identity, Subject},
};

/// The protocol a session speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The sftp subsystem.
    Sftp,
    /// An scp command.
    Scp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sftp => "SFTP",
            Self::Scp => "SCP",
        })
    }
}

/// What a network connection speaks, as lists of addresses and limits name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionProtocol {
    /// SSH, with SFTP and scp in it.
    Ssh,
    /// HTTP, with or without TLS.
    Http,
}

impl fmt::Display for ConnectionProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ssh => "SSH",
            Self::Http => "HTTP",
        })
    }
}

/// What the defender counts against an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offence {
    /// A wrong credential for a user who is there, or refused keys in a connection without a login.
    LoginFailed,
    /// The same with a name that nobody has.
    UserNotFound,
    /// A connection that ended without anything that could have been right or wrong.
    NoLoginTried,
    /// A limit of connections or of their rate was passed.
    LimitExceeded,
}

impl Offence {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::LoginFailed,
        Self::UserNotFound,
        Self::NoLoginTried,
        Self::LimitExceeded,
    ];
}

impl fmt::Display for Offence {
    /// As SFTPGo's log has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoginFailed => "LoginFailed",
            Self::UserNotFound => "UserNotFound",
            Self::NoLoginTried => "NoLoginTried",
            Self::LimitExceeded => "LimitExceeded",
        })
    }
}

/// The direction of a transfer, as the client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Client to server.
    Upload,
    /// Server to client.
    Download,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upload => "upload",
            Self::Download => "download",
        })
    }
}

/// The method by which a client tried to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginMethod {
    /// `publickey`.
    PublicKey,
    /// `password` and keyboard-interactive.
    Password,
    /// `publickey`, and then `password`.
    PublicKeyAndPassword,
    /// `publickey`, and then keyboard-interactive.
    PublicKeyAndKeyboardInteractive,
    /// An admin, over HTTP, by whatever proves it.
    Admin,
    /// The connection ended before a credential was sent.
    NoneTried,
}

impl LoginMethod {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::PublicKey,
        Self::Password,
        Self::PublicKeyAndPassword,
        Self::PublicKeyAndKeyboardInteractive,
        Self::Admin,
        Self::NoneTried,
    ];
}

impl fmt::Display for LoginMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PublicKey => "public_key",
            Self::Password => "password",
            Self::PublicKeyAndPassword => "publickey+password",
            Self::PublicKeyAndKeyboardInteractive => "publickey+keyboard-interactive",
            Self::Admin => "admin",
            // The spelling that Fail2ban filters look for.
            Self::NoneTried => "no_auth_tryed",
        })
    }
}

/// An operation on names that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// RENAME.
    Rename,
    /// RMDIR.
    Rmdir,
    /// MKDIR.
    Mkdir,
    /// SYMLINK and hard links.
    Symlink,
    /// REMOVE.
    Remove,
}

/// A user was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserChange {
    /// A user was added.
    Add,
    /// A user was changed.
    Update,
    /// A user was deleted.
    Delete,
}

/// Something that happened. Paths are on the server's disk when the filesystem has one; like all names of files they are
/// bytes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A transfer ended; `error` tells why when it did not succeed.
    Transfer {
        /// The direction.
        operation: Operation,
        /// The name of the login.
        username: &'a str,
        /// The path on the disk.
        file_path: &'a Path,
        /// Bytes that moved.
        size: u64,
        /// The time from the opening to the end.
        elapsed: Duration,
        /// The id of the session.
        connection_id: &'a str,
        /// Over which protocol.
        protocol: Protocol,
        /// The reason of the failure.
        error: Option<&'a str>,
    },
    /// A command on names succeeded.
    Command {
        /// The command that was done.
        command: Command,
        /// The name of the login.
        username: &'a str,
        /// The path on the disk.
        file_path: &'a Path,
        /// The second path, if the command has one.
        target_path: Option<&'a Path>,
        /// The id of the session.
        connection_id: &'a str,
        /// Over which protocol.
        protocol: Protocol,
    },
    /// A rule of this server has refused what a session asked for. A transfer that is refused once it has begun is told when
    /// it ends, and what the storage refuses for its own reasons is not told.
    Refused {
        /// What was asked for.
        attempt: Attempt,
        /// The name of the login.
        username: &'a str,
        /// The path on the disk.
        file_path: &'a Path,
        /// The second path, if what was asked for has one.
        target_path: Option<&'a Path>,
        /// The rule that decided.
        rule: Rule,
        /// What the client heard.
        reason: &'a str,
        /// The id of the session.
        connection_id: &'a str,
        /// Over which protocol.
        protocol: Protocol,
    },
    /// A request over HTTP was refused: it proves nobody who may ask, or who asks may not do that. A refused login is told as
    /// such, and not again.
    RequestRefused {
        /// The request's method.
        method: &'a str,
        /// The path, without its query.
        path: &'a str,
        /// The status of the answer.
        status: u16,
        /// Who asked.
        by: &'a Actor,
    },
    /// A login was tried with a credential.
    LoginAttempt {
        /// The kind of credential.
        method: LoginMethod,
    },
    /// A login succeeded.
    LoginOk {
        /// The name of the login.
        username: &'a str,
        /// The kind of credential.
        method: LoginMethod,
        /// The client's address.
        remote: SocketAddr,
    },
    /// A login failed; `reason` is for the operator only.
    LoginFailed {
        /// The name of the login.
        username: &'a str,
        /// The kind of credential.
        method: LoginMethod,
        /// The client's address.
        remote: SocketAddr,
        /// The reason, for a person.
        reason: &'a str,
    },
    /// The defender counted something against an address.
    Scored {
        /// The client's address.
        address: IpAddr,
        /// Over which protocol.
        protocol: ConnectionProtocol,
        /// What was counted.
        offence: Offence,
        /// How much.
        increase: u32,
        /// What the address, or the network that it is counted with, has now.
        score: u32,
    },
    /// The defender banned an address.
    Banned {
        /// The client's address.
        address: IpAddr,
        /// Over which protocol came what was too much; none where several servers have counted it.
        protocol: Option<ConnectionProtocol>,
        /// For how long.
        duration: Duration,
    },
    /// A connection or a request was refused, because its address is banned or on the defender's block list.
    RefusedByDefender {
        /// The client's address.
        address: IpAddr,
        /// Over which protocol.
        protocol: ConnectionProtocol,
    },
    /// A connection or a request was refused, because too many others came in a time.
    RateLimited {
        /// The client's address.
        address: IpAddr,
        /// Over which protocol.
        protocol: ConnectionProtocol,
    },
    /// A network connection has ended that was let in, logged in or not.
    Disconnected {
        /// The client's address.
        remote: SocketAddr,
        /// What the first of its sessions spoke; none without a session.
        protocol: Option<Protocol>,
        /// The name of the login; empty without one.
        username: &'a str,
        /// The time since it was accepted.
        duration: Duration,
    },
    /// A user is another than before: for who goes by what users are. [`Event::Change`] tells who did it.
    User {
        /// The change of the user.
        change: UserChange,
        /// The user as it is now, or was last.
        user: &'a StoredUser,
    },
    /// Somebody who manages the server changed something.
    Change {
        /// The change.
        change: Change,
        /// The user or the admin whom it is about; of an API key the admin for whom it acts, empty for any. Empty for
        /// lists and addresses.
        username: &'a str,
        /// Which user, connection, API key, entry of a list or address it is; empty for an admin.
        id: &'a str,
        /// Who did it.
        by: &'a Actor,
    },
    /// The number of registered connections changed.
    ActiveConnections {
        /// The number.
        count: usize,
    },
}

/// Something that is told of events. Must not block: hand long work to a queue.
pub trait Observer: Send + Sync {
    /// Takes an event; called once for each.
    fn notify(&self, event: &Event<'_>);
}

/// All observers of one server.
#[derive(Clone, Default)]
pub struct Events(Arc<[Box<dyn Observer>]>);

impl Events {
    /// Tells these observers, in this order.
    pub fn new(observers: Vec<Box<dyn Observer>>) -> Self {
        Self(observers.into())
    }

    /// Tells every observer.
    pub fn emit(&self, event: &Event<'_>) {
        for observer in self.0.iter() {
            observer.notify(event);
        }
    }
}
