//! A connection that is logged in and has no session that is listed is listed itself: an operator sees who is connected.

use std::time::{Duration, Instant};

use sftpgo_core::registry::ConnectionGuard;

/// Who leaves with the last session, as most do, is gone by then and not listed once more.
const LINGERS: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Presence {
    /// The entry of the connection itself; none before the login and after the end.
    itself: Option<ConnectionGuard>,
    /// Sessions that are listed.
    sessions: usize,
    /// When the connection itself is listed again, if no session begins before.
    due: Option<Instant>,
}

impl Presence {
    /// The login succeeded, and `itself` is listed.
    pub(super) fn begin(&mut self, itself: ConnectionGuard) {
        self.itself = Some(itself);
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

    /// When [`Presence::look`] has something to do.
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
