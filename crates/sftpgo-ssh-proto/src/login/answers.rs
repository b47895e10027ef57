//! What the client hears of its requests to log in.

use super::AuthMethod;
use crate::{
    DisconnectReason,
    compress::{Deflater, Inflater},
    core::Core,
    fatal::Fatal,
    number,
    wire::{put_bool, put_name_list, put_string, put_u8, put_u32},
};

/// As OpenSSH says it.
pub(super) fn too_many() -> Fatal {
    Fatal(
        DisconnectReason::NoMoreAuthMethods,
        "Too many authentication failures".to_owned(),
    )
}

impl Core {
    pub(super) fn log_in(&mut self) -> Result<(), Fatal> {
        self.out
            .packet(1, |out| put_u8(out, number::USERAUTH_SUCCESS))?;
        self.login = None;
        self.login_opens_inbound = true;
        let [_, outbound] = self.zlib;
        self.out.compress(outbound.then(Deflater::new));
        self.tell_host_keys()
    }

    /// How the client's packets are decompressed from its login on (`zlib@openssh.com`).
    pub(crate) fn inflater(&self) -> Option<Inflater> {
        let [inbound, _] = self.zlib;
        inbound.then(Inflater::new)
    }

    /// What can go on, and whether the request was a success as far as it goes (RFC 4252 section 5.1).
    pub(super) fn failure(&mut self, methods: &[AuthMethod], partial: bool) -> Result<(), Fatal> {
        Ok(self.out.packet(64, |out| {
            put_u8(out, number::USERAUTH_FAILURE);
            put_name_list(out, methods.iter().map(|method| method.name()));
            put_bool(out, partial);
        })?)
    }

    /// RFC 4252 section 7: the algorithm and the key as they were offered.
    pub(super) fn key_is_good(&mut self) -> Result<(), Fatal> {
        let offered = self.login.as_mut().and_then(|login| login.offered.take());
        let (algorithm, blob) = offered.unwrap_or_default();
        Ok(self.out.packet(blob.len() + 64, |out| {
            put_u8(out, number::USERAUTH_METHOD_ANSWER);
            put_string(out, algorithm.as_bytes());
            put_string(out, &blob);
        })?)
    }

    /// RFC 4252 section 8.
    pub(super) fn ask_for_new_password(&mut self, prompt: &str) -> Result<(), Fatal> {
        if let Some(login) = self.login.as_mut() {
            login.wants_new_password = true;
        }
        Ok(self.out.packet(prompt.len() + 16, |out| {
            put_u8(out, number::USERAUTH_METHOD_ANSWER);
            put_string(out, prompt.as_bytes());
            put_string(out, b"");
        })?)
    }

    /// RFC 4256 section 3.2.
    pub(super) fn ask_questions(
        &mut self,
        name: &str,
        instruction: &str,
        prompts: &[(String, bool)],
    ) -> Result<(), Fatal> {
        let count = u32::try_from(prompts.len()).unwrap_or(u32::MAX);
        if let Some(login) = self.login.as_mut() {
            login.questions = Some(count);
        }
        Ok(self.out.packet(256, |out| {
            put_u8(out, number::USERAUTH_METHOD_ANSWER);
            put_string(out, name.as_bytes());
            put_string(out, instruction.as_bytes());
            put_string(out, b"");
            put_u32(out, count);
            for (prompt, is_shown) in prompts {
                put_string(out, prompt.as_bytes());
                put_bool(out, *is_shown);
            }
        })?)
    }
}
