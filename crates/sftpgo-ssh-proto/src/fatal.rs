//! What ends a connection.

use crate::{
    cipher::SealFailed, disconnect::DisconnectReason, packet::BadPacket, random::NoRandomBytes,
    wire::Malformed,
};

/// A rule was broken: the reason, and what the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fatal(pub(crate) DisconnectReason, pub(crate) String);

impl Fatal {
    pub(crate) fn protocol(text: impl Into<String>) -> Self {
        Self(DisconnectReason::ProtocolError, text.into())
    }

    pub(crate) fn key_exchange(text: impl Into<String>) -> Self {
        Self(DisconnectReason::KeyExchangeFailed, text.into())
    }
}

impl From<Malformed> for Fatal {
    fn from(_: Malformed) -> Self {
        Self::protocol("malformed message")
    }
}

impl From<BadPacket> for Fatal {
    fn from(_: BadPacket) -> Self {
        Self(DisconnectReason::MacError, "bad packet".to_owned())
    }
}

impl From<SealFailed> for Fatal {
    fn from(_: SealFailed) -> Self {
        Self(
            DisconnectReason::ByApplication,
            "a packet could not be made".to_owned(),
        )
    }
}

impl From<NoRandomBytes> for Fatal {
    fn from(_: NoRandomBytes) -> Self {
        SealFailed.into()
    }
}
