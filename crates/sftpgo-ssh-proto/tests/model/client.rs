//! An SSH client by the RFCs that sends what it is told to, at any time.

use std::collections::VecDeque;

use crate::{
    crypto::{Mode, Share, derive, hash, verify},
    wire::{Parse, message, string},
    zlib::{Deflate, Inflate},
};

/// What the client's KEXINIT says.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) kex: &'static str,
    pub(crate) host_key: &'static str,
    pub(crate) cipher: &'static str,
    pub(crate) mac: &'static str,
    pub(crate) compression: &'static str,
    pub(crate) strict: bool,
    pub(crate) ext_info: bool,
    pub(crate) first_kex_packet_follows: bool,
}

pub(crate) const GCM: Offer = Offer {
    kex: "curve25519-sha256",
    host_key: "ssh-ed25519",
    cipher: "aes128-gcm@openssh.com",
    mac: "",
    compression: "none",
    strict: true,
    ext_info: false,
    first_kex_packet_follows: false,
};

/// As old clients have it.
pub(crate) const CTR: Offer = Offer {
    cipher: "aes128-ctr",
    mac: "hmac-sha2-256",
    strict: false,
    ..GCM
};

pub(crate) struct Client {
    pub(crate) offer: Offer,
    pub(crate) identification: &'static str,
    /// For the server.
    pub(crate) out: Vec<u8>,
    /// Messages of the server that the test has not looked at.
    pub(crate) inbox: VecDeque<Vec<u8>>,
    /// The number of the packet that is sent next.
    pub(crate) sequence: u32,
    pub(crate) session: Vec<u8>,
    pub(crate) host_key: Vec<u8>,
    pub(crate) server_kexinit: Vec<u8>,
    pub(crate) server_identification: Option<String>,
    /// Answers the server's KEXINIT by itself.
    pub(crate) follows_rekeys: bool,
    /// What is said when keys are exchanged.
    waiting: Vec<Vec<u8>>,
    /// The server has sent KEXINIT, and not its NEWKEYS.
    server_exchanges: bool,
    arrived: Vec<u8>,
    next_arrival: u32,
    sealing: Mode,
    opening: Mode,
    new_sealing: Option<Mode>,
    new_opening: Option<Mode>,
    own_kexinit: Option<Vec<u8>>,
    share: Option<Share>,
    is_strict: bool,
    is_logged_in: bool,
    deflate: Option<Deflate>,
    inflate: Option<Inflate>,
}

impl Client {
    pub(crate) fn new(offer: Offer) -> Self {
        Self {
            offer,
            identification: "SSH-2.0-model",
            out: Vec::new(),
            inbox: VecDeque::new(),
            sequence: 0,
            session: Vec::new(),
            host_key: Vec::new(),
            server_kexinit: Vec::new(),
            server_identification: None,
            follows_rekeys: true,
            waiting: Vec::new(),
            server_exchanges: false,
            arrived: Vec::new(),
            next_arrival: 0,
            sealing: Mode::Clear,
            opening: Mode::Clear,
            new_sealing: None,
            new_opening: None,
            own_kexinit: None,
            share: None,
            is_strict: false,
            is_logged_in: false,
            deflate: None,
            inflate: None,
        }
    }

    pub(crate) fn identify(&mut self) {
        let line = format!("{}\r\n", self.identification);
        self.out.extend_from_slice(line.as_bytes());
    }

    pub(crate) fn send(&mut self, payload: impl AsRef<[u8]>) {
        let compressed = self
            .deflate
            .as_mut()
            .map(|deflate| deflate.packet(payload.as_ref()));
        let payload = compressed.as_deref().unwrap_or(payload.as_ref());
        self.send_plain(self.sealing.plain(payload));
    }

