//! Asking the ledger for room, and telling it that the user is dirty, while nobody waits for the answer.
//!
//! A connection has one thread for all that goes on in it. While a store is slow, an operation that has to wait for it would
//! hold up the others. So whoever can come back later asks here first; when the operation is done then, the answer is known.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use super::account::QuotaAccount;
use crate::{storage_usage::UsageDelta, sync::lock, usage::Headroom};

/// The time after which a caller looks again whether there is an answer: soon at first, and seldom while a store hangs, for
/// many may wait.
const SOON: Duration = Duration::from_millis(5);
const SELDOM: Duration = Duration::from_millis(50);

/// The time for which an answer holds that says that there is no room, or that nobody takes the mark: whoever waits for it
/// has to come back meanwhile.
const REFUSED_FOR: Duration = Duration::from_millis(250);

/// Is the ledger being asked, ahead of the operation that needs the answer?
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Asking {
    #[default]
    No,
    /// A thread waits for the answer.
    Running { since: Instant },
    /// The answer was not what was hoped for.
    Answered {
        at: Instant,
        /// The change for which there was no room.
        refused: Option<UsageDelta>,
        /// False where neither ledger nor journal took the mark that the user is dirty.
        is_marked: bool,
    },
}

impl Asking {
    /// Is it known that there is no room for `delta`?
    pub(super) fn refuses(self, delta: UsageDelta) -> bool {
        match self {
            Self::Answered {
                at,
                refused: Some(least),
                ..
            } => {
                at.elapsed() < REFUSED_FOR && delta.size >= least.size && delta.files >= least.files
            }
            _ => false,
        }
    }

    /// Is it known that nobody takes the mark?
    pub(super) fn has_no_mark(self) -> bool {
        match self {
            Self::Answered { at, is_marked, .. } => !is_marked && at.elapsed() < REFUSED_FOR,
            Self::No | Self::Running { .. } => false,
        }
    }
}

impl QuotaAccount {
    /// Does anybody but this server know whether there is room?
    pub(crate) fn may_have_to_ask(&self) -> bool {
        lock(&self.state).lease.is_some()
    }

    /// Returns how long to wait before an operation on names, because a storage has them that may take long.
    pub fn wait_for_names(&self) -> Option<Duration> {
        let since = self.names_are_with_storage()?;
        Some((since.elapsed() / 4).clamp(SOON, SELDOM))
    }

    /// Returns how long to wait before an operation that changes files and takes `delta`, because the ledger is being told
    /// that the user is dirty, or asked whether there is room. None when that is known: then the operation itself does not
    /// have to ask.
    pub fn wait_for_headroom(self: &Arc<Self>, delta: UsageDelta) -> Option<Duration> {
        if !self.may_have_to_ask() {
            return None;
        }
        let (must_mark, must_ask) = (self.must_mark(), self.must_ask(delta));
        if !must_mark && !must_ask {
            return None;
        }
        let mut asking = lock(&self.asking);
        if let Asking::Running { since } = *asking {
            return Some((since.elapsed() / 4).clamp(SOON, SELDOM));
        }
        let is_known = (!must_mark || asking.has_no_mark()) && (!must_ask || asking.refuses(delta));
        if is_known {
            return None;
        }
        let account = Arc::clone(self);
        let started = thread::Builder::new()
            .name("quota-room".to_owned())
            .spawn(move || account.ask_behind(delta));
        if let Err(error) = started {
            log::warn!(
                "the connection itself has to wait for the database, because no thread could be started: {error}"
            );
            return None;
        }
        *asking = Asking::Running {
            since: Instant::now(),
        };
        Some(SOON)
    }

    /// Returns the last answer of the ledger, as long as it is not asked again.
    pub(super) fn last_answer(&self) -> Asking {
        *lock(&self.asking)
    }

    fn ask_behind(&self, delta: UsageDelta) {
        let mut ends = Ends {
            asking: &self.asking,
            with: Asking::No,
        };
        self.mark();
        let is_enough =
            !self.must_ask(delta) || self.ask_marked(delta).headroom(delta) == Headroom::Enough;
        let is_marked = !self.must_mark();
        if !is_enough || !is_marked {
            ends.with = Asking::Answered {
                at: Instant::now(),
                refused: (!is_enough).then_some(delta),
                is_marked,
            };
        }
    }

    fn must_ask(&self, delta: UsageDelta) -> bool {
        matches!(lock(&self.state).headroom(delta), Headroom::Ask(_))
    }
}

/// Says how it ended, in whatever way that came: else sessions would wait for ever.
struct Ends<'a> {
    asking: &'a Mutex<Asking>,
    with: Asking,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        *lock(self.asking) = self.with;
    }
}
