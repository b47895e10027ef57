//! What one connection is for the rest of the program: who is logged in, which sessions run, and what the engine's events
//! lead to.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use sftpgo_core::{
    auth::{LoggedIn, LoginSteps},
    event::Protocol,
};
use sftpgo_ssh_proto::{ChannelId, End, Event, LoginAnswer, OpenRefusal};

use super::{
    UntilLogin,
    channels::{Channels, Overflow},
    conduct::Conduct,
    control::Control,
    login,
    presence::Presence,
    server_context::ServerContext,
};
use crate::unauthenticated_limiter::Stage;

pub(super) struct Host {
    pub(super) server: Arc<ServerContext>,
    pub(super) control: Arc<Control>,
    pub(super) remote: SocketAddr,
    pub(super) until_login: Option<UntilLogin>,
    pub(super) logged_in: Option<LoggedIn>,
    /// A credential was sent.
    pub(super) has_tried: bool,
    /// What was proved of a login in several steps.
    pub(super) steps: LoginSteps,
    /// What counts against the client's address in the end, unless it logs in.
    pub(super) conduct: Conduct,
    /// The client's identification line.
    pub(super) client: String,
    pub(super) channels: Channels,
    pub(super) presence: Presence,
    /// What the first session in the list of connections spoke.
    pub(super) protocol: Option<Protocol>,
}

/// What the engine is to be told after an event.
pub(super) enum Reaction {
    Nothing,
    /// The client has said who it is.
    Identified,
    ExchangeKeys {
        first: bool,
    },
    Login(LoginAnswer),
    /// A channel with this window, or none.
    Open(ChannelId, Result<u32, OpenRefusal>),
    Start(ChannelId, bool),
    /// Data that nobody takes.
    Consumed(ChannelId, usize),
    Overflow,
    Ended(End),
}

impl Host {
    pub(super) fn new(
        server: Arc<ServerContext>,
        control: Arc<Control>,
        remote: SocketAddr,
        until_login: UntilLogin,
    ) -> Self {
        let steps = LoginSteps::new(login::offered(&server.config));
        Self {
            channels: Channels::new(&server.config.limits, Arc::clone(&control)),
            server,
            control,
            remote,
            until_login: Some(until_login),
            logged_in: None,
            has_tried: false,
            steps,
            conduct: Conduct::default(),
            client: String::new(),
            presence: Presence::default(),
            protocol: None,
        }
    }

    /// Does what an event asks for.
    pub(super) fn hear(&mut self, event: Event<'_>) -> Reaction {
        match event {
            Event::Identified(line) => {
                self.client = String::from_utf8_lossy(line).into_owned();
                Reaction::Identified
            }
            Event::ExchangeKeys { first } => Reaction::ExchangeKeys { first },
            Event::LoginBegins => {
                self.reach(Stage::Encrypted);
                Reaction::Nothing
            }
            Event::Login(login) => Reaction::Login(self.answer_login(*login)),
            Event::OpenSession(channel) => {
                let opened = self.channels.open(channel, Instant::now());
                Reaction::Open(channel, opened.ok_or(OpenRefusal::ResourceShortage))
            }
            Event::Start(channel, program) => {
                Reaction::Start(channel, self.start(channel, program))
            }
            Event::Data(channel, data) => match self.channels.receive(channel, data) {
                Ok(true) => Reaction::Nothing,
                Ok(false) => Reaction::Consumed(channel, data.len()),
                Err(Overflow) => Reaction::Overflow,
            },
            Event::Eof(channel) => {
                self.channels.end_input(channel);
                Reaction::Nothing
            }
            Event::Closed(channel) => {
                self.channels.closed(channel);
                Reaction::Nothing
            }
            Event::Ended(end) => Reaction::Ended(end),
            _ => Reaction::Nothing,
        }
    }

    /// The connection is this far.
    pub(super) fn reach(&self, stage: Stage) {
        if let Some(until_login) = &self.until_login {
            until_login.permit.reach(stage);
        }
    }
}
