//! What tests of several modules need.

use std::sync::Arc;

use crate::{
    Config, Event, HostKey, NoRandomBytes, Random, SignatureAlgorithm, SystemRandom,
    core::Core,
    fatal::Fatal,
    transport::Keys,
    wire::{Reader, put_string, put_u32},
};

/// Bytes written in hexadecimal; spaces and new lines between them do not matter.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| u8::try_from(digit.to_digit(16).expect("a digit")).unwrap())
        .collect();
    assert!(digits.len().is_multiple_of(2));
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// Random bytes that are given ahead. There are no others, and `drawn` counts what was taken.
pub(crate) struct Given<'a> {
    bytes: &'a [u8],
    pub(crate) drawn: usize,
}

impl<'a> Given<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, drawn: 0 }
    }
}

impl Random for Given<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomBytes> {
        let (next, rest) = self
            .bytes
            .split_at_checked(bytes.len())
            .ok_or(NoRandomBytes)?;
        bytes.copy_from_slice(next);
        self.bytes = rest;
        self.drawn += next.len();
        Ok(())
    }
}

/// A host key, the same each time.
pub(crate) fn host_key() -> HostKey {
    let pair = ssh_key::private::Ed25519Keypair::from_seed(&[1; 32]);
    HostKey::from_private(&ssh_key::PrivateKey::from(pair)).unwrap()
}

/// A part of a message.
pub(crate) enum Part<'a> {
    Byte(u8),
    Number(u32),
    Text(&'a [u8]),
}

pub(crate) fn message(parts: &[Part<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        match part {
            Part::Byte(byte) => out.push(*byte),
            Part::Number(number) => put_u32(&mut out, *number),
            Part::Text(text) => put_string(&mut out, text),
        }
    }
    out
}

/// What is behind the packets of a connection that has keys, without any encryption.
pub(crate) struct Bare {
    pub(crate) core: Core,
    sequence: u32,
}

impl Bare {
    pub(crate) fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(vec![host_key()]);
        change(&mut config);
        let mut core = Core::new(Arc::new(config), Box::new(SystemRandom::new()));
        core.keys = Keys::after_the_first_exchange(SignatureAlgorithm::Ed25519.into());
        Self { core, sequence: 3 }
    }

    pub(crate) fn logged_in() -> Self {
        let mut bare = Self::new(|_| {});
        bare.core.login = None;
        bare
    }

    pub(crate) fn hears<'a>(&mut self, payload: &'a [u8]) -> Result<Option<Event<'a>>, Fatal> {
        let sequence = self.sequence;
        self.sequence += 1;
        self.core.handle(payload, sequence)
    }

    /// The payloads that were sent since the last call.
    pub(crate) fn sent(&mut self) -> Vec<Vec<u8>> {
        let output = self.core.out.waiting().to_vec();
        self.core.out.sent(output.len());
        let mut reader = Reader::new(&output);
        let mut payloads = Vec::new();
        while !reader.rest().is_empty() {
            let packet = reader.string().unwrap();
            let padding = usize::from(packet[0]);
            payloads.push(packet[1..packet.len() - padding].to_vec());
        }
        payloads
    }
}
