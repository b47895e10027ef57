//! What is started on the channels of one connection.

use std::{sync::Arc, time::Instant};

use sftpgo_core::{event::Protocol, registry::ConnectionGuard, session::Session as FileSession};
use sftpgo_ssh_proto::{ChannelId, Program as Asked};

use super::host::Host;
use crate::{
    exec::{Command, Refusal},
    program::{Program, Step, Streams},
    session::{ProgramWork, Session, SftpWork, Work},
    sftp::Engine,
};

impl Host {
    /// Starts what the client asks for, unless something runs on the channel; was that done?
    pub(super) fn start(&mut self, channel: ChannelId, asked: Asked<'_>) -> bool {
        if !self.channels.is_idle(channel) {
            return false;
        }
        match asked {
            Asked::Subsystem(b"sftp") => self.start_sftp(channel),
            Asked::Subsystem(_) => false,
            Asked::Shell => self.refuse(channel, Refusal::of(&self.shared.config)),
            Asked::Exec(line) => match Command::parse(line, &self.shared.config) {
                Ok(command) => self.start_command(channel, command),
                Err(refusal) => self.refuse(channel, refusal),
            },
        }
    }

    fn start_sftp(&mut self, channel: ChannelId) -> bool {
        let Some(files) = self.file_session(Some(Protocol::Sftp)) else {
            return false;
        };
        let connection = Arc::clone(files.connection());
        let config = &self.shared.config;
        let engine = Engine::new(files, &config.limits).under_the_name(&config.software_version);
        self.run(channel, Box::new(SftpWork::new(engine)), &connection, true);
        true
    }

    fn start_command(&mut self, channel: ChannelId, command: Command) -> bool {
        let protocol = match command {
            Command::Scp(_) => Some(Protocol::Scp),
            Command::Ssh(..) => None,
        };
        let Some(files) = self.file_session(protocol) else {
            return false;
        };
        let connection = Arc::clone(files.connection());
        let work = ProgramWork::new(command.start(files));
        self.run(channel, Box::new(work), &connection, protocol.is_some());
        true
    }

    fn run(
        &mut self,
        channel: ChannelId,
        work: Box<dyn Work>,
        connection: &Arc<sftpgo_core::registry::Connection>,
        is_listed: bool,
    ) {
        if is_listed {
            self.presence.enter();
        }
        self.control.add_session(connection);
        let session = Session::new(work, Some(Arc::clone(connection)), Instant::now());
        self.channels.start(channel, session, is_listed);
    }

    /// Runs a program that prints one line and fails: of a request that is refused clients print nothing.
    fn refuse(&mut self, channel: ChannelId, refusal: Refusal) -> bool {
        let work = ProgramWork::new(Box::new(refusal));
        let session = Session::new(Box::new(work), None, Instant::now());
        self.channels.start(channel, session, false);
        true
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
        Some(FileSession::with_setstat_mode(
            logged_in,
            connection,
            self.shared.events.clone(),
            self.shared.config.uploads,
            self.shared.config.setstat,
        ))
    }
}

impl Program for Refusal {
    fn step(&mut self, streams: &mut Streams) -> Step {
        streams.stderr.extend_from_slice(self.0.as_bytes());
        streams.stderr.extend_from_slice(b"\r\n");
        Step::Done(1)
    }
}
