//! Ciphers and MACs by their names, with their sizes in bytes.

/// A cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// `aes128-gcm@openssh.com` (RFC 5647, OpenSSH PROTOCOL 1.6).
    Aes128Gcm,
    /// `aes256-gcm@openssh.com` (RFC 5647, OpenSSH PROTOCOL 1.6).
    Aes256Gcm,
    /// `chacha20-poly1305@openssh.com` (draft-ietf-sshm-chacha20-poly1305).
    ChaCha20Poly1305,
    /// `aes128-ctr` (RFC 4344).
    Aes128Ctr,
    /// `aes192-ctr` (RFC 4344).
    Aes192Ctr,
    /// `aes256-ctr` (RFC 4344).
    Aes256Ctr,
    /// `aes128-cbc` (RFC 4253), for clients that have nothing newer.
    Aes128Cbc,
    /// `aes192-cbc` (RFC 4253), for clients that have nothing newer.
    Aes192Cbc,
    /// `aes256-cbc` (RFC 4253), for clients that have nothing newer.
    Aes256Cbc,
}

impl Cipher {
    /// What a server offers unless it is told otherwise, in order of preference.
    pub const DEFAULT: &'static [Self] = &[
        Self::Aes128Gcm,
        Self::Aes256Gcm,
        Self::ChaCha20Poly1305,
        Self::Aes128Ctr,
        Self::Aes192Ctr,
        Self::Aes256Ctr,
    ];

    /// Every cipher, in order of preference.
    pub const ALL: &'static [Self] = &[
        Self::Aes128Gcm,
        Self::Aes256Gcm,
        Self::ChaCha20Poly1305,
        Self::Aes128Ctr,
        Self::Aes192Ctr,
        Self::Aes256Ctr,
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
    ];

    /// The name that KEXINIT has.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "aes128-gcm@openssh.com",
            Self::Aes256Gcm => "aes256-gcm@openssh.com",
            Self::ChaCha20Poly1305 => "chacha20-poly1305@openssh.com",
            Self::Aes128Ctr => "aes128-ctr",
            Self::Aes192Ctr => "aes192-ctr",
            Self::Aes256Ctr => "aes256-ctr",
            Self::Aes128Cbc => "aes128-cbc",
            Self::Aes192Cbc => "aes192-cbc",
            Self::Aes256Cbc => "aes256-cbc",
        }
    }

    /// The cipher of a name; `None` for a name that is unknown.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|cipher| cipher.name() == name)
    }

    /// The key; of chacha20 two keys.
    pub fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Ctr | Self::Aes128Cbc => 16,
            Self::Aes192Ctr | Self::Aes192Cbc => 24,
            Self::Aes256Gcm | Self::Aes256Ctr | Self::Aes256Cbc => 32,
            Self::ChaCha20Poly1305 => 64,
        }
    }

    /// The initialization vector; chacha20 has none.
    pub fn iv_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm => 12,
            Self::ChaCha20Poly1305 => 0,
            Self::Aes128Ctr
            | Self::Aes192Ctr
            | Self::Aes256Ctr
            | Self::Aes128Cbc
            | Self::Aes192Cbc
            | Self::Aes256Cbc => 16,
        }
    }

    /// What packets are multiples of.
    pub fn block_len(self) -> usize {
        match self {
            Self::ChaCha20Poly1305 => 8,
            _ => 16,
        }
    }

    /// The cipher authenticates packets itself; the lists of MACs do not matter.
    pub fn has_own_mac(self) -> bool {
        matches!(
            self,
            Self::Aes128Gcm | Self::Aes256Gcm | Self::ChaCha20Poly1305
        )
    }

    /// The cipher chains blocks.
    pub fn is_cbc(self) -> bool {
        matches!(self, Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc)
    }
}

/// A message authentication code: HMAC (RFC 2104, RFC 6668).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mac {
    /// `hmac-sha2-256-etm@openssh.com` (OpenSSH PROTOCOL 1.5).
    Sha256Etm,
    /// `hmac-sha2-512-etm@openssh.com` (OpenSSH PROTOCOL 1.5).
    Sha512Etm,
    /// `hmac-sha2-256` (RFC 6668).
    Sha256,
    /// `hmac-sha2-512` (RFC 6668).
    Sha512,
    /// `hmac-sha1-etm@openssh.com` (OpenSSH PROTOCOL 1.5), for clients that have nothing newer.
    Sha1Etm,
    /// `hmac-sha1` (RFC 4253), for clients that have nothing newer.
    Sha1,
}

impl Mac {
    /// What a server offers unless it is told otherwise, in order of preference.
    pub const DEFAULT: &'static [Self] = &[Self::Sha256Etm, Self::Sha512Etm];

    /// What a server offers besides to a client that has neither a cipher with a MAC of its own nor one of [`Self::DEFAULT`].
    pub const ON_NEED: &'static [Self] = &[Self::Sha256, Self::Sha512];

    /// Every MAC, in order of preference.
    pub const ALL: &'static [Self] = &[
        Self::Sha256Etm,
        Self::Sha512Etm,
        Self::Sha256,
        Self::Sha512,
        Self::Sha1Etm,
        Self::Sha1,
    ];

    /// The name that KEXINIT has.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256Etm => "hmac-sha2-256-etm@openssh.com",
            Self::Sha512Etm => "hmac-sha2-512-etm@openssh.com",
            Self::Sha256 => "hmac-sha2-256",
            Self::Sha512 => "hmac-sha2-512",
            Self::Sha1Etm => "hmac-sha1-etm@openssh.com",
            Self::Sha1 => "hmac-sha1",
        }
    }

    /// The MAC of a name; `None` for a name that is unknown.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mac| mac.name() == name)
    }

    /// The key, as long as the tag.
    pub fn key_len(self) -> usize {
        self.tag_len()
    }

    /// The tag behind a packet.
    pub fn tag_len(self) -> usize {
        match self {
            Self::Sha256Etm | Self::Sha256 => 32,
            Self::Sha512Etm | Self::Sha512 => 64,
            Self::Sha1Etm | Self::Sha1 => 20,
        }
    }

    /// Encrypt-then-MAC: the tag is over what was encrypted, and the length field is not encrypted.
    pub fn is_etm(self) -> bool {
        matches!(self, Self::Sha256Etm | Self::Sha512Etm | Self::Sha1Etm)
    }
}
