//! A user's key, and requests that it signs (RFC 4252 section 7).

use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::{
    client::Client,
    messages,
    wire::{message, string},
};

pub(crate) struct UserKey(Ed25519KeyPair);

impl UserKey {
    pub(crate) fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    pub(crate) fn blob(&self) -> Vec<u8> {
        let key = self.0.public_key().as_ref();
        [string("ssh-ed25519"), string(key)].concat()
    }

    /// With a signature, or asking whether that is worth it.
    pub(crate) fn request(&self, client: &Client, user: &str, is_signed: bool) -> Vec<u8> {
        let request = messages::request(user, "publickey")
            .bool(is_signed)
            .string("ssh-ed25519")
            .string(self.blob())
            .done();
        match is_signed {
            true => self.signed(&client.session, request),
            false => request,
        }
    }

    /// OpenSSH PROTOCOL section 1.10: the server's key is part of what is signed.
    pub(crate) fn bound(&self, client: &Client, user: &str, host_key: &[u8]) -> Vec<u8> {
        let request = messages::request(user, "publickey-hostbound-v00@openssh.com")
            .bool(true)
            .string("ssh-ed25519")
            .string(self.blob())
            .string(host_key)
            .done();
        self.signed(&client.session, request)
    }

    pub(crate) fn signed(&self, session: &[u8], mut request: Vec<u8>) -> Vec<u8> {
        let signature = self.signature(session, &request);
        request.extend(string(signature));
        request
    }

    pub(crate) fn signature(&self, session: &[u8], request: &[u8]) -> Vec<u8> {
        let data = [&string(session), request].concat();
        let signature = self.0.sign(&data);
        message(0)
            .string("ssh-ed25519")
            .string(signature.as_ref())
            .done()
            .split_off(1)
    }
}
