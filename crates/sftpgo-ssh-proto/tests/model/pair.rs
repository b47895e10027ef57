//! A client, a connection and the host behind it, in memory.

use std::sync::Arc;

use sftpgo_ssh_proto::{
    ChannelId, Config, Connection, DisconnectReason, End, Event, HostKey, Login, LoginAnswer,
    LoginMethod, NoRandomBytes, OpenRefusal, Program, Random,
};
use ssh_key::{
    PrivateKey,
    private::{Ed25519Keypair, KeypairData},
};

use crate::{
    client::{Client, Offer},
    messages,
    wire::Parse,
};

/// What the host was told, to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Identified,
    Exchange {
        first: bool,
    },
    Keys,
    LoginBegins,
    /// User, and the method as text.
    Login(Vec<u8>, String),
    Open(ChannelId),
    Start(ChannelId, String),
    Data(ChannelId, Vec<u8>),
    Eof(ChannelId),
    Closed(ChannelId),
    Ended(End),
}

type OnLogin = Box<dyn FnMut(&Login<'_>) -> LoginAnswer>;

/// How the host behaves.
pub(crate) struct Host {
    pub(crate) login: OnLogin,
    pub(crate) open: Option<OpenRefusal>,
    pub(crate) start: bool,
    /// Data is dealt with at once.
    pub(crate) consumes: bool,
    /// Data is sent back.
    pub(crate) echoes: bool,
    /// Questions are left open.
    pub(crate) hesitates: bool,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            login: Box::new(|login| match login.method {
                LoginMethod::Password(b"right") => LoginAnswer::Accept,
                _ => LoginAnswer::Refuse,
            }),
            open: None,
            start: true,
            consumes: true,
            echoes: false,
            hesitates: false,
        }
    }
}

pub(crate) struct Pair {
    pub(crate) client: Client,
    pub(crate) connection: Connection,
    /// The connection has it too.
    pub(crate) config: Arc<Config>,
    pub(crate) host: Host,
    pub(crate) seen: Vec<Seen>,
    /// What the connection has not taken yet.
    pub(crate) input: Vec<u8>,
}

/// Bytes that follow from a number.
struct Numbers(u64);

impl Random for Numbers {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomBytes> {
        for byte in bytes {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = (self.0 >> 56) as u8;
        }
        Ok(())
    }
}

pub(crate) fn host_key(seed: u8) -> HostKey {
    let keys = Ed25519Keypair::from_seed(&[seed; 32]);
    let key = PrivateKey::new(KeypairData::Ed25519(keys), "").unwrap();
    HostKey::from_private(&key).unwrap()
}

pub(crate) fn config() -> Config {
    Config::new(vec![host_key(1)])
}

impl Pair {
    pub(crate) fn new(offer: Offer) -> Self {
        Self::with(offer, config())
    }

    pub(crate) fn with(offer: Offer, config: Config) -> Self {
        let config = Arc::new(config);
        Self {
            client: Client::new(offer),
            connection: Connection::new(Arc::clone(&config), Box::new(Numbers(1))),
            config,
            host: Host::default(),
            seen: Vec::new(),
            input: Vec::new(),
        }
    }

    /// One call of `process` with so many bytes at most, and what the host does then. Did anything happen?
    pub(crate) fn step(&mut self, visible: usize) -> bool {
        let visible = visible.min(self.input.len());
        let progress = self.connection.process(&mut self.input[..visible]);
        let consumed = progress.consumed;
        let Some(event) = progress.event else {
            self.input.drain(..consumed);
            return consumed > 0;
        };
        let hesitates = self.host.hesitates;
        match event {
            Event::Identified(_) => self.seen.push(Seen::Identified),
            Event::ExchangeKeys { first } => {
                self.seen.push(Seen::Exchange { first });
                if !hesitates {
                    self.connection.exchange_keys();
                }
            }
            Event::KeysExchanged => self.seen.push(Seen::Keys),
            Event::LoginBegins => self.seen.push(Seen::LoginBegins),
            Event::Login(login) => {
                let method = format!("{:?}", login.method);
                let method = method.split(['(', ' ']).next().unwrap().to_owned();
                let method = match &login.method {
                    LoginMethod::Invalid(why) => format!("Invalid {why:?}"),
                    _ => method,
                };
                self.seen.push(Seen::Login(login.user.to_vec(), method));
                let answer = (self.host.login)(&login);
                if !hesitates {
                    self.connection.answer_login(answer);
                }
            }
            Event::OpenSession(id) => {
                self.seen.push(Seen::Open(id));
                match self.host.open {
                    _ if hesitates => {}
                    None => self.connection.accept_channel(id),
                    Some(why) => self.connection.refuse_channel(id, why),
                }
            }
            Event::Start(id, program) => {
                let program = match program {
                    Program::Shell => "shell".to_owned(),
                    Program::Exec(line) => format!("exec {}", line.escape_ascii()),
                    Program::Subsystem(name) => format!("subsystem {}", name.escape_ascii()),
                };
                self.seen.push(Seen::Start(id, program));
                if !hesitates {
                    self.connection.answer_request(id, self.host.start);
                }
            }
            Event::Data(id, data) => {
                let data = data.to_vec();
                if self.host.consumes {
                    self.connection.consumed(id, data.len());
                }
                if self.host.echoes {
                    assert_eq!(self.connection.send(id, &data), data.len());
                }
                self.seen.push(Seen::Data(id, data));
            }
            Event::Eof(id) => self.seen.push(Seen::Eof(id)),
            Event::Closed(id) => self.seen.push(Seen::Closed(id)),
            Event::Ended(end) => self.seen.push(Seen::Ended(end)),
            other => panic!("what is {other:?}?"),
        }
        self.input.drain(..consumed);
        true
    }