    /// A packet of which only the protection is right.
    pub(crate) fn send_plain(&mut self, packet: Vec<u8>) {
        let sealed = self.sealing.seal(self.sequence, packet);
        self.out.extend(sealed);
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// RFC 4253 section 7.1.
    pub(crate) fn kexinit(&mut self) -> Vec<u8> {
        let offer = self.offer.clone();
        let mut kex = offer.kex.to_owned();
        if offer.strict {
            kex.push_str(",kex-strict-c-v00@openssh.com");
        }
        if offer.ext_info {
            kex.push_str(",ext-info-c");
        }
        let payload = message(20)
            .raw(&[0xc0; 16])
            .string(kex)
            .string(offer.host_key)
            .string(offer.cipher)
            .string(offer.cipher)
            .string(offer.mac)
            .string(offer.mac)
            .string(offer.compression)
            .string(offer.compression)
            .string("")
            .string("")
            .bool(offer.first_kex_packet_follows)
            .u32(0)
            .done();
        self.own_kexinit = Some(payload.clone());
        payload
    }

    pub(crate) fn send_kexinit(&mut self) {
        let payload = self.kexinit();
        self.send(payload);
    }

    /// The client's first message of the method.
    pub(crate) fn share(&mut self) -> Vec<u8> {
        let mut names = Parse::of(&self.server_kexinit, 20);
        names.take(16);
        let theirs = names.names();
        let ours: Vec<&str> = self.offer.kex.split(',').collect();
        let kex = ours
            .iter()
            .find(|name| theirs.iter().any(|own| own == *name));
        let share = Share::new(kex.unwrap());
        let payload = message(30).string(&share.public).done();
        self.share = Some(share);
        payload
    }

    pub(crate) fn send_share(&mut self) {
        let payload = self.share();
        self.send(payload);
    }

    /// From here on the client uses its new keys.
    pub(crate) fn send_newkeys(&mut self) {
        self.send([21]);
        self.sealing = self.new_sealing.take().unwrap();
        if self.is_strict {
            self.sequence = 0;
        }
        self.deflate = self.has_zlib().then(Deflate::new);
        for payload in std::mem::take(&mut self.waiting) {
            self.send(payload);
        }
    }

    /// May the client say anything, or is it within an exchange of keys?
    pub(crate) fn may_send(&self) -> bool {
        self.own_kexinit.is_none() && self.new_sealing.is_none()
    }

    /// Sends a message as soon as that may be.
    pub(crate) fn send_later(&mut self, payload: Vec<u8>) {
        match self.may_send() {
            true => self.send(payload),
            false => self.waiting.push(payload),
        }
    }

    /// Are there keys that NEWKEYS would put into use?
    pub(crate) fn has_new_keys(&self) -> bool {
        self.new_sealing.is_some()
    }

    fn has_zlib(&self) -> bool {
        self.is_logged_in && self.offer.compression == "zlib@openssh.com"
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.arrived.extend_from_slice(bytes);
        if self.server_identification.is_none() {
            let Some(end) = self.arrived.iter().position(|byte| *byte == b'\n') else {
                return;
            };
            let line: Vec<u8> = self.arrived.drain(..=end).collect();
            let line = String::from_utf8(line).unwrap();
            self.server_identification = Some(line.trim_end().to_owned());
        }
        while let Some(payload) = self.opening.open(self.next_arrival, &mut self.arrived) {
            self.next_arrival = self.next_arrival.wrapping_add(1);
            let payload = match &mut self.inflate {
                Some(inflate) => inflate.packet(&payload),
                None => payload,
            };
            self.look_at(&payload);
            self.inbox.push_back(payload);
        }
    }

    fn look_at(&mut self, payload: &[u8]) {
        // From a KEXINIT to its NEWKEYS nothing else may be said (RFC 4253 section 7.1).
        let is_of_transport = matches!(payload[0], 1..=4 | 20..=49);
        assert!(
            !self.server_exchanges || is_of_transport,
            "within an exchange: {payload:?}"
        );
        match payload[0] {
            20 => {
                self.server_exchanges = true;
                self.kexinit_came(payload);
            }
            31 if self.share.is_some() => self.reply_came(payload),
            21 => {
                self.server_exchanges = false;
                self.opening = self.new_opening.take().unwrap();
                if self.is_strict {
                    self.next_arrival = 0;
                }
                self.inflate = self.has_zlib().then(Inflate::new);
            }
            52 => {
                self.is_logged_in = true;
                self.deflate = self.has_zlib().then(Deflate::new);
                self.inflate = self.has_zlib().then(Inflate::new);
            }
            _ => {}
        }
    }

    fn kexinit_came(&mut self, payload: &[u8]) {
        let is_first = self.server_kexinit.is_empty();
        self.server_kexinit = payload.to_vec();
        let mut parse = Parse::of(payload, 20);
        parse.take(16);
        let strict = "kex-strict-s-v00@openssh.com".to_owned();
        let has_strict = parse.names().contains(&strict);
        if is_first {
            assert!(has_strict, "strict key exchange is offered always");
            self.is_strict = self.offer.strict;
        } else if self.follows_rekeys && !self.session.is_empty() {
            if self.own_kexinit.is_none() {
                self.send_kexinit();
            }
            self.send_share();
        }
    }

    fn reply_came(&mut self, payload: &[u8]) {
        let mut reply = Parse::of(payload, 31);
        let (key, public, signature) = (reply.string(), reply.string(), reply.string());
        reply.end();
        let share = self.share.take().unwrap();
        let own = share.public.clone();
        let (secret, algorithm) = share.agree(public);
        let server = self.server_identification.clone().unwrap();
        let own_kexinit = self.own_kexinit.take().unwrap();
        let exchange = hash(
            algorithm,
            &[
                &string(self.identification),
                &string(server),
                &string(own_kexinit),
                &string(&self.server_kexinit),
                &string(key),
                &string(own),
                &string(public),
                &secret,
            ],
        );
        verify(key, &exchange, signature);
        if self.session.is_empty() {
            self.session.clone_from(&exchange);
            self.host_key = key.to_vec();
        }
        assert_eq!(self.host_key, key, "the host key stays");
        let session = self.session.clone();
        let derive =
            |letter, length| derive(algorithm, [&secret, &exchange, &session], letter, length);
        self.new_sealing = Some(Mode::new(self.offer.cipher, &derive, *b"ACE"));
        self.new_opening = Some(Mode::new(self.offer.cipher, &derive, *b"BDF"));
        if self.follows_rekeys && self.is_logged_in {
            self.send_newkeys();
        }
    }
}
