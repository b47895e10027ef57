//! The key itself, read from its blob and bounded before anybody computes with it.

use crate::wire::{Malformed, Reader, put_mpint, put_string};

use super::algorithm::KeyKind;

/// Sizes of a user's RSA key in bits: less is broken, more costs more than a login may.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=16_384;

/// Bits of an RSA exponent: larger ones make checking dear (CVE-2026-39829), and nobody makes them.
const RSA_EXPONENT_BITS: usize = 33;

#[derive(Debug, Clone, Copy)]
pub(super) enum Material<'a> {
    Ed25519(&'a [u8; 32]),
    Ecdsa {
        curve: Curve,
        point: &'a [u8],
    },
    Rsa {
        exponent: &'a [u8],
        modulus: &'a [u8],
    },
    SkEd25519 {
        key: &'a [u8; 32],
        application: &'a [u8],
    },
    SkEcdsa {
        point: &'a [u8],
        application: &'a [u8],
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "nistp256",
            Self::P384 => "nistp384",
            Self::P521 => "nistp521",
        }
    }

    /// Bytes of a coordinate, and of each half of a signature.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl<'a> Material<'a> {
    /// Reads what follows the type, and in a certificate the nonce.
    pub(super) fn read(kind: KeyKind, reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        match kind {
            KeyKind::Ed25519 => Ok(Self::Ed25519(ed25519(reader)?)),
            KeyKind::EcdsaNistP256 => Self::ecdsa(Curve::P256, reader),
            KeyKind::EcdsaNistP384 => Self::ecdsa(Curve::P384, reader),
            KeyKind::EcdsaNistP521 => Self::ecdsa(Curve::P521, reader),
            KeyKind::Rsa => Self::rsa(reader),
            KeyKind::SkEd25519 => Ok(Self::SkEd25519 {
                key: ed25519(reader)?,
                application: reader.string()?,
            }),
            KeyKind::SkEcdsaNistP256 => Ok(Self::SkEcdsa {
                point: point(Curve::P256, reader)?,
                application: reader.string()?,
            }),
        }
    }

    fn ecdsa(curve: Curve, reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let point = point(curve, reader)?;
        Ok(Self::Ecdsa { curve, point })
    }

    fn rsa(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (exponent, modulus) = (reader.mpint()?, reader.mpint()?);
        let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        let sound = RSA_BITS.contains(&bits(modulus))
            && odd(modulus)
            && (2..=RSA_EXPONENT_BITS).contains(&bits(exponent))
            && odd(exponent);
        match sound {
            true => Ok(Self::Rsa { exponent, modulus }),
            false => Err(Malformed),
        }
    }

    pub(super) fn kind(&self) -> KeyKind {
        match self {
            Self::Ed25519(_) => KeyKind::Ed25519,
            Self::Ecdsa { curve, .. } => match curve {
                Curve::P256 => KeyKind::EcdsaNistP256,
                Curve::P384 => KeyKind::EcdsaNistP384,
                Curve::P521 => KeyKind::EcdsaNistP521,
            },
            Self::Rsa { .. } => KeyKind::Rsa,
            Self::SkEd25519 { .. } => KeyKind::SkEd25519,
            Self::SkEcdsa { .. } => KeyKind::SkEcdsaNistP256,
        }
    }

    /// The one blob that this key has: without a certificate around it, numbers without zeros before them.
    pub(super) fn plain_blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        put_string(&mut blob, self.kind().name().as_bytes());
        match self {
            Self::Ed25519(key) => put_string(&mut blob, *key),
            Self::Ecdsa { curve, point } => {
                put_string(&mut blob, curve.name().as_bytes());
                put_string(&mut blob, point);
            }
            Self::Rsa { exponent, modulus } => {
                put_mpint(&mut blob, exponent);
                put_mpint(&mut blob, modulus);
            }
            Self::SkEd25519 { key, application } => {
                put_string(&mut blob, *key);
                put_string(&mut blob, application);
            }
            Self::SkEcdsa { point, application } => {
                put_string(&mut blob, Curve::P256.name().as_bytes());
                put_string(&mut blob, point);
                put_string(&mut blob, application);
            }
        }
        blob
    }
}

fn ed25519<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8; 32], Malformed> {
    reader.string()?.try_into().map_err(|_| Malformed)
}

/// The curve's name must be the type's, or a key of one curve would pass for another. The point must be uncompressed, which
/// is how everybody writes it; whether it is on the curve is found when a signature is checked.
fn point<'a>(curve: Curve, reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    if reader.string()? != curve.name().as_bytes() {
        return Err(Malformed);
    }
    let point = reader.string()?;
    let uncompressed = point.first() == Some(&4) && point.len() == 1 + 2 * curve.size();
    match uncompressed {
        true => Ok(point),
        false => Err(Malformed),
    }
}

/// Bits of a number without leading zeros.
pub(super) fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |first| first.leading_zeros());
    (number.len() * 8).saturating_sub(zeros as usize)
}
