//! Key exchange: the methods by their names, and the server's half of each.
//!
//! A method gets what the client sent and returns the server's share and the shared secret. It sees no packets.

mod curve;
mod finite_field;
mod group;
mod hash;
mod hybrid;
mod primes;
mod secret;
#[cfg(test)]
mod tests;

use crate::Random;

pub(crate) use self::{
    group::{Group, choose_group},
    hash::{Digest, HashAlgorithm, Transcript, derive, exchange_hash},
    secret::Secret,
};

/// A method of key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kex {
    /// `mlkem768x25519-sha256` (RFC 10042).
    MlKem768X25519,
    /// `mlkem768nistp256-sha256` (RFC 10042).
    MlKem768NistP256,
    /// `curve25519-sha256` (RFC 8731).
    Curve25519,
    /// `curve25519-sha256@libssh.org`: the same method by its older name.
    Curve25519LibSsh,
    /// `ecdh-sha2-nistp256` (RFC 5656).
    EcdhNistP256,
    /// `ecdh-sha2-nistp384` (RFC 5656).
    EcdhNistP384,
    /// `ecdh-sha2-nistp521` (RFC 5656).
    EcdhNistP521,
    /// `diffie-hellman-group14-sha256` (RFC 8268): 2,048 bits.
    Group14Sha256,
    /// `diffie-hellman-group16-sha512` (RFC 8268): 4,096 bits.
    Group16Sha512,
    /// `diffie-hellman-group-exchange-sha256` (RFC 4419): the client asks for a size.
    GexSha256,
    /// `diffie-hellman-group15-sha512` (RFC 8268): 3,072 bits.
    Group15Sha512,
    /// `diffie-hellman-group17-sha512` (RFC 8268): 6,144 bits.
    Group17Sha512,
    /// `diffie-hellman-group18-sha512` (RFC 8268): 8,192 bits.
    Group18Sha512,
    /// `diffie-hellman-group14-sha1` (RFC 4253 section 8.2): SHA-1, for clients that have nothing newer.
    Group14Sha1,
    /// `diffie-hellman-group-exchange-sha1` (RFC 4419): SHA-1, for clients that have nothing newer.
    GexSha1,
}

