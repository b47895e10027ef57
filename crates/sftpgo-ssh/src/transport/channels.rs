//! What is started on the channels of one connection.

use std::sync::Arc;

use russh::{
    ChannelId, ChannelWriteHalf,
    server::{Msg, Session},
};
use sftpgo_core::{
    registry::{ConnectionGuard, Protocol},
    session::Session as FileSession,
};
use tokio_util::sync::CancellationToken;

use super::{ChannelOut, client::Client, out::STDERR, presence::Listed};
use crate::{
    channel::{Inbox, Running, run_program, run_sftp},
    exec::{Command, Refusal},
    sftp::Engine,
};

/// What an open channel is for.
pub(super) enum OpenChannel {
    /// Nothing yet; this is how to send on it.
    Idle(ChannelWriteHalf<Msg>),
    /// A session, which has the sending side.
    Session {
        inbox: Arc<Inbox>,
        /// Tells the session that the client has closed the channel.
        closed: CancellationToken,
    },
}

impl Client {
    /// Starts the sftp subsystem, unless something runs on the channel.
    pub(super) fn start_sftp(&mut self, channel: ChannelId, session: &Session) -> bool {
        let Some(writer) = self.idle(channel) else {
            return false;
        };
        let listed = self.state.listed_session();
        let Some(files) = self.file_session(Some(Protocol::Sftp), session) else {
            return false;
        };
        let running = self.running(writer, &files, session);
        let config = &self.shared.config;
        let engine = Engine::new(files, &config.limits).under_the_name(&config.software_version);
        self.start(running, Some(listed), |running| run_sftp(engine, running));
        true
    }

    /// Starts a command, likewise.
    pub(super) fn start_command(
        &mut self,
        channel: ChannelId,
        command: Command,
        session: &Session,
    ) -> bool {
        let Some(writer) = self.idle(channel) else {
            return false;
        };
        let protocol = match command {
            Command::Scp(_) => Some(Protocol::Scp),
            Command::Ssh(..) => None,
        };
        let listed = protocol.map(|_| self.state.listed_session());
        let Some(files) = self.file_session(protocol, session) else {
            return false;
        };
        let running = self.running(writer, &files, session);
        let program = command.start(files);
        self.start(running, listed, |running| run_program(program, running));
        true
    }

    /// Takes a channel on which nothing runs.
    fn idle(&mut self, channel: ChannelId) -> Option<ChannelWriteHalf<Msg>> {
        match self.channels.remove(&channel)? {
            OpenChannel::Idle(writer) => Some(writer),
            session => {
                self.channels.insert(channel, session);
                None
            }
        }
    }

    /// An entry in the list of connections.
    pub(super) fn listed(&self, protocol: Protocol, session: &Session) -> Option<ConnectionGuard> {
        let logged_in = self.logged_in.as_ref()?;
        let version = String::from_utf8_lossy(session.remote_sshid());
        let username = &logged_in.user.username;
        let login = &logged_in.login;
        Some(login.start(username, protocol, self.remote, &version))
    }

    /// The user's files, in the list of connections under a protocol that it has a name for.
    fn file_session(&self, listed: Option<Protocol>, session: &Session) -> Option<FileSession> {
        let logged_in = self.logged_in.as_ref()?;
        let connection = match listed {
            Some(protocol) => self.listed(protocol, session)?,
            None => {
                let version = String::from_utf8_lossy(session.remote_sshid());
                let username = &logged_in.user.username;
                logged_in
                    .login
                    .start_unlisted(username, Protocol::Sftp, self.remote, &version)
            }
        };
        Some(FileSession::with_setstat_mode(
            logged_in,
            connection,
            self.shared.events.clone(),
            self.shared.config.uploads,
            self.shared.config.setstat,
        ))
    }

    fn running(
        &mut self,
        writer: ChannelWriteHalf<Msg>,
        files: &FileSession,
        session: &Session,
    ) -> Running {
        let closed = self.state.gone().child_token();
        let inbox = Arc::new(Inbox::new(Arc::clone(&self.budget)));
        self.channels.insert(
            writer.id(),
            OpenChannel::Session {
                inbox: Arc::clone(&inbox),
                closed: closed.clone(),
            },
        );
        Running {
            inbox,
            out: Arc::new(ChannelOut::new(writer, session.handle(), closed)),
            connection: Arc::clone(files.connection()),
        }
    }

    fn start<F>(&self, running: Running, listed: Option<Listed>, run: impl FnOnce(Running) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let connection = Arc::clone(&running.connection);
        let inbox = Arc::clone(&running.inbox);
        let session = run(running);
        self.state.start_session(&connection, &inbox, async move {
            session.await;
            drop(listed);
        });
    }

    /// Answers as a program that prints one line and fails: of a request that is refused clients print nothing.
    pub(super) fn refuse_program(
        &mut self,
        channel: ChannelId,
        refusal: &Refusal,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.idle(channel).is_none() {
            return session.channel_failure(channel);
        }
        session.channel_success(channel)?;
        session.extended_data(channel, STDERR, format!("{}\r\n", refusal.0).into_bytes())?;
        session.exit_status_request(channel, 1)?;
        session.eof(channel)?;
        session.close(channel)
    }
}
