//! A connection that is logged in and has no session that is listed is listed itself: an operator sees who is connected.

use std::time::{Duration, Instant};

use sftpgo_core::registry::ConnectionGuard;

/// The time that a connection without a session is not listed itself. One that begins a session with the login, and leaves
/// with the last one, as most do, is not listed in between: an operator who closes what is in the list finds it there.
const LINGERS: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Presence {
    /// The entry of the connection itself; none before the login and after the end.
    itself: Option<ConnectionGuard>,
    /// Sessions that are listed.
    sessions: usize,
    /// When the connection itself is listed, if no session begins before.
    due: Option<Instant>,
}

impl Presence {
    /// The login succeeded, and `itself` is listed if no session begins soon.
    pub(super) fn begin(&mut self, itself: ConnectionGuard, now: Instant) {
        self.itself = Some(itself);
        self.due = Some(now + LINGERS);
    }

    /// A session that is listed begins.
    pub(super) fn enter(&mut self) {
        self.sessions += 1;
        self.due = None;
        if let Some(itself) = &self.itself {
            itself.unlist();
        }
    }

    /// Such a session has ended.
    pub(super) fn leave(&mut self, now: Instant) {
        self.sessions = self.sessions.saturating_sub(1);
        if self.sessions == 0 && self.itself.is_some() {
            self.due = Some(now + LINGERS);
        }
    }

    /// Returns when [`Presence::look`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Lists the connection itself when it is time.
    pub(super) fn look(&mut self, now: Instant) {
        if self.due.is_some_and(|due| now >= due) {
            self.due = None;
            if let Some(itself) = &self.itself {
                itself.touch();
                itself.list();
            }
        }
    }

    /// The connection has ended.
    pub(super) fn end(&mut self) {
        self.itself = None;
        self.due = None;
    }
}
