//! The callbacks of one connection.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Instant};

use russh::{
    Channel, ChannelId, ChannelOpenFailure, Pty,
    client::GexParams,
    kex::dh::groups::DhGroup,
    server::{
        Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
    },
};
use sftpgo_core::{
    auth::LoggedIn,
    registry::{Operation, Protocol},
};

use super::{channels::OpenChannel, state::State, unsigned::Unsigned, window::Window};
use crate::{
    algorithms,
    channel::{Brought, Budget, Overflow},
    exec::{Command, Refusal},
    pending::{Place, Stage},
    server::Shared,
};

pub(super) struct Client {
    pub(super) shared: Arc<Shared>,
    pub(super) state: Arc<State>,
    pub(super) remote: SocketAddr,
    /// Given back at login.
    pub(super) place: Option<Place>,
    pub(super) logged_in: Option<LoggedIn>,
    pub(super) channels: HashMap<ChannelId, OpenChannel>,
    /// What the channels may hold together.
    pub(super) budget: Arc<Budget>,
    window: Window,
    pub(super) unsigned: Unsigned,
}

impl Client {
    pub(super) fn new(
        shared: Arc<Shared>,
        state: Arc<State>,
        remote: SocketAddr,
        place: Place,
    ) -> Self {
        Self {
            budget: Arc::new(Budget::new(&shared.config.limits)),
            shared,
            state,
            remote,
            place: Some(place),
            logged_in: None,
            channels: HashMap::new(),
            window: Window::new(Instant::now()),
            unsigned: Unsigned::default(),
        }
    }

    /// Bytes a second, of a user who is limited.
    fn upload_rate(&self) -> Option<u64> {
        let login = self.logged_in.as_ref()?;
        login.quota.throttle().rate(Operation::Upload)
    }

    /// What waits for a bandwidth limit is not let grow to many seconds' worth.
    pub(super) fn set_queue(&self) {
        let limits = &self.shared.config.limits;
        let most = limits.queued_bytes;
        let a_seconds_worth = |rate| {
            usize::try_from(rate).map_or(most, |rate| {
                rate.max(limits.queued_bytes_throttled).min(most)
            })
        };
        self.budget
            .set_most_moving(self.upload_rate().map_or(most, a_seconds_worth));
    }
}

impl Handler for Client {
    type Error = russh::Error;

    async fn lookup_dh_gex_group(
        &mut self,
        asked: &GexParams,
    ) -> Result<Option<DhGroup>, Self::Error> {
        Ok(algorithms::exchanged_group(asked))
    }

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        self.reach(Stage::Encrypted);
        self.state.set_began_login();
        Ok(self.shared.config.login_banner.clone())
    }

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Self::Error> {
        Ok(self.methods_asked())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(self.try_password(user, password.as_bytes()).await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.answer_question(user, response).await)
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.key_offered(user, &offer))
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.key_verified(user, &key))
    }

    async fn auth_succeeded(&mut self, session: &mut Session) -> Result<(), Self::Error> {
        if let Some(itself) = self.listed(Protocol::Sftp, session) {
            self.state.set_present(itself);
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        // A session that has ended holds its inbox nowhere else.
        self.channels.retain(|_, channel| match channel {
            OpenChannel::Idle(_) => true,
            OpenChannel::Session { inbox, .. } => Arc::strong_count(inbox) > 1,
        });
        if self.channels.len() >= self.shared.config.limits.sessions_per_connection {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        // Data is taken by the callback; the library's own queue for it would only be a second one.
        let (_, writer) = channel.split();
        self.channels.insert(writer.id(), OpenChannel::Idle(writer));
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if name == "sftp" && self.start_sftp(channel, session) {
            return session.channel_success(channel);
        }
        session.channel_failure(channel)
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(OpenChannel::Session { inbox, .. }) = self.channels.get(&channel) else {
            return Ok(());
        };
        match inbox.push(data) {
            Ok(Brought::Taken) => Ok(()),
            // The library would go on reading as long as there is something to read.
            Ok(Brought::Yield) => {
                tokio::task::yield_now().await;
                Ok(())
            }
            Err(Overflow) => {
                log::warn!(
                    "{}: closed, too much waits for a client that does not read",
                    self.remote
                );
                Err(russh::Error::Pending)
            }
        }
    }

    fn adjust_window(&mut self, _channel: ChannelId, _current: u32) -> u32 {
        self.set_queue();
        let rate = self.upload_rate();
        self.window.next(rate, Instant::now())
    }

    async fn channel_eof(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.channels.get(&channel) {
            Some(OpenChannel::Session { inbox, .. }) => inbox.end(),
            Some(OpenChannel::Idle(_)) => {
                self.channels.remove(&channel);
                session.close(channel)?;
            }
            None => {}
        }
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some(OpenChannel::Session { inbox, closed }) = self.channels.remove(&channel) {
            closed.cancel();
            inbox.end();
        }
        Ok(())
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let refusal = Refusal::of(&self.shared.config);
        self.refuse_program(channel, &refusal, session)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match Command::parse(command, &self.shared.config) {
            Ok(command) => {
                if self.start_command(channel, command, session) {
                    session.channel_success(channel)
                } else {
                    session.channel_failure(channel)
                }
            }
            Err(refusal) => self.refuse_program(channel, &refusal, session),
        }
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _single: bool,
        _protocol: &str,
        _cookie: &str,
        _screen: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        _value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }
}
