//! Why a request is not done, and why a session ends.

use std::time::Duration;

use sftpgo_core::Error;

use super::proto::decode::Malformed;

/// Why a session is over before the client ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionEnd;

impl From<Malformed> for SessionEnd {
    fn from(_: Malformed) -> Self {
        Self
    }
}

/// Why a request was not done.
pub(super) enum Failure {
    /// The packet does not follow the protocol.
    Malformed,
    /// The client is told.
    Refused(Error),
    /// READ or READDIR at the end.
    Eof,
    /// Nothing was done: it is tried again after this.
    NotYet(Duration),
}

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