impl Kex {
    /// What a server offers unless it is told otherwise, in order of preference.
    pub const DEFAULT: &'static [Self] = &[
        Self::MlKem768X25519,
        Self::Curve25519,
        Self::Curve25519LibSsh,
        Self::EcdhNistP256,
        Self::EcdhNistP384,
        Self::EcdhNistP521,
        Self::Group14Sha256,
        Self::Group16Sha512,
        Self::GexSha256,
    ];

    /// Every method, in order of preference.
    pub const ALL: &'static [Self] = &[
        Self::MlKem768X25519,
        Self::MlKem768NistP256,
        Self::Curve25519,
        Self::Curve25519LibSsh,
        Self::EcdhNistP256,
        Self::EcdhNistP384,
        Self::EcdhNistP521,
        Self::Group14Sha256,
        Self::Group16Sha512,
        Self::GexSha256,
        Self::Group15Sha512,
        Self::Group17Sha512,
        Self::Group18Sha512,
        Self::Group14Sha1,
        Self::GexSha1,
    ];

    /// The name that KEXINIT has.
    pub fn name(self) -> &'static str {
        match self {
            Self::MlKem768X25519 => "mlkem768x25519-sha256",
            Self::MlKem768NistP256 => "mlkem768nistp256-sha256",
            Self::Curve25519 => "curve25519-sha256",
            Self::Curve25519LibSsh => "curve25519-sha256@libssh.org",
            Self::EcdhNistP256 => "ecdh-sha2-nistp256",
            Self::EcdhNistP384 => "ecdh-sha2-nistp384",
            Self::EcdhNistP521 => "ecdh-sha2-nistp521",
            Self::Group14Sha256 => "diffie-hellman-group14-sha256",
            Self::Group16Sha512 => "diffie-hellman-group16-sha512",
            Self::GexSha256 => "diffie-hellman-group-exchange-sha256",
            Self::Group15Sha512 => "diffie-hellman-group15-sha512",
            Self::Group17Sha512 => "diffie-hellman-group17-sha512",
            Self::Group18Sha512 => "diffie-hellman-group18-sha512",
            Self::Group14Sha1 => "diffie-hellman-group14-sha1",
            Self::GexSha1 => "diffie-hellman-group-exchange-sha1",
        }
    }

    /// The method of a name; `None` for a name that is unknown.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kex| kex.name() == name)
    }

    /// The hash of the exchange, which the keys are derived with too.
    pub(crate) fn hash(self) -> HashAlgorithm {
        match self {
            Self::MlKem768X25519
            | Self::MlKem768NistP256
            | Self::Curve25519
            | Self::Curve25519LibSsh
            | Self::EcdhNistP256
            | Self::Group14Sha256
            | Self::GexSha256 => HashAlgorithm::Sha256,
            Self::EcdhNistP384 => HashAlgorithm::Sha384,
            Self::EcdhNistP521
            | Self::Group15Sha512
            | Self::Group16Sha512
            | Self::Group17Sha512
            | Self::Group18Sha512 => HashAlgorithm::Sha512,
            Self::Group14Sha1 | Self::GexSha1 => HashAlgorithm::Sha1,
        }
    }

    /// The client asks for a group before it sends its share (RFC 4419).
    pub(crate) fn is_group_exchange(self) -> bool {
        matches!(self, Self::GexSha256 | Self::GexSha1)
    }

    /// The method is over a finite field: shares are numbers, and not strings.
    pub(crate) fn is_finite_field(self) -> bool {
        self.is_group_exchange() || self.group().is_some()
    }

    /// An answer costs the server more than a few milliseconds.
    pub(crate) fn is_dear(self) -> bool {
        self.is_finite_field()
    }

    /// The group that the name of the method has in it.
    fn group(self) -> Option<Group> {
        match self {
            Self::Group14Sha256 | Self::Group14Sha1 => Some(Group::G14),
            Self::Group15Sha512 => Some(Group::G15),
            Self::Group16Sha512 => Some(Group::G16),
            Self::Group17Sha512 => Some(Group::G17),
            Self::Group18Sha512 => Some(Group::G18),
            _ => None,
        }
    }
}

/// What the server does with a client's share.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What the client gets, without a length: `Q_S`, `S_REPLY`, or the magnitude of `f`.
    pub(crate) server_share: Vec<u8>,
    pub(crate) secret: Secret,
}

/// The client's share is not one of the method, or the server could not make its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadShare;

/// Makes the server's share and the secret from `client_share`: the string, or the magnitude of the number, that came.
///
/// `group` is the one that [`choose_group`] found, for a method that exchanges groups. Other methods do not look at it.
///
/// # Errors
/// The share is not of the method, or a source of random bytes failed.
pub(crate) fn answer(
    kex: Kex,
    group: Option<Group>,
    client_share: &[u8],
    random: &mut dyn Random,
) -> Result<Answer, BadShare> {
    match kex {
        Kex::MlKem768X25519 => hybrid::answer(curve::Curve::X25519, client_share, random),
        Kex::MlKem768NistP256 => hybrid::answer(curve::Curve::P256, client_share, random),
        Kex::Curve25519 | Kex::Curve25519LibSsh => curve::Curve::X25519.answer(client_share),
        Kex::EcdhNistP256 => curve::Curve::P256.answer(client_share),
        Kex::EcdhNistP384 => curve::Curve::P384.answer(client_share),
        Kex::EcdhNistP521 => curve::answer_p521(client_share, random),
        _ => finite_field::answer(kex.group().or(group).ok_or(BadShare)?, client_share, random),
    }
}
