//! The callbacks of one connection.

use std::{borrow::Cow, collections::HashMap, net::SocketAddr, sync::Arc, time::Instant};

use russh::{
    Channel, ChannelId, ChannelOpenFailure, Pty,
    client::GexParams,
    kex::dh::groups::DhGroup,
    keys::Algorithm,
    server::{
        Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
    },
};
use sftpgo_core::{
    auth::LoggedIn,
    registry::{Operation, Protocol},
};

use super::{channels::OpenChannel, methods, state::State, unsigned::Unsigned, window::Window};
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
    place: Option<Place>,
    pub(super) logged_in: Option<LoggedIn>,
    pub(super) channels: HashMap<ChannelId, OpenChannel>,
    /// What the channels may hold together.
    pub(super) budget: Arc<Budget>,
    window: Window,
    unsigned: Unsigned,
}

/// Gone before a signature came.
impl Drop for Client {
    fn drop(&mut self) {
        self.fail_unsigned();
    }
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

    /// Keeps a login, or refuses it with every method still open for the next try.
    fn answer(&mut self, logged_in: Option<LoggedIn>) -> Auth {
        let Some(logged_in) = logged_in else {
            return refuse();
        };
        self.place = None;
        self.state.set_logged_in(&logged_in);
        self.logged_in = Some(logged_in);
        self.set_queue();
        Auth::Accept
    }

    fn reach(&self, stage: Stage) {
        if let Some(place) = &self.place {
            place.reach(stage);
        }
    }

    /// A credential that is not a key was sent.
    fn begin_attempt(&self) {
        self.reach(Stage::LoggingIn);
        self.state.set_tried();
        self.fail_unsigned();
    }

    /// What was to be signed before and was not has failed.
    fn fail_unsigned(&self) {
        for username in self.unsigned.take() {
            self.shared.logins.unsigned(&username, self.remote);
        }
    }

    /// Bytes a second, of a user who is limited.
    fn upload_rate(&self) -> Option<u64> {
        let login = self.logged_in.as_ref()?;
        login.quota.throttle().rate(Operation::Upload)
    }

    /// What waits for a bandwidth limit is not let grow to many seconds' worth.
    fn set_queue(&self) {
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
        self.reach(Stage::LoggingIn);
        Ok(refuse())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        self.begin_attempt();
        let logged_in = self
            .shared
            .logins
            .with_password(user, password.as_bytes(), self.remote)
            .await;
        Ok(self.answer(logged_in))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(mut answers) = response else {
            self.reach(Stage::LoggingIn);
            return Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Borrowed(&[(Cow::Borrowed("Password: "), false)]),
            });
        };
        self.begin_attempt();
        let (Some(password), None) = (answers.next(), answers.next()) else {
            let logins = &self.shared.logins;
            logins.wrong_number_of_answers(user, self.remote);
            return Ok(refuse());
        };
        let logged_in = self
            .shared
            .logins
            .with_password(user, &password, self.remote)
            .await;
        Ok(self.answer(logged_in))
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        self.reach(Stage::LoggingIn);
        self.state.set_tried();
        let logins = &self.shared.logins;
        if !is_acceptable(offer.algorithm) {
            self.fail_unsigned();
            logins.outdated_algorithm(user, offer.algorithm.as_str(), self.remote);
            return Ok(refuse());
        }
        let Ok(blob) = offer.public_key.to_bytes() else {
            return Ok(refuse());
        };
        if !self.unsigned.is_another_try(user, &blob) {
            self.fail_unsigned();
        }
        if !logins.accepts_key(user, &blob, self.remote) {
            self.fail_unsigned();
            return Ok(refuse());
        }
        self.unsigned.accepted(user, blob);
        Ok(Auth::Accept)
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.unsigned.signed();
        if !is_acceptable(key.algorithm) {
            return Ok(refuse());
        }
        let blob = key.public_key.to_bytes().ok();
        let logged_in =
            blob.and_then(|blob| self.shared.logins.with_public_key(user, &blob, self.remote));
        Ok(self.answer(logged_in))
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

fn refuse() -> Auth {
    Auth::Reject {
        proceed_with_methods: Some(methods()),
        partial_success: false,
    }
}

/// RSA keys sign with SHA-2 only.
fn is_acceptable(algorithm: &Algorithm) -> bool {
    !matches!(algorithm, Algorithm::Dsa | Algorithm::Rsa { hash: None })
}
