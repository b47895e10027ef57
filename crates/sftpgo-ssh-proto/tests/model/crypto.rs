//! What a client encrypts, derives and verifies with: one AEAD cipher and one encrypt-and-MAC suite, and three elliptic curves.

use aes::cipher::{KeyIvInit, StreamCipher};
use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{self, EphemeralPrivateKey, UnparsedPublicKey},
    digest, hmac,
    rand::SystemRandom,
    signature::{ED25519, UnparsedPublicKey as Verifier},
};

use crate::wire::{Parse, mpint};

/// How packets of one direction are protected.
pub(crate) enum Mode {
    Clear,
    /// `aes128-gcm@openssh.com`: key, and the nonce of the next packet.
    Gcm(Box<LessSafeKey>, [u8; 12]),
    /// `aes128-ctr` with `hmac-sha2-256`; whether the first block of the next packet was decrypted.
    CtrMac(Box<ctr::Ctr128BE<aes::Aes128>>, hmac::Key, bool),
}

impl Mode {
    pub(crate) fn new(
        cipher: &str,
        derive: &dyn Fn(u8, usize) -> Vec<u8>,
        letters: [u8; 3],
    ) -> Self {
        let [iv, key, mac] = letters;
        match cipher {
            "aes128-gcm@openssh.com" => {
                let key = UnboundKey::new(&AES_128_GCM, &derive(key, 16)).unwrap();
                let nonce = derive(iv, 12).try_into().unwrap();
                Self::Gcm(Box::new(LessSafeKey::new(key)), nonce)
            }
            "aes128-ctr" => {
                let cipher = ctr::Ctr128BE::new_from_slices(&derive(key, 16), &derive(iv, 16));
                let mac = hmac::Key::new(hmac::HMAC_SHA256, &derive(mac, 32));
                Self::CtrMac(Box::new(cipher.unwrap()), mac, false)
            }
            other => panic!("the model has no {other}"),
        }
    }

    fn tag_len(&self) -> usize {
        match self {
            Self::Clear => 0,
            Self::Gcm(..) => 16,
            Self::CtrMac(..) => 32,
        }
    }

    /// The packet of a payload, not protected yet, with as little padding as there may be.
    pub(crate) fn plain(&self, payload: &[u8]) -> Vec<u8> {
        let (block, outside) = match self {
            Self::Clear => (8, 0),
            Self::Gcm(..) => (16, 4),
            Self::CtrMac(..) => (16, 0),
        };
        let counted = 5 + payload.len() - outside;
        let mut padding = block - counted % block;
        if padding < 4 {
            padding += block;
        }
        let length = u32::try_from(1 + payload.len() + padding).unwrap();
        let mut packet = length.to_be_bytes().to_vec();
        packet.push(u8::try_from(padding).unwrap());
        packet.extend_from_slice(payload);
        packet.resize(packet.len() + padding, 0x70);
        packet
    }

