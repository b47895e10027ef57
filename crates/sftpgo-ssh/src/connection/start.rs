//! What is started on the channels of one connection.

use std::time::Instant;

use sftpgo_core::{event::Protocol, registry::ConnectionGuard, session::Session as FileSession};
use sftpgo_ssh_proto::{ChannelId, Program as Asked};

use super::host::Host;
use crate::session::{Request, Session, Started};

impl Host {
    /// Starts what the client asks for, unless something runs on the channel; was that done?
    pub(super) fn start(&mut self, channel: ChannelId, asked: Asked<'_>) -> bool {
        if !self.channels.is_idle(channel) {
            return false;
        }
        let request = match asked {
            Asked::Subsystem(name) => Request::Subsystem(name),
            Asked::Shell => Request::Shell,
            Asked::Exec(line) => Request::Exec(line),
        };
        let open = |listed| self.file_session(listed);
        match self.server.offer.start(request, &open) {
            Some(started) => self.run(channel, started),
            None => return false,
        }
        true
    }

    fn run(&mut self, channel: ChannelId, started: Started) {
        if started.is_listed {
            self.presence.enter();
            let spoken = started.connection.as_ref();
            self.protocol = self.protocol.or(spoken.map(|session| session.protocol()));
        }
        if let Some(connection) = &started.connection {
            self.control.add_session(connection);
        }
        let session = Session::new(started.work, started.connection, Instant::now());
        self.channels.start(channel, session, started.is_listed);
    }

    /// An entry for the list of connections, which it is not in yet.
    pub(super) fn unlisted(&self, protocol: Protocol) -> Option<ConnectionGuard> {
        let logged_in = self.logged_in.as_ref()?;
        let username = &logged_in.user.username;
        let login = &logged_in.login;
        Some(login.start_unlisted(username, protocol, self.remote, &self.client))
    }

    /// The user's files, in the list of connections under a protocol that it has a name for.
    fn file_session(&self, listed: Option<Protocol>) -> Option<FileSession> {
        let logged_in = self.logged_in.as_ref()?;
        let connection = self.unlisted(listed.unwrap_or(Protocol::Sftp))?;
        if listed.is_some() {
            connection.list();
        }
        let config = &self.server.config;
        let session = FileSession::with_setstat_mode(
            logged_in,
            connection,
            self.server.events.clone(),
            config.uploads,
            config.setstat,
        );
        let witness = config.upload_receipts.clone().map(|told| told as _);
        Some(session.vouched_for(config.receipts, witness))
    }
}
