//! Logging in over SSH: which checks run where, and what the client and the operator hear of it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sftpgo_core::{
    Result,
    auth::{Authenticator, LoggedIn, LoginFailure},
    event::{Event, Events, LoginMethod},
};
use tokio::time::Instant;

use crate::password_pool::PasswordPool;

/// A refused password is answered after this, whatever the reason and the kind of the stored hash, unless
/// the check itself took longer.
const REFUSAL_TIME: Duration = Duration::from_millis(700);

/// The logins of one server.
pub(crate) struct Logins {
    authenticator: Arc<Authenticator>,
    events: Events,
    passwords: PasswordPool,
}

impl Logins {
    pub(crate) fn new(
        authenticator: Arc<Authenticator>,
        events: Events,
        password_checks: usize,
    ) -> Result<Self> {
        Ok(Self {
            authenticator,
            events,
            passwords: PasswordPool::start(password_checks)?,
        })
    }

    /// Logs in with a password when its turn to be verified comes.
    pub(crate) async fn with_password(
        &self,
        username: &str,
        password: &[u8],
        remote: SocketAddr,
    ) -> Option<LoggedIn> {
        let answer_at = Instant::now() + REFUSAL_TIME;
        let authenticator = Arc::clone(&self.authenticator);
        let (name, sent) = (username.to_owned(), password.to_vec());
        let outcome = self
            .passwords
            .run(move || authenticator.with_password(&name, &sent))
            .await;
        let outcome =
            outcome.unwrap_or_else(|| Err(LoginFailure::new("the password could not be verified")));
        let logged_in = self.tell(username, LoginMethod::Password, remote, outcome);
        if logged_in.is_none() {
            tokio::time::sleep_until(answer_at).await;
        }
        logged_in
    }

    /// May this key log this user in, if the client has its private half? Counts as a failed login when not.
    pub(crate) fn accepts_key(&self, username: &str, blob: &[u8], remote: SocketAddr) -> bool {
        match self.authenticator.accepts_key(username, blob) {
            Ok(()) => true,
            Err(failure) => {
                self.tell::<()>(username, LoginMethod::PublicKey, remote, Err(failure));
                false
            }
        }
    }

    /// Logs in with a key whose signature was verified.
    pub(crate) fn with_public_key(
        &self,
        username: &str,
        blob: &[u8],
        remote: SocketAddr,
    ) -> Option<LoggedIn> {
        let outcome = self.authenticator.with_public_key(username, blob);
        self.tell(username, LoginMethod::PublicKey, remote, outcome)
    }

    /// The connection ended before a credential was sent.
    pub(crate) fn nothing_tried(&self, remote: SocketAddr, reason: &str) {
        self.events.emit(&Event::LoginFailed {
            username: "",
            method: LoginMethod::NoneTried,
            remote,
            reason,
        });
    }

    fn tell<T>(
        &self,
        username: &str,
        method: LoginMethod,
        remote: SocketAddr,
        outcome: Result<T, LoginFailure>,
    ) -> Option<T> {
        self.events.emit(&Event::LoginAttempt { method });
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
                self.events.emit(&Event::LoginFailed {
                    username,
                    method,
                    remote,
                    reason: &failure.to_string(),
                });
                None
            }
        }
    }
}
