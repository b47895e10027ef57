//! Logging in over SSH: which checks run where, and what the client and the operator hear of it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use sftpgo_core::{
    Result,
    auth::{Authenticator, LoggedIn, LoginFailure, password::MAX_PASSWORD_LEN},
    event::{Event, Events, LoginMethod},
};
use tokio::time::Instant;

use crate::{
    config::Limits,
    password_pool::{NotChecked, PasswordPool},
    password_queue::Asker,
};

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
        limits: &Limits,
    ) -> Result<Self> {
        let threads = limits.password_checks.max(1);
        let passwords = PasswordPool::start(threads, limits.queued_password_checks)?;
        Ok(Self {
            authenticator,
            events,
            passwords,
        })
    }

    /// Logs in with a password when its turn to be verified comes.
    pub(crate) async fn with_password(
        &self,
        username: &str,
        password: &[u8],
        remote: SocketAddr,
    ) -> Option<LoggedIn> {
        let asked = Instant::now();
        let login = self.authenticator.begin_with_password(username);
        let queued = Instant::now();
        let authenticator = Arc::clone(&self.authenticator);
        // What is too long stays so, and does not fill the memory while it waits.
        let sent = password
            .get(..=MAX_PASSWORD_LEN)
            .unwrap_or(password)
            .to_vec();
        let asker = Asker::new(remote.ip(), username);
        let checked = self
            .passwords
            .run(asker, move || authenticator.verify(login, &sent))
            .await;
        let (outcome, began) = match checked {
            Ok((verified, began)) => {
                let admit = |login| self.authenticator.admit_verified(login, password);
                (verified.and_then(admit), began)
            }
            Err(not_checked) => (Err(failure_of(&not_checked)), Instant::now()),
        };
        let logged_in = self.tell(username, LoginMethod::Password, remote, outcome);
        if logged_in.is_none() {
            let time = self.authenticator.refusal_time().get();
            tokio::time::sleep_until(refused_at(asked, began - queued, time)).await;
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

    /// A key was accepted, and no valid signature by it came.
    pub(crate) fn unsigned(&self, username: &str, remote: SocketAddr) {
        let failure = LoginFailure::new("no valid signature came by a key that is accepted");
        self.tell::<()>(username, LoginMethod::PublicKey, remote, Err(failure));
    }

    /// A key was offered with an algorithm that is not accepted.
    pub(crate) fn outdated_algorithm(&self, username: &str, algorithm: &str, remote: SocketAddr) {
        let failure = LoginFailure::new(format!("signatures of {algorithm:?} are not accepted"));
        self.tell::<()>(username, LoginMethod::PublicKey, remote, Err(failure));
    }

    /// Keyboard-interactive asks for one password, and something else came.
    pub(crate) fn wrong_number_of_answers(&self, username: &str, remote: SocketAddr) {
        let failure = LoginFailure::new("not one answer to one question");
        self.tell::<()>(username, LoginMethod::Password, remote, Err(failure));
    }

    /// A user name or password came that is no text; which one, and whose, is not known.
    pub(crate) fn not_utf8(&self, remote: SocketAddr) {
        let failure = LoginFailure::new("the user name or the password is not UTF-8");
        self.tell::<()>("", LoginMethod::Password, remote, Err(failure));
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

/// When a refusal is answered to who asked at `asked` and waited for a turn: what was checked then, and how long that
/// took, makes no difference.
fn refused_at(asked: Instant, waited: Duration, refusal_time: Duration) -> Instant {
    asked + waited + refusal_time
}

fn failure_of(not_checked: &NotChecked) -> LoginFailure {
    LoginFailure::new(match not_checked {
        NotChecked::Full => {
            "the password was not verified, because too many others wait to be verified"
        }
        NotChecked::Panicked => "the password could not be verified",
    })
}
