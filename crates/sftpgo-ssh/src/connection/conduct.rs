//! What a client showed before it left without a login, as the defender counts it.

use std::net::SocketAddr;

use sftpgo_core::auth::{LoginFault, Logins};

use super::{thread::Ended, warden::TOO_LATE};

/// How a connection went on which nobody is logged in.
#[derive(Debug, Default)]
pub(super) struct Conduct {
    /// A password was sent, which is counted when it is refused, or a key was proved to be there.
    has_shown_credential: bool,
    /// Keys count once, as the worst of them.
    refused_key: Option<LoginFault>,
}

impl Conduct {
    pub(super) fn credential_shown(&mut self) {
        self.has_shown_credential = true;
    }

    pub(super) fn key_refused(&mut self, fault: LoginFault) {
        self.refused_key = self.refused_key.max(Some(fault));
    }

    /// The connection has ended. One in which only the methods or an accepted key were asked for showed nothing that could be
    /// wrong. One that we closed for others shows nothing at all.
    pub(super) fn tell(&self, logins: &Logins, remote: SocketAddr, ended: &Ended) {
        match self.refused_key {
            Some(fault) => logins.keys_refused(remote, fault),
            None if self.has_shown_credential => {}
            None if ended.is_closed_here && ended.reason != TOO_LATE => {}
            None => logins.no_login_tried(remote),
        }
    }
}
