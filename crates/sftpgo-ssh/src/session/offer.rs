//! Where a connection and what runs on its channels meet: neither knows the other.

use std::sync::Arc;

use sftpgo_core::{event::Protocol, registry::Connection, session::Session as FileSession};

use super::Work;

/// What a client asks for on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request<'r> {
    /// A subsystem of this name.
    Subsystem(&'r [u8]),
    /// A shell.
    Shell,
    /// A command, by its command line.
    Exec(&'r [u8]),
}

/// Opens the user's files, listed under a protocol that lists have a name for; none before the login.
pub(crate) type OpenFiles<'o> = &'o dyn Fn(Option<Protocol>) -> Option<FileSession>;

/// What was started.
pub(crate) struct Started {
    pub(crate) work: Box<dyn Work>,
    /// The session whose files it has.
    pub(crate) connection: Option<Arc<Connection>>,
    /// Is that session in the list of connections?
    pub(crate) is_listed: bool,
}

/// What a server runs on channels.
pub(crate) trait Offer: Send + Sync {
    /// Starts what the client asks for; none where that is refused.
    fn start(&self, request: Request<'_>, open: OpenFiles<'_>) -> Option<Started>;
}
