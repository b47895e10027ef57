//! The exchange hash and the keys that are derived from it.

use ring::digest;
use zeroize::Zeroizing;

use super::Secret;

/// The hash of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashAlgorithm {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl HashAlgorithm {
    /// The hash of the parts, one behind the other.
    pub(crate) fn digest(self, parts: &[&[u8]]) -> Digest {
        let mut context = digest::Context::new(self.ring());
        for part in parts {
            context.update(part);
        }
        Digest(context.finish())
    }

    fn ring(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// A hash value; it lies in the struct itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest(digest::Digest);

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

/// What both sides saw of an exchange, in the order of RFC 4253 section 8.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transcript<'a> {
    /// `V_C`, without the end of the line.
    pub(crate) client_ident: &'a [u8],
    /// `V_S`, without the end of the line.
    pub(crate) server_ident: &'a [u8],
    /// `I_C`: the payload with its message number.
    pub(crate) client_kexinit: &'a [u8],
    /// `I_S`: the payload with its message number.
    pub(crate) server_kexinit: &'a [u8],
    /// `K_S`.
    pub(crate) host_key: &'a [u8],
    /// What the method has between the host key and K, encoded: both shares, behind sizes and group where it exchanges groups.
    pub(crate) shares: &'a [u8],
}

/// The exchange hash H.
pub(crate) fn exchange_hash(
    hash: HashAlgorithm,
    transcript: &Transcript<'_>,
    secret: &Secret,
) -> Digest {
    let mut context = digest::Context::new(hash.ring());
    for string in [
        transcript.client_ident,
        transcript.server_ident,
        transcript.client_kexinit,
        transcript.server_kexinit,
        transcript.host_key,
    ] {
        let length = u32::try_from(string.len()).unwrap_or(u32::MAX);
        context.update(&length.to_be_bytes());
        context.update(string);
    }
    context.update(transcript.shares);
    context.update(secret.as_ref());
    Digest(context.finish())
}

/// Key material of any length (RFC 4253 section 7.2). `letter` is `b'A'` to `b'F'`.
pub(crate) fn derive(
    hash: HashAlgorithm,
    secret: &Secret,
    exchange_hash: &[u8],
    session_id: &[u8],
    letter: u8,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = hash.ring().output_len();
    let mut key = Zeroizing::new(Vec::with_capacity(length.next_multiple_of(block)));
    while key.len() < length {
        let next = if key.is_empty() {
            hash.digest(&[secret.as_ref(), exchange_hash, &[letter], session_id])
        } else {
            hash.digest(&[secret.as_ref(), exchange_hash, &key])
        };
        key.extend_from_slice(next.as_ref());
    }
    key.truncate(length);
    key
}
