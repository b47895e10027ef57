//! Global requests (RFC 4254 section 4), and the host keys of a server (OpenSSH PROTOCOL section 2.5).

use crate::{
    core::Core,
    fatal::Fatal,
    number,
    wire::{Reader, put_bool, put_string, put_u8},
};

const HOST_KEYS: &[u8] = b"hostkeys-00@openssh.com";
const PROVE: &[u8] = b"hostkeys-prove-00@openssh.com";

/// Clients that learn host keys. Others have broken connections over a request that they did not know.
const LEARN_HOST_KEYS: [&[u8]; 2] = [b"OpenSSH_", b"AsyncSSH_"];

impl Core {
    pub(crate) fn handle_global_request(&mut self, payload: &[u8]) -> Result<(), Fatal> {
        let mut reader = Reader::new(payload);
        reader.u8()?;
        let name = reader.string()?;
        let wants_reply = reader.bool()?;
        let answer = match name {
            b"no-more-sessions@openssh.com" => {
                self.channels.no_more = true;
                Some(Vec::new())
            }
            // Signatures cost, and without an answer they are for nobody.
            PROVE if wants_reply => self.prove(&mut reader)?,
            _ => None,
        };
        if !wants_reply {
            return Ok(());
        }
        match answer {
            Some(answer) => self.reply(answer.len() + 8, |out| {
                put_u8(out, number::REQUEST_SUCCESS);
                out.extend_from_slice(&answer);
            }),
            None => self.reply(1, |out| put_u8(out, number::REQUEST_FAILURE)),
        }
    }

    /// Tells a client that has logged in which keys the server has.
    pub(crate) fn tell_host_keys(&mut self) -> Result<(), Fatal> {
        let software = self.client_software();
        if !LEARN_HOST_KEYS
            .iter()
            .any(|name| software.starts_with(name))
        {
            return Ok(());
        }
        let mut message = Vec::with_capacity(1024);
        put_u8(&mut message, number::GLOBAL_REQUEST);
        put_string(&mut message, HOST_KEYS);
        put_bool(&mut message, false);
        for key in &self.config.host_keys {
            put_string(&mut message, key.public_blob());
        }
        self.send(message.len(), |out| out.extend_from_slice(&message))
    }

    /// Signatures by all the keys that the client asks about; none if it asks for one that is not here, or twice for one.
    fn prove(&mut self, reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Fatal> {
        let Some(session) = self.keys.session().copied() else {
            return Ok(None);
        };
        let mut proven: Vec<&[u8]> = Vec::new();
        let mut proofs = Vec::new();
        while !reader.rest().is_empty() {
            let blob = reader.string()?;
            let key = self
                .config
                .host_keys
                .iter()
                .find(|key| key.public_blob() == blob);
            let Some(key) = key.filter(|_| !proven.contains(&blob)) else {
                return Ok(None);
            };
            let algorithm = match key.algorithms() {
                algorithms if algorithms.contains(&session.host_key.signature) => {
                    session.host_key.signature
                }
                [first, ..] => *first,
                [] => return Ok(None),
            };
            let mut message = Vec::with_capacity(blob.len() + 128);
            put_string(&mut message, PROVE);
            put_string(&mut message, session.id.as_ref());
            put_string(&mut message, blob);
            let Ok(signature) = key.sign(algorithm, &[&message]) else {
                return Ok(None);
            };
            put_string(&mut proofs, &signature);
            proven.push(blob);
        }
        Ok((!proven.is_empty()).then_some(proofs))
    }
}
