//! The state of a connection behind its packets: which message may come when, and who handles it.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    Config, Random,
    channel::Channels,
    event::Event,
    fatal::Fatal,
    login::LoginState,
    number,
    packet::Outbound,
    transport::Keys,
    wire::{put_u8, put_u32},
};

/// With so many bytes of output waiting no input is taken. Data waits earlier, so that a client which uploads while it lets a
/// download wait is heard.
const MOST_OUTPUT: usize = 320 * 1024;
/// The same while nobody is logged in.
const MOST_OUTPUT_BEFORE_LOGIN: usize = 64 * 1024;

pub(crate) struct Core {
    pub(crate) config: Arc<Config>,
    pub(crate) out: Outbound,
    pub(crate) keys: Keys,
    /// None once the client is logged in.
    pub(crate) login: Option<Box<LoginState>>,
    pub(crate) channels: Channels,
    /// Messages that wait until keys are exchanged.
    pub(crate) deferred: VecDeque<Vec<u8>>,
    /// Compression, once the client is logged in: inbound and outbound.
    pub(crate) zlib: [bool; 2],
    /// The login has succeeded, and the packets of the client are not treated so yet.
    pub(crate) login_opens_inbound: bool,
}

impl Core {
    pub(crate) fn new(config: Arc<Config>, random: Box<dyn Random>) -> Self {
        Self {
            config,
            out: Outbound::clear(random),
            keys: Keys::default(),
            login: Some(Box::default()),
            channels: Channels::default(),
            deferred: VecDeque::new(),
            zlib: [false; 2],
            login_opens_inbound: false,
        }
    }

    pub(crate) fn is_logged_in(&self) -> bool {
        self.login.is_none()
    }

    /// Does an event wait for its answer?
    pub(crate) fn is_asking(&self) -> bool {
        self.keys.is_computing()
            || self.login.as_ref().is_some_and(|login| login.is_asking())
            || self.channels.is_asking()
    }

    /// Has the client to read before it is heard again? Its requests have answers, and who does not read them could have
    /// the server keep any number.
    pub(crate) fn owes_too_much(&self) -> bool {
        let most = match self.is_logged_in() {
            true => MOST_OUTPUT,
            false => MOST_OUTPUT_BEFORE_LOGIN,
        };
        self.out.waiting_len() >= most
    }

    /// Does what a message asks for. What may come when is decided here, by its number alone.
    pub(crate) fn handle<'a>(
        &mut self,
        payload: &'a [u8],
        sequence: u32,
    ) -> Result<Option<Event<'a>>, Fatal> {
        let number = *payload.first().ok_or(Fatal::protocol("empty packet"))?;
        if number == number::DISCONNECT {
            return self.handle_disconnect(payload).map(Some);
        }
        if self.keys.skips(number) {
            return Ok(None);
        }
        self.keys.check_may_come(number)?;
        match number {
            number::IGNORE | number::UNIMPLEMENTED | number::DEBUG => Ok(None),
            number::KEXINIT => self.handle_kexinit(payload, sequence),
            number::NEWKEYS => self.handle_newkeys(payload),
            _ if number::KEX_METHOD.contains(&number) => self.handle_kex_method(payload, sequence),
            // A number without a meaning is not known: AIX' client sends 106 while it logs in, and goes on when it hears that.
            _ if number::is_of_connection(number) && !self.is_logged_in() => Err(Fatal::protocol(
                "a message of the connection protocol before the login",
            )),
            // Before the first keys nothing but their exchange is served.
            _ if !self.keys.is_encrypted() => self.unimplemented(sequence),
            number::EXT_INFO => self.handle_ext_info(payload, sequence),
            _ if self.is_logged_in() => self.handle_logged_in(payload, sequence),
            number::SERVICE_REQUEST => self.handle_service_request(payload),
            number::USERAUTH_REQUEST if self.may_log_in() => self.handle_userauth_request(payload),
            number::USERAUTH_INFO_RESPONSE if self.may_log_in() => {
                self.handle_info_response(payload)
            }
            _ => self.unimplemented(sequence),
        }
    }

    fn handle_logged_in<'a>(
        &mut self,
        payload: &'a [u8],
        sequence: u32,
    ) -> Result<Option<Event<'a>>, Fatal> {
        match payload.first().copied().unwrap_or_default() {
            // What a client had under way when it was told that it is logged in (RFC 4252 section 5.3).
            number::USERAUTH_REQUEST => Ok(None),
            number::GLOBAL_REQUEST => self.handle_global_request(payload).map(|()| None),
            // Nobody has asked.
            number::REQUEST_SUCCESS | number::REQUEST_FAILURE => Ok(None),
            number::PING => self.handle_ping(payload).map(|()| None),
            number if number::CHANNEL.contains(&number) => self.handle_channel(payload),
            _ => self.unimplemented(sequence),
        }
    }

    /// Says that a message is not known (RFC 4253 section 11.4).
    pub(crate) fn unimplemented<'a>(&mut self, sequence: u32) -> Result<Option<Event<'a>>, Fatal> {
        self.out.packet(8, |out| {
            put_u8(out, number::UNIMPLEMENTED);
            put_u32(out, sequence);
        })?;
        Ok(None)
    }

    /// Sends a message, or keeps it until keys are exchanged.
    pub(crate) fn send(
        &mut self,
        hint: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Fatal> {
        if self.keys.may_send() {
            return Ok(self.out.packet(hint, write)?);
        }
        let mut message = Vec::with_capacity(hint);
        write(&mut message);
        self.deferred.push_back(message);
        Ok(())
    }

    /// The same for an answer: a client that makes the server owe too many while it exchanges no keys is told to go.
    pub(crate) fn reply(
        &mut self,
        hint: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Fatal> {
        if self.deferred.len() >= crate::transport::MOST_DEFERRED {
            return Err(Fatal::protocol(
                "too many requests while keys are exchanged",
            ));
        }
        self.send(hint, write)
    }
}
