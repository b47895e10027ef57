//! Logging in over SSH: which checks run where, and what the client and the operator hear of it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sftpgo_core::{
    Result,
    auth::{Authenticator, LoggedIn, LoginFailure},
    event::{Event, Events, LoginMethod},
};
use tokio::time::Instant;

use crate::password_pool::PasswordPool;

/// A refused password is answered no sooner than this, whatever the reason and the kind of the stored hash.
const REFUSAL_TIME: Duration = Duration::from_millis(700);
/// Where a check took longer, others wait as long, up to this.
const MAX_REFUSAL_TIME: Duration = Duration::from_secs(5);

/// The logins of one server.
pub(crate) struct Logins {
    authenticator: Arc<Authenticator>,
    events: Events,
    passwords: PasswordPool,
    slowest: Arc<SlowestCheck>,
}

/// The longest that a password check took lately, in milliseconds: hashes that cost more than others must not
/// tell by the time of a refusal that there is such a user.
#[derive(Default)]
struct SlowestCheck(AtomicU64);

impl SlowestCheck {
    fn measure<T>(&self, check: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let outcome = check();
        let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.remember(took);
        outcome
    }

    /// A busy moment makes all checks slow; it is forgotten over the next ones.
    fn remember(&self, took: u64) {
        let update = |slowest: u64| Some(took.max(slowest - slowest / 16));
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
    }

    /// How long a refusal takes.
    fn refusal_time(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed)).clamp(REFUSAL_TIME, MAX_REFUSAL_TIME)
    }
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
            slowest: Arc::default(),
        })
    }

    /// Logs in with a password when its turn to be verified comes.
    pub(crate) async fn with_password(
        &self,
        username: &str,
        password: &[u8],
        remote: SocketAddr,
    ) -> Option<LoggedIn> {
        let asked_at = Instant::now();
        let authenticator = Arc::clone(&self.authenticator);
        let slowest = Arc::clone(&self.slowest);
        let (name, sent) = (username.to_owned(), password.to_vec());
        let outcome = self
            .passwords
            .run(move || slowest.measure(|| authenticator.with_password(&name, &sent)))
            .await;
        let outcome =
            outcome.unwrap_or_else(|| Err(LoginFailure::new("the password could not be verified")));
        let logged_in = self.tell(username, LoginMethod::Password, remote, outcome);
        if logged_in.is_none() {
            tokio::time::sleep_until(asked_at + self.slowest.refusal_time()).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_takes_as_long_as_the_slowest_check_within_bounds() {
        let slowest = SlowestCheck::default();
        assert_eq!(slowest.refusal_time(), REFUSAL_TIME);
        for (took, expected) in [(100, 700), (1_600, 1_600), (900, 1_500), (60_000, 5_000)] {
            slowest.remember(took);
            assert_eq!(slowest.refusal_time().as_millis(), expected);
        }
        for _ in 0..100 {
            slowest.remember(50);
        }
        assert_eq!(slowest.refusal_time(), REFUSAL_TIME);
        assert_eq!(slowest.measure(|| 7), 7);
    }
}
