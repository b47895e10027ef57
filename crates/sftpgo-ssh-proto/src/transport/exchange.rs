//! The computation of one exchange of keys, apart from the connection: it may take milliseconds, and a host may have it done
//! elsewhere.

use std::sync::Arc;

use crate::{
    Config, Random,
    kex::{self, Digest, Group, HashAlgorithm, Kex, Secret, Transcript},
    key::KeyAlgorithm,
    number,
    wire::{put_mpint, put_string, put_u8, put_u32},
};

/// An exchange of keys that waits for its computation.
pub struct Exchange {
    pub(super) config: Arc<Config>,
    pub(super) kex: Kex,
    pub(super) host_key: KeyAlgorithm,
    pub(super) group: Option<ExchangedGroup>,
    pub(super) client_share: Vec<u8>,
    pub(super) idents: [Vec<u8>; 2],
    pub(super) offers: [Vec<u8>; 2],
}

/// A group that client and server have agreed upon (RFC 4419).
#[derive(Debug, Clone, Copy)]
pub(super) struct ExchangedGroup {
    pub(super) group: Group,
    /// As the client asked: the least, the best and the most bits.
    pub(super) asked: [u32; 3],
}

/// What came of it.
pub struct ExchangeDone(pub(super) Option<Done>);

pub(super) struct Done {
    /// The message with the server's share and its signature.
    pub(super) reply: Vec<u8>,
    pub(super) hash: HashAlgorithm,
    pub(super) secret: Secret,
    pub(super) exchange_hash: Digest,
}

impl Exchange {
    /// Does it take more than a few milliseconds of a processor? So it is with finite fields.
    pub fn is_dear(&self) -> bool {
        self.kex.is_dear()
    }

    /// Computes it.
    pub fn run(self, random: &mut dyn Random) -> ExchangeDone {
        ExchangeDone(self.compute(random))
    }

    fn compute(self, random: &mut dyn Random) -> Option<Done> {
        let group = self.group.map(|exchanged| exchanged.group);
        let answer = kex::answer(self.kex, group, &self.client_share, random).ok()?;
        let host_key = self.config.host_key(self.host_key)?;
        let host_key_blob = host_key.blob_for(self.host_key)?;
        let put_share = match self.kex.is_finite_field() {
            true => put_mpint,
            false => put_string,
        };
        let mut shares =
            Vec::with_capacity(self.client_share.len() + answer.server_share.len() + 8);
        if let Some(ExchangedGroup { group, asked }) = self.group {
            asked.iter().for_each(|bits| put_u32(&mut shares, *bits));
            put_mpint(&mut shares, group.prime());
            put_mpint(&mut shares, group.generator());
        }
        put_share(&mut shares, &self.client_share);
        put_share(&mut shares, &answer.server_share);
        let [client_ident, server_ident] = &self.idents;
        let [client_offer, server_offer] = &self.offers;
        let hash = self.kex.hash();
        let exchange_hash = kex::exchange_hash(
            hash,
            &Transcript {
                client_ident,
                server_ident,
                client_kexinit: client_offer,
                server_kexinit: server_offer,
                host_key: host_key_blob,
                shares: &shares,
            },
            &answer.secret,
        );
        let signature = host_key
            .sign(self.host_key.signature, &[exchange_hash.as_ref()])
            .ok()?;
        let mut reply = Vec::with_capacity(1024 + answer.server_share.len());
        put_u8(
            &mut reply,
            match self.group {
                Some(_) => number::GEX_REPLY,
                None => number::KEX_REPLY,
            },
        );
        put_string(&mut reply, host_key_blob);
        put_share(&mut reply, &answer.server_share);
        put_string(&mut reply, &signature);
        Some(Done {
            reply,
            hash,
            secret: answer.secret,
            exchange_hash,
        })
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("kex", &self.kex)
            .field("host_key", &self.host_key)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ExchangeDone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ExchangeDone")
            .field(&self.0.is_some())
            .finish()
    }
}
