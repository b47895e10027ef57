//! The course of an exchange: offers, the client's share, the answer, new keys.

use std::{sync::Arc, time::Duration};

use super::{
    Exchange, ExchangeDone, ExchangedGroup, Exchanging, Keys, Offered, Session, Stage,
    derived_keys::Letters,
};
use crate::{
    Event,
    cipher::{Opener, Sealer},
    compress::{Deflater, Inflater},
    core::Core,
    fatal::Fatal,
    identification,
    kex::{self, Digest},
    modern::{is_modern, waits_for_the_server},
    negotiate::{Agreed, ClientOffer, Needs, ServerOffer},
    number,
    packet::NewInbound,
    wire::{Reader, put_mpint, put_u8},
};

/// No method has a share of more bytes: ML-KEM-768's with a point of P-256 has 1,249.
const LONGEST_SHARE: usize = 2 * 1024;

impl Keys {
    /// Which messages may come now, by their number alone.
    pub(crate) fn check_may_come(&self, number: u8) -> Result<(), Fatal> {
        let is_of_the_method = number::KEX_METHOD.contains(&number);
        let is_wanted = match &self.stage {
            // What belongs to no exchange is not known, once there are keys.
            Stage::Idle | Stage::Offered(_) => {
                number != number::NEWKEYS && (!is_of_the_method || self.session.is_some())
            }
            Stage::Agreed(_) => is_of_the_method,
            Stage::Ready(..) | Stage::Computing(_) => false,
            Stage::Answered(_) => number == number::NEWKEYS,
        };
        let is_aside = matches!(
            number,
            number::IGNORE | number::UNIMPLEMENTED | number::DEBUG
        );
        let may_be_aside = !(self.is_strict && self.is_first());
        if is_wanted || (self.has_clients_offer() && is_aside && may_be_aside) {
            return Ok(());
        }
        Err(Fatal::protocol(format!(
            "message {number} does not belong into the exchange of keys"
        )))
    }

    /// Is this the packet of a wrong guess (RFC 4253 section 7)? A guess is a message of a method; nothing else may pass for one.
    pub(crate) fn skips(&mut self, number: u8) -> bool {
        number::KEX_METHOD.contains(&number) && std::mem::take(&mut self.skips_next)
    }

    pub(crate) fn is_computing(&self) -> bool {
        matches!(self.stage, Stage::Ready(..) | Stage::Computing(_))
    }
}

impl Core {
    /// The client has said who it is. Its offer comes first, unless it is known to wait for the server's.
    pub(crate) fn identified(&mut self, server: &[u8], client: &[u8]) -> Result<(), Fatal> {
        self.keys.idents = [client.to_vec(), server.to_vec()];
        match waits_for_the_server(self.client_software()) {
            true => self.stop_waiting(),
            false => Ok(()),
        }
    }

    /// How long the client's offer is waited for: one that is known to need nothing old loses nothing by hearing the server's
    /// first.
    pub(crate) fn patience(&self) -> Duration {
        match is_modern(self.client_software()) {
            true => Duration::from_millis(250),
            false => Duration::from_secs(2),
        }
    }

    /// Sends the first KEXINIT to a client that has sent none, by what its name tells of it.
    pub(crate) fn stop_waiting(&mut self) -> Result<(), Fatal> {
        if self.keys.session.is_some() || !matches!(self.keys.stage, Stage::Idle) {
            return Ok(());
        }
        self.keys.needs = match is_modern(self.client_software()) {
            true => None,
            false => Some(Needs::of_old_clients()),
        };
        self.offer()
    }

    pub(crate) fn client_identification(&self) -> &[u8] {
        let [client, _] = &self.keys.idents;
        client
    }

    pub(crate) fn client_software(&self) -> &[u8] {
        identification::software(self.client_identification())
    }

    /// Sends the server's KEXINIT, unless that has been done.
    pub(crate) fn begin_exchange(&mut self) -> Result<(), Fatal> {
        match self.keys.stage {
            Stage::Idle => self.offer(),
            _ => Ok(()),
        }
    }

    /// Begins an exchange when the keys in use have done enough.
    pub(crate) fn exchange_when_due(&mut self, inbound_is_due: bool) -> Result<(), Fatal> {
        let is_due = inbound_is_due || self.out.is_due(self.config.rekey_after);
        match is_due && self.is_logged_in() {
            true => self.begin_exchange(),
            false => Ok(()),
        }
    }