    /// Brings both sides' bytes across until nothing moves.
    pub(crate) fn run(&mut self) {
        loop {
            self.input.append(&mut self.client.out);
            let moved = self.step(usize::MAX);
            let output = self.connection.output().to_vec();
            self.connection.sent(output.len());
            self.client.receive(&output);
            if !moved && output.is_empty() && self.client.out.is_empty() {
                return;
            }
        }
    }

    /// Sends a message, and brings what follows across.
    pub(crate) fn send(&mut self, payload: impl AsRef<[u8]>) {
        self.client.send(payload);
        self.run();
    }

    /// Up to the exchange of identifications.
    pub(crate) fn identify(&mut self) {
        self.client.identify();
        self.run();
        self.client.inbox.clear();
    }

    /// Both KEXINIT are exchanged, and nothing more.
    pub(crate) fn agree(&mut self) {
        self.client.send_kexinit();
        self.run();
        assert_eq!(self.take()[0], 20);
        self.nothing();
    }

    /// The server has answered and changed its keys.
    pub(crate) fn share(&mut self) {
        self.client.send_share();
        self.run();
        assert_eq!(self.take()[0], 31);
        assert_eq!(self.take(), [21]);
    }

    pub(crate) fn newkeys(&mut self) {
        self.client.send_newkeys();
        self.run();
    }

    /// All that is needed before anybody logs in.
    pub(crate) fn connect(&mut self) {
        self.identify();
        self.agree();
        self.share();
        self.newkeys();
        if self.client.offer.ext_info {
            assert_eq!(self.take()[0], 7);
        }
        self.nothing();
    }

    pub(crate) fn service(&mut self) {
        self.send(messages::service("ssh-userauth"));
        assert_eq!(self.take(), messages::service_accept());
    }

    pub(crate) fn login(&mut self) {
        self.connect();
        self.service();
        self.send(messages::password("user", "right"));
        assert_eq!(self.take(), [52]);
        assert!(self.connection.is_logged_in());
    }

    /// Opens a channel as the client's number `own`; the answer is the server's number and window.
    pub(crate) fn open(&mut self, own: u32, window: u32, packet: u32) -> (u32, u32) {
        self.send(messages::open("session", own, window, packet));
        let answer = self.take();
        let mut parse = Parse::of(&answer, 91);
        assert_eq!(parse.u32(), own);
        let id = parse.u32();
        let window = parse.u32();
        let packet = self.config.max_packet;
        assert_eq!(parse.u32(), packet, "the packet that is announced");
        parse.end();
        (id, window)
    }

    /// And starts a program on it.
    pub(crate) fn start(&mut self, own: u32, window: u32, packet: u32) -> (u32, u32) {
        let opened = self.open(own, window, packet);
        self.send(messages::subsystem(opened.0, "sftp", true));
        assert_eq!(self.take(), messages::on_channel(99, own));
        opened
    }

    /// The ID by which the host knows the last channel that was opened.
    pub(crate) fn last_channel(&self) -> ChannelId {
        let opened = self.seen.iter().rev().find_map(|seen| match seen {
            Seen::Open(id) => Some(*id),
            _ => None,
        });
        opened.unwrap()
    }

    /// The server's next message.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let next = self.client.inbox.pop_front();
        next.unwrap_or_else(|| panic!("no answer; the host saw {:?}", self.seen.last()))
    }

    /// The server said nothing.
    pub(crate) fn nothing(&self) {
        assert_eq!(self.client.inbox, Vec::<Vec<u8>>::new());
    }

    pub(crate) fn end(&self) -> Option<&End> {
        match self.seen.last() {
            Some(Seen::Ended(end)) => Some(end),
            _ => None,
        }
    }

    /// The connection is over for this reason, and the client heard of it last.
    pub(crate) fn ended(&mut self, why: DisconnectReason) -> String {
        let Some(End::Here(reason, text)) = self.end().cloned() else {
            panic!("not ended: {:?}, {:?}", self.seen.last(), self.client.inbox);
        };
        assert_eq!(reason, why, "{text}");
        let last = self.client.inbox.pop_back().unwrap();
        let mut parse = Parse::of(&last, 1);
        assert_eq!(parse.u32(), why as u32);
        assert_eq!(parse.text(), text);
        assert_eq!(parse.string(), b"");
        parse.end();
        text
    }
}
