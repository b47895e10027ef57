//! What the operator and the defender hear of logins.

use std::net::SocketAddr;

use super::{Logins, method_of};
use crate::{
    auth::{LoginFailure, LoginFault, LoginSteps, SentName},
    error::Result,
    event::{ConnectionProtocol, Event, LoginMethod, Offence},
};

impl Logins {
    /// A login succeeded by checks that are not this one's.
    pub(crate) fn succeeded(&self, user: &SentName<'_>, method: LoginMethod, remote: SocketAddr) {
        self.tell(user, method, remote, Ok(()));
    }

    /// A login failed before anything was looked up, or by checks that are not this one's.
    pub fn failed(
        &self,
        user: &SentName<'_>,
        method: LoginMethod,
        remote: SocketAddr,
        failure: impl Into<LoginFailure>,
    ) {
        self.tell::<()>(user, method, remote, Err(failure.into()));
    }

    /// A connection without a login has ended in which keys were refused. However many they were, they count once: clients
    /// offer all that they have.
    pub fn keys_refused(&self, remote: SocketAddr, fault: LoginFault) {
        self.count(remote, ConnectionProtocol::Ssh, fault);
    }

    /// A connection has ended in which nothing was shown that could be right or wrong.
    pub fn no_login_tried(&self, remote: SocketAddr) {
        if let Some(defender) = &self.defender {
            let offence = Offence::NoLoginTried;
            defender.count(remote.ip(), ConnectionProtocol::Ssh, offence);
        }
    }

    /// A connection has ended without a login. Where a step of one was taken, the operator hears what is known to whoever left:
    /// it is no wrong credential, and is not counted.
    pub fn not_completed(&self, steps: &LoginSteps, remote: SocketAddr) {
        if let Some(unfinished) = &steps.unfinished {
            let name = SentName::new(unfinished.username.as_bytes());
            let method = method_of(None, unfinished.step);
            let failure = LoginFailure::of_server(unfinished.to_string());
            self.tell::<()>(&name, method, remote, Err(failure));
        }
    }

    /// The connection ended before a credential was sent.
    pub fn nothing_tried(&self, remote: SocketAddr, reason: &str) {
        self.events.emit(&Event::LoginFailed {
            username: "",
            method: LoginMethod::NoneTried,
            remote,
            reason,
        });
    }

    fn count(&self, remote: SocketAddr, protocol: ConnectionProtocol, fault: LoginFault) {
        let offence = match fault {
            LoginFault::Server => return,
            LoginFault::Credential => Offence::LoginFailed,
            LoginFault::UnknownUser => Offence::UserNotFound,
        };
        if let Some(defender) = &self.defender {
            defender.count(remote.ip(), protocol, offence);
        }
    }

    pub(super) fn tell<T>(
        &self,
        user: &SentName<'_>,
        method: LoginMethod,
        remote: SocketAddr,
        outcome: Result<T, LoginFailure>,
    ) -> Option<T> {
        self.events.emit(&Event::LoginAttempt { method });
        let username = user.shown();
        match outcome {
            Ok(logged_in) => {
                self.events.emit(&Event::LoginOk {
                    username,
                    method,
                    remote,
                });
                Some(logged_in)
            }
            Err(failure) => {
                let method = failed_method(method);
                self.events.emit(&Event::LoginFailed {
                    username,
                    method,
                    remote,
                    reason: &user.reason(&failure),
                });
                match method {
                    LoginMethod::Password
                    | LoginMethod::PublicKeyAndPassword
                    | LoginMethod::PublicKeyAndKeyboardInteractive => {
                        self.count(remote, ConnectionProtocol::Ssh, failure.fault());
                    }
                    LoginMethod::Admin => {
                        self.count(remote, ConnectionProtocol::Http, failure.fault());
                    }
                    // Counted when the connection ends.
                    LoginMethod::PublicKey | LoginMethod::NoneTried => {}
                }
                None
            }
        }
    }
}

/// The method by which a login failed: that of the step. Filters of Fail2ban go by its name, and know no other.
fn failed_method(method: LoginMethod) -> LoginMethod {
    match method {
        LoginMethod::PublicKeyAndPassword | LoginMethod::PublicKeyAndKeyboardInteractive => {
            LoginMethod::Password
        }
        other => other,
    }
}
