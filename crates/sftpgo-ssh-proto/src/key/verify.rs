//! Signatures checked, each by the library that has its primitive.

use p521::ecdsa::signature::hazmat::PrehashVerifier;
use ring::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519,
        RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
        RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
        VerificationAlgorithm,
    },
};
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPublicKey};

use crate::wire::Reader;

use super::{
    algorithm::SignatureAlgorithm,
    material::{Curve, bits},
    public::BadSignature,
};

/// Bits of a modulus up to which ring computes.
const RING_RSA_BITS: usize = 8192;

pub(super) fn ed25519(
    key: &[u8; 32],
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    by_ring(&ED25519, key, message, signature)
}

/// `signature` holds two numbers (RFC 5656 section 3.1.2).
pub(super) fn ecdsa(
    curve: Curve,
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    let mut reader = Reader::new(signature);
    let (r, s) = (reader.mpint()?, reader.mpint()?);
    reader.end()?;
    let mut fixed = padded(r, curve.size())?;
    fixed.extend(padded(s, curve.size())?);
    match curve {
        Curve::P256 => by_ring(&ECDSA_P256_SHA256_FIXED, point, message, &fixed),
        Curve::P384 => by_ring(&ECDSA_P384_SHA384_FIXED, point, message, &fixed),
        Curve::P521 => {
            let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(point);
            let signature = p521::ecdsa::Signature::from_slice(&fixed);
            let (key, signature) = key
                .and_then(|key| Ok((key, signature?)))
                .map_err(|_| BadSignature)?;
            key.verify_prehash(digest(&SHA512, message).as_ref(), &signature)
                .map_err(|_| BadSignature)
        }
    }
}

fn by_ring(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .map_err(|_| BadSignature)
}

/// Signatures shorter than the modulus lost zeros on their way (RFC 8332 section 3; PuTTY before 0.81, SSH.NET before 2024.1).
pub(super) fn rsa(
    algorithm: SignatureAlgorithm,
    exponent: &[u8],
    modulus: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), BadSignature> {
    let hash = RsaHash::of(algorithm).ok_or(BadSignature)?;
    let signature = padded(signature, modulus.len())?;
    if bits(modulus) <= RING_RSA_BITS {
        let key = RsaPublicKeyComponents {
            n: modulus,
            e: exponent,
        };
        return key
            .verify(hash.ring(), message, &signature)
            .map_err(|_| BadSignature);
    }
    let number = BoxedUint::from_be_slice_vartime;
    RsaPublicKey::new_with_max_size(number(modulus), number(exponent), modulus.len() * 8)
        .and_then(|key| key.verify(hash.padding(), &hash.of_message(message), &signature))
        .map_err(|_| BadSignature)
}

/// Zeros go before what is shorter than `size`; what is longer is refused.
fn padded(number: &[u8], size: usize) -> Result<Vec<u8>, BadSignature> {
    let zeros = size.checked_sub(number.len()).ok_or(BadSignature)?;
    let mut padded = vec![0; zeros];
    padded.extend_from_slice(number);
    Ok(padded)
}

/// The hash of an RSA signature.
#[derive(Debug, Clone, Copy)]
pub(super) enum RsaHash {
    Sha1,
    Sha256,
    Sha512,
}

impl RsaHash {
    pub(super) fn of(algorithm: SignatureAlgorithm) -> Option<Self> {
        match algorithm {
            SignatureAlgorithm::SshRsa => Some(Self::Sha1),
            SignatureAlgorithm::RsaSha256 => Some(Self::Sha256),
            SignatureAlgorithm::RsaSha512 => Some(Self::Sha512),
            _ => None,
        }
    }

    fn ring(self) -> &'static RsaParameters {
        match self {
            Self::Sha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        }
    }

    pub(super) fn of_message(self, message: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
            Self::Sha512 => &SHA512,
        };
        digest(algorithm, message).as_ref().to_vec()
    }

    /// The DER bytes before the hash (RFC 8017 section 9.2, note 1).
    pub(super) fn padding(self) -> Pkcs1v15Sign {
        let (hash_len, prefix): (usize, &[u8]) = match self {
            Self::Sha1 => (
                20,
                &[
                    0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00,
                    0x04, 0x14,
                ],
            ),
            Self::Sha256 => (
                32,
                &[
                    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                    0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
                ],
            ),
            Self::Sha512 => (
                64,
                &[
                    0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                    0x02, 0x03, 0x05, 0x00, 0x04, 0x40,
                ],
            ),
        };
        Pkcs1v15Sign {
            hash_len: Some(hash_len),
            prefix: prefix.into(),
        }
    }
}
