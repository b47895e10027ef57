//! What a server offers, and its limits.

use crate::{
    cipher::{Cipher, Mac},
    kex::Kex,
    key::{HostKey, KeyAlgorithm},
    login::AuthMethod,
};

/// Settings that all connections of a server share.
#[derive(Debug)]
pub struct Config {
    /// The software version of the identification line (RFC 4253 section 4.2): printable, without `-` and blanks.
    pub software: String,
    /// At least one.
    pub host_keys: Vec<HostKey>,
    /// Best first; the client's order decides.
    pub kex: Vec<Kex>,
    /// Likewise.
    pub ciphers: Vec<Cipher>,
    /// Likewise; AEAD ciphers have their own.
    pub macs: Vec<Mac>,
    /// Offered besides to clients that know neither an AEAD cipher nor encrypt-then-MAC.
    pub macs_on_need: Vec<Mac>,
    /// Algorithms of host keys, best first, as far as there are such keys and certificates.
    pub host_key_algorithms: Vec<KeyAlgorithm>,
    /// Algorithms of users' signatures.
    pub public_key_algorithms: Vec<KeyAlgorithm>,
    /// Offers `zlib@openssh.com`.
    pub compression: bool,
    /// Methods of authentication that clients hear of.
    pub methods: Vec<AuthMethod>,
    /// Failed logins before the connection ends; the first `none` does not count.
    pub max_auth_failures: u32,
    /// What clients show before they log in; of more than 30,000 bytes they get the beginning.
    pub banner: Option<String>,
    /// How much a client may send ahead on a channel that was opened, in bytes; less than 2³¹.
    pub window: u32,
    /// The longest data of one packet on a channel, in bytes, as it is announced.
    pub max_packet: u32,
    /// Channels that may be open at once.
    pub max_channels: usize,
    /// New keys are made after this many bytes of one direction, in addition to what the ciphers need.
    pub rekey_after: Option<u64>,
}

impl Config {
    /// The key that signs by this algorithm: the first, where several can.
    pub(crate) fn host_key(&self, algorithm: KeyAlgorithm) -> Option<&HostKey> {
        let mut keys = self.host_keys.iter();
        keys.find(|key| key.blob_for(algorithm).is_some())
    }

    /// What clients get of the key that signs by this algorithm, `K_S` of RFC 4253 section 8.
    pub(crate) fn host_key_blob(&self, algorithm: KeyAlgorithm) -> Option<&[u8]> {
        self.host_keys
            .iter()
            .find_map(|key| key.blob_for(algorithm))
    }

    /// The defaults of everything but the host keys.
    pub fn new(host_keys: Vec<HostKey>) -> Self {
        Self {
            software: concat!("sftpgo_", env!("CARGO_PKG_VERSION")).to_owned(),
            host_keys,
            kex: Kex::DEFAULT.to_vec(),
            ciphers: Cipher::DEFAULT.to_vec(),
            macs: Mac::DEFAULT.to_vec(),
            macs_on_need: Mac::ON_NEED.to_vec(),
            host_key_algorithms: KeyAlgorithm::HOST_DEFAULT.to_vec(),
            public_key_algorithms: KeyAlgorithm::USER_DEFAULT.to_vec(),
            compression: true,
            methods: vec![
                AuthMethod::PublicKey,
                AuthMethod::Password,
                AuthMethod::KeyboardInteractive,
            ],
            max_auth_failures: 6,
            banner: None,
            window: 2 * 1024 * 1024,
            max_packet: 65_536,
            max_channels: 10,
            rekey_after: None,
        }
    }
}
