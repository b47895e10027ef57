//! Public keys of users: read where they lie, and what they signed.

use std::borrow::Cow;

use crate::wire::{Malformed, Reader};

use super::{
    algorithm::{KeyAlgorithm, KeyKind, SignatureAlgorithm},
    certificate::Certificate,
    material::Material,
    security_key, verify,
};

/// A public key, plain or in a certificate, borrowed from the bytes it came in.
#[derive(Debug, Clone)]
pub struct PublicKey<'a> {
    blob: &'a [u8],
    material: Material<'a>,
    certificate: Option<Certificate<'a>>,
}

/// What a security key says about its user when it signs (OpenSSH PROTOCOL.u2f); of other keys nothing.
///
/// Whoever lets the user in has to look: a signature is valid with every flag off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Presence {
    /// Whether the key is in such a device; if not, the rest is empty.
    pub is_security_key: bool,
    /// Somebody touched the device. Needed, unless `no-touch-required` is said of the key.
    pub user_present: bool,
    /// The device knew its user, by PIN or finger. Needed if `verify-required` is said of the key.
    pub user_verified: bool,
    /// How many signatures the device made, by its own account.
    pub counter: u32,
}

/// The signature is none, or not by this key, or not of these bytes, or not of the kind it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSignature;

impl From<Malformed> for BadSignature {
    fn from(_: Malformed) -> Self {
        Self
    }
}

impl<'a> PublicKey<'a> {
    /// Reads a key's blob (RFC 4253 section 6.6), of a plain key or a certificate.
    ///
    /// # Errors
    /// The type is unknown; the curve is not the type's; a point or key has the wrong length; an RSA key is shorter than 2048
    /// bits, longer than 16384, even, or has an exponent of more than 33 bits; a certificate is not well-formed or its
    /// authority is a certificate itself; something follows.
    pub fn parse(blob: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(blob);
        let (kind, certified) = KeyKind::of_blob_type(reader.string()?).ok_or(Malformed)?;
        if !certified {
            return Self::parse_plain(blob);
        }
        let _nonce = reader.string()?;
        let material = Material::read(kind, &mut reader)?;
        let certificate = Certificate::read(blob, reader)?;
        Ok(Self {
            blob,
            material,
            certificate: Some(certificate),
        })
    }

    /// Certificates are refused by their type, before anything in them is read: one inside another would never end.
    pub(super) fn parse_plain(blob: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(blob);
        let (kind, certified) = KeyKind::of_blob_type(reader.string()?).ok_or(Malformed)?;
        if certified {
            return Err(Malformed);
        }
        let material = Material::read(kind, &mut reader)?;
        reader.end()?;
        Ok(Self {
            blob,
            material,
            certificate: None,
        })
    }

    /// The bytes it was read from: the certificate, if it is one.
    pub fn blob(&self) -> &'a [u8] {
        self.blob
    }

    /// The blob of the plain key, as authorized_keys has it; of a certificate that of the key inside.
    ///
    /// A key has one such blob: zeros before a number, which readers forgive, are not in it. Two requests of one key can
    /// therefore not pass for two keys.
    pub fn plain_blob(&self) -> Cow<'a, [u8]> {
        let plain = self.material.plain_blob();
        match plain == self.blob {
            true => Cow::Borrowed(self.blob),
            false => Cow::Owned(plain),
        }
    }

    /// What the key is.
    pub fn kind(&self) -> KeyKind {
        self.material.kind()
    }

    /// The certificate around the key.
    pub fn certificate(&self) -> Option<&Certificate<'a>> {
        self.certificate.as_ref()
    }

    /// Whether the blob is one that `algorithm` goes with: its type, its curve, and whether it is a certificate.
    pub fn fits(&self, algorithm: KeyAlgorithm) -> bool {
        algorithm.certificate == self.certificate.is_some()
            && algorithm.signature.kind() == self.kind()
    }

    /// Checks that this key signed the parts of `message`, one behind the other, by `algorithm`.
    ///
    /// `signature` is the blob of the protocol: a string with the algorithm's name, one with the signature, and of security
    /// keys what PROTOCOL.u2f adds. The name in it must be that of `algorithm` exactly.
    ///
    /// # Errors
    /// It did not.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[&[u8]],
        signature: &[u8],
    ) -> Result<Presence, BadSignature> {
        if algorithm.kind() != self.kind() {
            return Err(BadSignature);
        }
        let mut reader = Reader::new(signature);
        if reader.string()? != algorithm.name().as_bytes() {
            return Err(BadSignature);
        }
        let signature = reader.string()?;
        let more = match self.kind().is_security_key() {
            true => Some(security_key::More::read(algorithm, &mut reader)?),
            false => None,
        };
        reader.end()?;
        let message = joined(message);
        match (self.material, more) {
            (Material::Ed25519(key), None) => verify::ed25519(key, &message, signature)?,
            (Material::Ecdsa { curve, point }, None) => {
                verify::ecdsa(curve, point, &message, signature)?;
            }
            (Material::Rsa { exponent, modulus }, None) => {
                verify::rsa(algorithm, exponent, modulus, &message, signature)?;
            }
            (Material::SkEd25519 { key, application }, Some(more)) => {
                let signed = more.signed(application, &message)?;
                verify::ed25519(key, &signed, signature)?;
            }
            (Material::SkEcdsa { point, application }, Some(more)) => {
                let signed = more.signed(application, &message)?;
                verify::ecdsa(super::material::Curve::P256, point, &signed, signature)?;
            }
            _ => return Err(BadSignature),
        }
        Ok(more.map_or_else(Presence::default, |more| more.presence()))
    }
}

/// The libraries want one slice.
pub(super) fn joined<'m>(parts: &[&'m [u8]]) -> Cow<'m, [u8]> {
    match parts {
        [one] => Cow::Borrowed(one),
        parts => Cow::Owned(parts.concat()),
    }
}