    fn offer(&mut self) -> Result<(), Fatal> {
        let known = self.keys.session.map(|session| session.host_key);
        let offer = ServerOffer::new(&self.config, self.keys.needs, known);
        let mut cookie = [0; 16];
        self.out.random().fill(&mut cookie)?;
        let message = offer.message(cookie, self.keys.session.is_none());
        self.out
            .packet(message.len(), |out| out.extend_from_slice(&message))?;
        self.keys.stage = Stage::Offered(Box::new(Offered { offer, message }));
        Ok(())
    }

    pub(crate) fn handle_kexinit<'a>(
        &mut self,
        payload: &'a [u8],
        sequence: u32,
    ) -> Result<Option<Event<'a>>, Fatal> {
        let client = ClientOffer::parse(payload)?;
        let is_first = self.keys.session.is_none();
        if is_first {
            self.keys.is_strict = client.is_strict();
            self.keys.takes_ext_info = client.takes_ext_info();
            if self.keys.is_strict && sequence != 0 {
                return Err(Fatal::protocol(
                    "strict key exchange: a message came before KEXINIT",
                ));
            }
        } else if matches!(self.keys.stage, Stage::Idle) {
            self.keys.client_rekeys = self.keys.client_rekeys.saturating_add(1);
            if self.keys.client_rekeys > 1 && !self.is_logged_in() {
                return Err(Fatal::protocol(
                    "too many exchanges of keys before the login",
                ));
            }
        }
        if matches!(self.keys.stage, Stage::Idle) {
            if is_first {
                self.keys.needs = Some(client.needs(&self.config));
            }
            self.offer()?;
        }
        let Stage::Offered(ours) = std::mem::take(&mut self.keys.stage) else {
            return Err(Fatal::protocol("KEXINIT within an exchange of keys"));
        };
        let agreed = ours.offer.agree(&client).map_err(Fatal::key_exchange)?;
        self.keys.skips_next = agreed.skip_guess;
        self.keys.stage = Stage::Agreed(Box::new(Exchanging {
            agreed,
            offers: [payload.to_vec(), ours.message],
            group: None,
        }));
        Ok(None)
    }

    /// A message whose meaning the method of the exchange decides.
    pub(crate) fn handle_kex_method<'a>(
        &mut self,
        payload: &'a [u8],
        sequence: u32,
    ) -> Result<Option<Event<'a>>, Fatal> {
        let Stage::Agreed(exchanging) = &mut self.keys.stage else {
            return self.unimplemented(sequence);
        };
        let kex = exchanging.agreed.kex;
        let mut reader = Reader::new(payload);
        let is_share = match (reader.u8()?, kex.is_group_exchange()) {
            (number::KEX_INIT, false) => true,
            (number::GEX_INIT, true) if exchanging.group.is_some() => true,
            (number::GEX_REQUEST, true) if exchanging.group.is_none() => false,
            _ if self.keys.is_strict && self.keys.session.is_none() => {
                return Err(Fatal::protocol(
                    "a message of another method of key exchange",
                ));
            }
            _ => return self.unimplemented(sequence),
        };
        if !is_share {
            let asked = [reader.u32()?, reader.u32()?, reader.u32()?];
            reader.end()?;
            let [min, best, max] = asked;
            let group = kex::choose_group(min, best, max)
                .ok_or_else(|| Fatal::key_exchange("no group of the size that was asked for"))?;
            exchanging.group = Some(ExchangedGroup { group, asked });
            self.out.packet(2 * 1024, |out| {
                put_u8(out, number::GEX_GROUP);
                put_mpint(out, group.prime());
                put_mpint(out, group.generator());
            })?;
            return Ok(None);
        }
        let share = match kex.is_finite_field() {
            true => reader.mpint()?,
            false => reader.string()?,
        };
        reader.end()?;
        if share.len() > LONGEST_SHARE {
            return Err(Fatal::key_exchange("the share is longer than any"));
        }
        self.get_ready(share.to_vec()).map(Some)
    }

    fn get_ready<'a>(&mut self, client_share: Vec<u8>) -> Result<Event<'a>, Fatal> {
        let Stage::Agreed(exchanging) = std::mem::take(&mut self.keys.stage) else {
            return Err(Fatal::protocol("an exchange of keys without a beginning"));
        };
        let agreed = exchanging.agreed;
        let exchange = Exchange {
            config: Arc::clone(&self.config),
            kex: agreed.kex,
            host_key: agreed.host_key,
            group: exchanging.group,
            client_share,
            idents: self.keys.idents.clone(),
            offers: exchanging.offers,
        };
        self.keys.stage = Stage::Ready(Box::new(exchange), agreed);
        Ok(Event::ExchangeKeys {
            first: self.keys.session.is_none(),
        })
    }

    pub(crate) fn take_exchange(&mut self) -> Option<Exchange> {
        let agreed = match &self.keys.stage {
            Stage::Ready(_, agreed) => *agreed,
            _ => return None,
        };
        match std::mem::replace(&mut self.keys.stage, Stage::Computing(agreed)) {
            Stage::Ready(exchange, _) => Some(*exchange),
            _ => None,
        }
    }

    pub(crate) fn finish_exchange(&mut self, done: ExchangeDone) -> Result<(), Fatal> {
        let Stage::Computing(agreed) = &self.keys.stage else {
            return Ok(());
        };
        let agreed = *agreed;
        let done = done
            .0
            .ok_or_else(|| Fatal::key_exchange("the exchange of keys failed"))?;
        let session = self.session_of(done.exchange_hash, &agreed);
        let Agreed {
            inbound, outbound, ..
        } = &agreed;
        let sealer = done
            .derived_keys(outbound, &session, Letters::TO_CLIENT)
            .sealer(outbound)?;
        let opener = done
            .derived_keys(inbound, &session, Letters::TO_SERVER)
            .opener(inbound)?;
        self.use_keys(&agreed, session, &done.reply, sealer, opener)
    }

    /// The session, which the first exchange makes.
    pub(super) fn session_of(&self, exchange_hash: Digest, agreed: &Agreed) -> Session {
        self.keys.session.unwrap_or(Session {
            id: exchange_hash,
            host_key: agreed.host_key,
        })
    }

    /// From here on the server's packets go under the new keys; the client's do from its NEWKEYS on.
    pub(super) fn use_keys(
        &mut self,
        agreed: &Agreed,
        session: Session,
        reply: &[u8],
        sealer: Sealer,
        opener: Opener,
    ) -> Result<(), Fatal> {
        let Agreed {
            inbound, outbound, ..
        } = agreed;
        let is_first = self.keys.session.is_none();
        self.keys.session = Some(session);
        self.out
            .packet(reply.len(), |out| out.extend_from_slice(reply))?;
        self.out.packet(1, |out| put_u8(out, number::NEWKEYS))?;
        let is_on = self.is_logged_in();
        let deflater = (is_on && outbound.zlib).then(Deflater::new);
        self.out.change(sealer, outbound.cipher.is_cbc(), deflater);
        if self.keys.is_strict {
            self.out.reset_sequence();
        }
        self.zlib = [inbound.zlib, outbound.zlib];
        self.keys.stage = Stage::Answered(Box::new(NewInbound {
            opener,
            is_cbc: inbound.cipher.is_cbc(),
            inflater: (is_on && inbound.zlib).then(Inflater::new),
            resets_sequence: self.keys.is_strict,
            is_first,
        }));
        if is_first && self.keys.takes_ext_info {
            self.send_ext_info()?;
        }
        while let Some(message) = self.deferred.pop_front() {
            self.out
                .packet(message.len(), |out| out.extend_from_slice(&message))?;
        }
        self.grant_all()
    }

    pub(crate) fn handle_newkeys<'a>(
        &mut self,
        payload: &'a [u8],
    ) -> Result<Option<Event<'a>>, Fatal> {
        if payload.len() != 1 {
            return Err(crate::Malformed.into());
        }
        let Stage::Answered(new) = std::mem::take(&mut self.keys.stage) else {
            return Err(Fatal::protocol("NEWKEYS without an exchange of keys"));
        };
        self.keys.new_inbound = Some(*new);
        Ok(Some(Event::KeysExchanged))
    }
}

#[cfg(test)]
mod tests;
