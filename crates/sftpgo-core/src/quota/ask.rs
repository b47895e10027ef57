//! Asking the ledger for room while nobody waits for the answer.
//!
//! A connection has one thread for all that goes on in it. While a store is slow, an operation that has to ask for room would
//! hold up the others. So whoever can come back later asks here first; when the operation is done then, the answer is known.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use super::account::QuotaAccount;
use crate::{storage_usage::UsageDelta, sync::lock, usage::Headroom};

/// When to look whether there is an answer: soon at first, and seldom while a store hangs, for many may wait.
const SOON: Duration = Duration::from_millis(5);
const SELDOM: Duration = Duration::from_millis(50);

/// So long an answer that there is no room holds: whoever waits for it has to come back meanwhile.
const REFUSED_FOR: Duration = Duration::from_millis(250);

/// Is the ledger being asked for room, ahead of the operation that needs it?
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Asking {
    #[default]
    No,
    /// A thread waits for the answer.
    Running { since: Instant },
    /// There was no room for this.
    Refused { delta: UsageDelta, at: Instant },
}

impl Asking {
    /// Is it known that there is no room for `delta`?
    pub(super) fn refuses(self, delta: UsageDelta) -> bool {
        match self {
            Self::Refused { delta: least, at } => {
                at.elapsed() < REFUSED_FOR && delta.size >= least.size && delta.files >= least.files
            }
            Self::No | Self::Running { .. } => false,
        }
    }
}

impl QuotaAccount {
    /// Does anybody but this server know whether there is room?
    pub(crate) fn may_have_to_ask(&self) -> bool {
        self.asking.is_some()
    }

    /// How long to wait before an operation that takes `delta`, because the ledger is being asked whether there is room.
    /// None when that is known: then the operation itself does not have to ask.
    pub fn wait_for_room(self: &Arc<Self>, delta: UsageDelta) -> Option<Duration> {
        let asking = self.asking.as_ref()?;
        let mut asking = lock(asking);
        if let Asking::Running { since } = *asking {
            return Some((since.elapsed() / 4).clamp(SOON, SELDOM));
        }
        let must_ask = matches!(lock(&self.state).headroom(delta), Headroom::Ask(_));
        if !must_ask || asking.refuses(delta) {
            return None;
        }
        let account = Arc::clone(self);
        let started = thread::Builder::new()
            .name("quota-room".to_owned())
            .spawn(move || account.ask_behind(delta));
        if let Err(error) = started {
            log::warn!(
                "the connection itself has to wait for a lease of the database, because no thread could be started: {error}"
            );
            return None;
        }
        *asking = Asking::Running {
            since: Instant::now(),
        };
        Some(SOON)
    }

    fn ask_behind(&self, delta: UsageDelta) {
        let Some(asking) = &self.asking else {
            return;
        };
        let mut ends = Ends {
            asking,
            with: Asking::No,
        };
        let headroom = self.ask_for_room(delta).headroom(delta);
        if headroom != Headroom::Enough {
            ends.with = Asking::Refused {
                delta,
                at: Instant::now(),
            };
        }
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
