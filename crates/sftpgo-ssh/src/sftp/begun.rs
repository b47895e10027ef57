//! Requests that have begun and are not done: one of a session, and the next request waits until it is.

use sftpgo_core::transfer::Pending;

use super::{
    engine::{Engine, ok},
    failure::Failure,
    proto::{encode::Replies, kind},
    requests::{
        copy_data::{self, Copy},
        open::{self, Opening},
        receipt::{self, Certifying},
    },
};

/// A request that is not done yet.
pub(super) enum Begun {
    /// A copy, of which a part is done.
    Copy(Copy),
    /// An OPEN that the storage is at.
    Open(Opening),
    /// A change that the storage is at.
    Change(Change),
    /// A receipt whose file is being read.
    Certify(Box<Certifying>),
}

/// A request that is answered by whether it is done.
pub(super) struct Change {
    pub(super) id: u32,
    /// The message's number.
    pub(super) request: u8,
    pub(super) done: Pending<()>,
}

impl Begun {
    /// The request that is answered when it is done.
    pub(super) fn id(&self) -> u32 {
        match self {
            Self::Copy(copy) => copy.id(),
            Self::Open(opening) => opening.id,
            Self::Change(change) => change.id,
            Self::Certify(certifying) => certifying.id(),
        }
    }

    /// The message's number of the request.
    pub(super) fn request(&self) -> u8 {
        match self {
            Self::Copy(_) | Self::Certify(_) => kind::EXTENDED,
            Self::Open(_) => kind::OPEN,
            Self::Change(change) => change.request,
        }
    }

    /// Does what can be done now, and leaves the rest with the engine.
    pub(super) fn go_on(self, engine: &mut Engine, replies: &mut Replies) -> Result<(), Failure> {
        match self {
            Self::Copy(copy) => copy_data::go_on(engine, copy, replies),
            Self::Open(opening) => open::go_on(engine, opening, replies),
            Self::Change(change) => change.go_on(engine, replies),
            Self::Certify(certifying) => receipt::go_on(engine, *certifying, replies),
        }
    }
}

impl Change {
    /// Answers when the storage has; nobody waits for that when the client is gone, and the change is made all the same.
    pub(super) fn go_on(self, engine: &mut Engine, replies: &mut Replies) -> Result<(), Failure> {
        let id = self.id;
        match self.done.wait() {
            Some(_) if engine.is_client_gone() => {}
            Some(wait) => {
                engine.pause_for(wait);
                engine.begun = Some(Begun::Change(self));
                return Ok(());
            }
            None => self.done.outcome()?,
        }
        ok(replies, id)
    }
}
