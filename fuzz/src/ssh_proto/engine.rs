//! A connection that is fed by a fuzzer.

use std::sync::{Arc, OnceLock};

use sftpgo_ssh_proto::{
    Cipher, Config, Connection, Event, HostKey, Mac, NoRandomBytes, Random, fuzzing::NullKeys,
};
use ssh_key::{
    PrivateKey,
    private::{Ed25519Keypair, KeypairData},
};

use super::{
    host::{Answer, Host},
    write::{STRICT, open, packet, password, service, share, subsystem},
};

const IDENTIFICATION: &[u8] = b"SSH-2.0-OpenSSH_9.2";
/// No answer to one packet is longer.
const LONGEST_ANSWER: usize = 600 * 1024;

pub(super) struct Engine {
    pub(super) connection: Connection,
    pub(super) host: Host,
    /// As text, to be compared.
    pub(super) events: Vec<String>,
    pub(super) output: Vec<u8>,
    pub(super) has_ended: bool,
    input: Vec<u8>,
    /// So many bytes come at a time.
    piece: usize,
}

struct Numbers(u8);

impl Random for Numbers {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomBytes> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

fn config() -> Arc<Config> {
    static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();
    Arc::clone(CONFIG.get_or_init(|| {
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&[1; 32]));
        let key = HostKey::from_private(&PrivateKey::new(pair, "").unwrap()).unwrap();
        let mut config = Config::new(vec![key]);
        config.ciphers = Cipher::ALL.to_vec();
        config.macs = Mac::ALL.to_vec();
        config.window = 64 * 1024;
        config.max_channels = 4;
        config.banner = Some("banner".to_owned());
        Arc::new(config)
    }))
}

/// Long data by its length alone: to write it out costs more than all else.
fn described(event: &Event<'_>) -> String {
    match event {
        Event::Data(channel, data) => format!("Data({channel:?}, {} bytes)", data.len()),
        event => format!("{event:?}"),
    }
}

impl Engine {
    pub(super) fn new(keys: NullKeys, script: u8, piece: usize) -> Self {
        let connection = Connection::new(config(), Box::new(Numbers(0)));
        Self::with(connection, keys, script, piece)
    }

    fn with(connection: Connection, keys: NullKeys, script: u8, piece: usize) -> Self {
        Self {
            connection,
            host: Host::new(keys, script),
            events: Vec::new(),
            output: Vec::new(),
            has_ended: false,
            input: Vec::new(),
            piece: piece.max(1),
        }
    }

    /// So far along the usual way: identification, KEXINIT, share, NEWKEYS, service, login, channel, program.
    pub(super) fn at(phase: u8, script: u8, piece: usize) -> Self {
        let way: [&dyn Fn() -> Vec<u8>; 8] = [
            &|| [IDENTIFICATION, b"\r\n"].concat(),
            &|| packet(&STRICT.message()),
            &|| packet(&share()),
            &|| packet(&[21]),
            &|| packet(&service()),
            &|| packet(&password()),
            &|| packet(&open(0, 100_000, 32_768)),
            &|| packet(&subsystem(0)),
        ];
        let phase = usize::from(phase);
        // What is not looked at does not have to be gone through.
        let (start, mut engine) = match phase {
            0..4 => (0, Self::new(NullKeys::Clear, script, usize::MAX)),
            4..6 => (4, Self::behind_nothing(script, false)),
            _ => (6, Self::behind_nothing(script, true)),
        };
        for step in &way[start..phase.min(way.len())] {
            engine.feed(&step());
        }
        engine.come_in(piece);
        engine
    }

    fn behind_nothing(script: u8, is_logged_in: bool) -> Self {
        let random = Box::new(Numbers(0));
        let connection = Connection::behind_nothing(config(), random, IDENTIFICATION, is_logged_in);
        let mut engine = Self::with(connection, NullKeys::Clear, script, usize::MAX);
        engine.host.has_accepted = is_logged_in;
        engine
    }

    /// From here on so many bytes come at a time.
    pub(super) fn come_in(&mut self, piece: usize) {
        self.piece = piece.max(1);
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(self.piece) {
            self.input.extend_from_slice(piece);
            while self.step() {}
        }
    }

    pub(super) fn order(&mut self, order: &[u8]) {
        self.host.order(&mut self.connection, order);
        self.drain();
        while self.step() {}
    }

    fn drain(&mut self) {
        let waiting = self.connection.output();
        assert!(waiting.len() <= LONGEST_ANSWER, "{} bytes", waiting.len());
        self.output.extend_from_slice(waiting);
        let count = waiting.len();
        self.connection.sent(count);
    }

    /// Did anything happen?
    fn step(&mut self) -> bool {
        let was_logged_in = self.connection.is_logged_in();
        let length = self.input.len();
        let progress = self.connection.process(&mut self.input);
        let consumed = progress.consumed;
        assert!(consumed <= length);
        assert!(!self.has_ended || consumed == 0 && progress.event.is_none());
        let answer = progress.event.map(|event| {
            self.events.push(described(&event));
            self.host.decide(&event, was_logged_in)
        });
        let happened = consumed > 0 || answer.is_some();
        if let Some(answer) = answer {
            self.has_ended |= matches!(answer, Answer::End);
            self.host.act(&mut self.connection, answer);
        }
        self.input.drain(..consumed);
        self.drain();
        assert!(
            !self.connection.is_logged_in() || self.host.has_accepted,
            "nobody has accepted the login"
        );
        happened
    }
}
