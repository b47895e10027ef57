//! What security keys sign in place of the message (OpenSSH PROTOCOL.u2f).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

use crate::wire::{Malformed, Reader};

use super::{
    algorithm::SignatureAlgorithm,
    public::{BadSignature, Presence},
};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
/// The device's own data of a registration, which no login has.
const ATTESTED: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// What follows the signature proper.
#[derive(Debug, Clone, Copy)]
pub(super) struct More<'a> {
    flags: u8,
    counter: u32,
    webauthn: Option<Webauthn<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Webauthn<'a> {
    origin: &'a [u8],
    client_data: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> More<'a> {
    pub(super) fn read(
        algorithm: SignatureAlgorithm,
        reader: &mut Reader<'a>,
    ) -> Result<Self, Malformed> {
        let (flags, counter) = (reader.u8()?, reader.u32()?);
        let webauthn = match algorithm {
            SignatureAlgorithm::WebauthnSkEcdsaNistP256 => Some(Webauthn {
                origin: reader.string()?,
                client_data: reader.string()?,
                extensions: reader.string()?,
            }),
            _ => None,
        };
        Ok(Self {
            flags,
            counter,
            webauthn,
        })
    }

    pub(super) fn presence(&self) -> Presence {
        Presence {
            is_security_key: true,
            user_present: self.flags & USER_PRESENT != 0,
            user_verified: self.flags & USER_VERIFIED != 0,
            counter: self.counter,
        }
    }

    /// The bytes that the device signed to sign `message`.
    pub(super) fn signed(
        &self,
        application: &[u8],
        message: &[u8],
    ) -> Result<Vec<u8>, BadSignature> {
        let mut signed = digest(&SHA256, application).as_ref().to_vec();
        signed.push(self.flags);
        signed.extend_from_slice(&self.counter.to_be_bytes());
        let challenge = match &self.webauthn {
            None => message,
            Some(webauthn) => {
                webauthn.check(self.flags, message)?;
                signed.extend_from_slice(webauthn.extensions);
                webauthn.client_data
            }
        };
        signed.extend_from_slice(digest(&SHA256, challenge).as_ref());
        Ok(signed)
    }
}

impl Webauthn<'_> {
    /// A browser signs a JSON text that holds the message and its own origin. The text begins in one way only (W3C Web
    /// Authentication section 5.8.1.1), so that nobody has to parse it; what follows the origin does not matter.
    fn check(&self, flags: u8, message: &[u8]) -> Result<(), BadSignature> {
        if self.origin.contains(&b'"')
            || flags & ATTESTED != 0
            || (flags & EXTENSIONS != 0) == self.extensions.is_empty()
        {
            return Err(BadSignature);
        }
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(message);
        let rest = [
            &br#"{"type":"webauthn.get","challenge":""#[..],
            challenge.as_bytes(),
            br#"","origin":""#,
            self.origin,
            br#"""#,
        ]
        .into_iter()
        .try_fold(self.client_data, |rest, part| rest.strip_prefix(part));
        rest.map(|_| ()).ok_or(BadSignature)
    }
}