    pub(crate) fn seal(&mut self, sequence: u32, mut packet: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Clear => {}
            Self::Gcm(key, nonce) => {
                let aad: [u8; 4] = packet[..4].try_into().unwrap();
                let tag = key
                    .seal_in_place_separate_tag(next(nonce), Aad::from(aad), &mut packet[4..])
                    .unwrap();
                packet.extend_from_slice(tag.as_ref());
            }
            Self::CtrMac(cipher, mac, _) => {
                let tag = tag(mac, sequence, &packet);
                cipher.apply_keystream(&mut packet);
                packet.extend_from_slice(tag.as_ref());
            }
        }
        packet
    }

    /// The next payload, once it is whole. What the server sent has to be right.
    pub(crate) fn open(&mut self, sequence: u32, input: &mut Vec<u8>) -> Option<Vec<u8>> {
        let head_len = if matches!(self, Self::CtrMac(..)) {
            16
        } else {
            4
        };
        let head = input.get_mut(..head_len)?;
        if let Self::CtrMac(cipher, _, has_begun) = self
            && !std::mem::replace(has_begun, true)
        {
            cipher.apply_keystream(head);
        }
        let length = usize::try_from(Parse(head).u32()).unwrap();
        assert!((5..=262_144).contains(&length), "a packet of {length}");
        if input.len() < 4 + length + self.tag_len() {
            return None;
        }
        let mut packet: Vec<u8> = input.drain(..4 + length + self.tag_len()).collect();
        let sent_tag = packet.split_off(4 + length);
        match self {
            Self::Clear => assert_eq!(packet.len() % 8, 0),
            Self::Gcm(key, nonce) => {
                assert_eq!(length % 16, 0);
                let aad: [u8; 4] = packet[..4].try_into().unwrap();
                packet.extend_from_slice(&sent_tag);
                let text = key.open_in_place(next(nonce), Aad::from(aad), &mut packet[4..]);
                let end = 4 + text.unwrap().len();
                packet.truncate(end);
            }
            Self::CtrMac(cipher, mac, has_begun) => {
                assert_eq!(packet.len() % 16, 0);
                *has_begun = false;
                cipher.apply_keystream(&mut packet[16..]);
                assert_eq!(tag(mac, sequence, &packet).as_ref(), sent_tag);
            }
        }
        let padding = usize::from(packet[4]);
        assert!(padding >= 4, "too little padding");
        let end = packet.len() - padding;
        assert!(end > 5, "an empty payload");
        Some(packet[5..end].to_vec())
    }
}

/// Fixed bytes, and a counter that goes on with each packet (RFC 5647 section 7.1).
fn next(nonce: &mut [u8; 12]) -> Nonce {
    let now = Nonce::assume_unique_for_key(*nonce);
    let counter = u64::from_be_bytes(nonce[4..].try_into().unwrap());
    nonce[4..].copy_from_slice(&counter.wrapping_add(1).to_be_bytes());
    now
}

fn tag(key: &hmac::Key, sequence: u32, packet: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(&sequence.to_be_bytes());
    context.update(packet);
    context.sign()
}

/// A method of key exchange, and the client's half of one exchange.
pub(crate) struct Share {
    private: EphemeralPrivateKey,
    pub(crate) public: Vec<u8>,
    hash: &'static digest::Algorithm,
}

impl Share {
    pub(crate) fn new(kex: &str) -> Self {
        let (algorithm, hash) = match kex {
            "curve25519-sha256" => (&agreement::X25519, &digest::SHA256),
            "ecdh-sha2-nistp256" => (&agreement::ECDH_P256, &digest::SHA256),
            "ecdh-sha2-nistp384" => (&agreement::ECDH_P384, &digest::SHA384),
            other => panic!("the model has no {other}"),
        };
        let private = EphemeralPrivateKey::generate(algorithm, &SystemRandom::new()).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        Self {
            private,
            public,
            hash,
        }
    }

    /// The secret as it enters the hash, with the hash.
    pub(crate) fn agree(self, server: &[u8]) -> (Vec<u8>, &'static digest::Algorithm) {
        let server = UnparsedPublicKey::new(self.private.algorithm(), server);
        let secret = agreement::agree_ephemeral(self.private, &server, mpint).unwrap();
        (secret, self.hash)
    }
}

pub(crate) fn hash(algorithm: &'static digest::Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    digest::digest(algorithm, &parts.concat()).as_ref().to_vec()
}

/// RFC 4253 section 7.2.
pub(crate) fn derive(
    algorithm: &'static digest::Algorithm,
    [secret, exchange, session]: [&[u8]; 3],
    letter: u8,
    length: usize,
) -> Vec<u8> {
    let mut key = hash(algorithm, &[secret, exchange, &[letter], session]);
    while key.len() < length {
        let more = hash(algorithm, &[secret, exchange, &key]);
        key.extend(more);
    }
    key.truncate(length);
    key
}

/// Checks an Ed25519 signature of the server's.
pub(crate) fn verify(key: &[u8], message: &[u8], signature: &[u8]) {
    let (mut key, mut signature) = (Parse(key), Parse(signature));
    assert_eq!(key.text(), "ssh-ed25519");
    assert_eq!(signature.text(), "ssh-ed25519");
    let verifier = Verifier::new(&ED25519, key.string());
    verifier.verify(message, signature.string()).unwrap();
}
