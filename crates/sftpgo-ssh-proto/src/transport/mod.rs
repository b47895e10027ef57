//! Keys: when they are exchanged, and what may pass meanwhile (RFC 4253 sections 7 and 9, OpenSSH PROTOCOL sections 1.10 and 1.11).

mod derived_keys;
mod exchange;
mod keys;
mod messages;
#[cfg(feature = "fuzzing")]
pub(crate) mod null;

use self::exchange::ExchangedGroup;
pub use self::exchange::{Exchange, ExchangeDone};
use crate::{
    kex::Digest,
    key::KeyAlgorithm,
    negotiate::{Agreed, Needs, ServerOffer},
    packet::NewInbound,
};

/// Messages that wait until keys are exchanged; a client that makes the server owe more is told to go.
pub(crate) const MOST_DEFERRED: usize = 64;

/// What a connection knows of its keys.
#[derive(Default)]
pub(crate) struct Keys {
    stage: Stage,
    /// The identification lines, the client's first, as they enter each exchange.
    idents: [Vec<u8>; 2],
    /// The hash of the first exchange (RFC 4253 section 7.2).
    session: Option<Session>,
    is_strict: bool,
    takes_ext_info: bool,
    /// The client has named its own extensions.
    ext_info_came: bool,
    /// As the first exchange showed them, for all exchanges: old clients have to find in the later ones what they use.
    needs: Option<Needs>,
    /// The next packet is a wrong guess.
    skips_next: bool,
    /// Exchanges that the client began after the first.
    client_rekeys: u32,
    /// For the client's packets behind its NEWKEYS, which has come.
    pub(crate) new_inbound: Option<NewInbound>,
}

/// What stays of the first exchange for the life of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    pub(crate) id: Digest,
    /// The host key that the client knows this connection by.
    pub(crate) host_key: KeyAlgorithm,
}

/// How far an exchange is.
#[derive(Default)]
enum Stage {
    /// None is under way.
    #[default]
    Idle,
    /// Ours is sent, and the client's has not come.
    Offered(Box<Offered>),
    /// Both know what they use; the client's share has to come.
    Agreed(Box<Exchanging>),
    /// The host has to compute.
    Ready(Box<Exchange>, Agreed),
    /// It computes.
    Computing(Agreed),
    /// Ours is done, and the client's NEWKEYS has to come.
    Answered(Box<NewInbound>),
}

/// The server's KEXINIT.
struct Offered {
    offer: ServerOffer,
    message: Vec<u8>,
}

struct Exchanging {
    agreed: Agreed,
    /// The client's KEXINIT and the server's.
    offers: [Vec<u8>; 2],
    group: Option<ExchangedGroup>,
}

impl Keys {
    #[cfg(test)]
    pub(crate) fn after_the_first_exchange(host_key: KeyAlgorithm) -> Self {
        let id = crate::kex::HashAlgorithm::Sha256.digest(&[]);
        Self {
            session: Some(Session { id, host_key }),
            ..Self::default()
        }
    }

    /// The first exchange, once it is over.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Are keys in use in both directions?
    pub(crate) fn is_encrypted(&self) -> bool {
        self.session.is_some() && !self.is_first()
    }

    /// Is the first exchange still under way, or to come?
    fn is_first(&self) -> bool {
        match &self.stage {
            Stage::Answered(new) => new.is_first,
            _ => self.session.is_none(),
        }
    }

    /// May messages other than those of the transport be sent (RFC 4253 section 7.1)?
    pub(crate) fn may_send(&self) -> bool {
        matches!(self.stage, Stage::Idle | Stage::Answered(_))
    }

    /// Must the client send nothing but what the exchange needs?
    fn has_clients_offer(&self) -> bool {
        !matches!(self.stage, Stage::Idle | Stage::Offered(_))
    }
}
