//! What the account writes to the ledger, and when.

use std::{
    sync::{MutexGuard, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{account::QuotaAccount, rescan::Adjustment};
use crate::{
    error::{ErrorKind, Result},
    ledger::{
        DirtyState, DirtyTracker, LedgerClient, LedgerUpdate, RescanWrite, Residence, SharedLedger,
        Since,
    },
    storage_usage::{StorageUsage, UsageDelta},
    sync::lock,
    usage::{Headroom, Lease, LedgerState, UsageSnapshot, UserUsage, wanted},
};

/// Other servers give back what they do not use within a second or so: the ledger is asked again after this, twice
/// this, and so on, for a little more than a second in all.
const OTHERS_GIVE_BACK: Duration = Duration::from_millis(10);
const WAITS_FOR_OTHERS: u32 = 7;

impl QuotaAccount {
    /// Commits a finished operation's `delta`: the ledger gets the sum of all that have finished. So deltas commit in any
    /// order, operations that end together share a write, and what a failed write left out goes with the next. Where there
    /// is a [`LedgerWriter`](super::LedgerWriter) it writes, a little later.
    ///
    /// # Errors
    /// Any error of the ledger; the usage stays committed in memory, since the files are there.
    pub fn commit(&self, delta: UsageDelta) -> Result<()> {
        if delta == UsageDelta::default() {
            return Ok(());
        }
        let tracked = {
            let mut state = lock(&self.state);
            state.committed = state.committed.with(delta);
            state.contributed = state.contributed.with(delta);
            state.tracked
        };
        if !tracked {
            return Ok(());
        }
        // A user who was not tracked when the files changed is not marked dirty yet.
        self.mark();
        if self.write_later() {
            return Ok(());
        }
        self.store()
    }

    /// Writes the committed usage to the ledger.
    pub(super) fn store(&self) -> Result<()> {
        if !lock(&self.state).tracked {
            self.write_behind.forget(self.user);
            return Ok(());
        }
        // Before the client is taken: the user's next account takes them in this order.
        let marked = self
            .user_state
            .mark_in_ledger(|| self.contributed_to_ledger());
        let mut client = lock(&self.client);
        let written = marked.and_then(|()| self.write(client.as_mut(), StorageUsage::default()));
        self.keep_to_write(&written);
        written.map(drop)
    }

    /// Writes what a rescan found, also of a user who is not tracked: then the time of the rescan is stored with it. The
    /// rescan changed what is known here by `adjustment`. False when the result cannot be trusted; then it is written only
    /// if that is wanted `even_roughly`.
    pub(super) fn store_rescan(
        &self,
        client: &mut dyn LedgerClient,
        adjustment: &Adjustment,
        even_roughly: bool,
    ) -> Result<bool> {
        let update = self.update(StorageUsage::default());
        let (written, is_exact) = match client.write_rescan(&update, even_roughly) {
            RescanWrite::Written { state, is_exact } => {
                self.learn(&state);
                (Ok(Some(state.contributed)), is_exact)
            }
            RescanWrite::Refused => {
                self.take_back(adjustment);
                return Ok(false);
            }
            RescanWrite::Later(error) => (Err(error), false),
            RescanWrite::Lost(error) => {
                self.take_back(adjustment);
                (Err(error), false)
            }
        };
        self.keep_to_write(&written);
        written.map(|_| is_exact)
    }

    fn take_back(&self, adjustment: &Adjustment) {
        let mut state = lock(&self.state);
        state.committed = state.committed.minus(adjustment.committed);
        state.live = state.live.minus(adjustment.live);
    }

    /// Returns what the ledger has of this server's part, as far as is known.
    pub(super) fn contributed_to_ledger(&self) -> StorageUsage {
        lock(&self.client).contributed()
    }

    /// Lets the ledger know, before the first change, that the files and the stored usage may differ from now on.
    pub(super) fn mark(&self) {
        if !self.must_mark() || self.last_answer().has_no_mark() {
            return;
        }
        // Transfers go on without the database.
        if self.user_state.mark(|| self.contributed_to_ledger()) {
            self.marked.store(true, Ordering::Release);
        }
    }

    /// Is the user not marked dirty yet, neither in the ledger nor in the journal?
    pub(super) fn must_mark(&self) -> bool {
        !self.marked.load(Ordering::Acquire) && lock(&self.state).tracked
    }

    /// Asks the ledger for headroom for `delta`, and again for what other nodes may give back.
    pub(super) fn ask_for_headroom(&self, delta: UsageDelta) -> MutexGuard<'_, UserUsage> {
        self.mark();
        self.ask_marked(delta)
    }

    /// Asks as [`QuotaAccount::ask_for_headroom`] does, for a user who is marked dirty.
    pub(super) fn ask_marked(&self, delta: UsageDelta) -> MutexGuard<'_, UserUsage> {
        for wait in 0..=WAITS_FOR_OTHERS {
            if wait > 0 {
                thread::sleep(OTHERS_GIVE_BACK * (1 << (wait - 1)));
            }
            self.ask(delta);
            let state = lock(&self.state);
            let asks = matches!(state.headroom(delta), Headroom::Ask(_));
            let may_grow = state.lease.is_some_and(|lease| lease.may_grow());
            if !asks || !may_grow || state.is_full_for(delta) {
                return state;
            }
        }
        lock(&self.state)
    }

    fn ask(&self, delta: UsageDelta) {
        let mut client = lock(&self.client);
        let wanted = {
            let state = lock(&self.state);
            // Another operation asked meanwhile, or a moment ago.
            let is_fresh = state
                .lease
                .is_some_and(|lease| lease.is_fresh(Instant::now()));
            if state.headroom(delta) == Headroom::Enough || is_fresh && state.is_full_for(delta) {
                return;
            }
            wanted(state.limits, state.live, delta)
        };
        let written = self.write(client.as_mut(), wanted);
        if let Err(error) = &written {
            log::warn!(
                "the database could not be asked for the headroom of user {}, so uploads go on within the headroom that was known last: {error}",
                self.user.0
            );
            if let Some(lease) = &mut lock(&self.state).lease {
                lease.lose_touch();
            }
        }
        drop(client);
        // What was not used is given back.
        self.write_later();
    }

    fn write_later(&self) -> bool {
        self.write_behind.write_later(self.user, || self.snapshot())
    }

    /// Writes what the ledger lacks, asks it for `wanted`, and returns what this server has contributed to the ledger then;
    /// none when the user is not tracked.
    fn write(
        &self,
        client: &mut dyn LedgerClient,
        wanted: StorageUsage,
    ) -> Result<Option<StorageUsage>> {
        let update = self.update(wanted);
        if !lock(&self.state).tracked {
            return Ok(None);
        }
        if !client.lacks(&update) {
            return Ok(Some(update.usage.contributed));
        }
        let written = client.write(&update)?;
        self.learn(&written);
        Ok(Some(written.contributed))
    }

    /// Returns what is to be written now; nothing more is taken by the last lease from here on.
    fn update(&self, wanted: StorageUsage) -> LedgerUpdate {
        let mut state = lock(&self.state);
        let live = state.live;
        let limited = state.limits.any();
        let mut update = LedgerUpdate {
            usage: state.snapshot(),
            in_motion: StorageUsage::default(),
            wanted: StorageUsage::default(),
            limits: state.limits,
        };
        if let Some(lease) = state.lease.as_mut().filter(|_| limited) {
            lease.hold(live);
            update.in_motion = live
                .minus(update.usage.committed)
                .max(StorageUsage::default());
            update.wanted = wanted;
        }
        update
    }

    fn learn(&self, written: &LedgerState) {
        let mut state = lock(&self.state);
        state.committed = state.committed.plus(written.foreign);
        state.live = state.live.plus(written.foreign);
        if let Some(lease) = &mut state.lease {
            lease.renew(written, Instant::now());
        }
        if written.was_lost {
            log::warn!(
                "this node had expired and other nodes may have rescanned the home of user {} meanwhile, so it is rescanned",
                self.user.0
            );
        }
    }

    /// Moves the user to the ledger `shared`, which other servers are about to use: it has what this server has committed
    /// and holds what running operations have taken. The caller holds the user's state.
    pub(super) fn move_to(
        &self,
        shared: &SharedLedger,
        tracker: &DirtyTracker,
        dirty: &mut DirtyState,
    ) -> Result<()> {
        let nothing = StorageUsage::default();
        let mut client = lock(&self.client);
        self.write(client.as_mut(), nothing)?;
        let contributed = client.contributed();
        let mut moved = shared.move_in(self.user, contributed)?;
        let uses_something = {
            // From here on whoever needs room asks, and waits for the client.
            let mut state = lock(&self.state);
            state.lease = Some(Lease::none(state.live));
            state.tracked && state.live != state.committed
        };
        let kept = if uses_something || !dirty.is_clean() {
            tracker
                .move_mark(dirty, self.user, contributed, Since::Now)
                .and_then(|()| self.write(moved.as_mut(), nothing).map(drop))
        } else {
            DirtyTracker::move_clean(dirty);
            Ok(())
        };
        if dirty.residence() == Residence::Moved {
            *client = moved;
            self.marked.store(!dirty.is_clean(), Ordering::Release);
        } else {
            lock(&self.state).lease = None;
        }
        kept
    }

    /// Keeps what the ledger did not take for write-behind, REST and the next account, and returns whether the ledger has
    /// everything. Nobody needs the usage of a user who is gone or not tracked.
    fn keep_to_write(&self, written: &Result<Option<StorageUsage>>) -> bool {
        let written = match written {
            Ok(Some(written)) => Some(*written),
            Err(error) if error.kind() != ErrorKind::NotFound => None,
            Ok(None) | Err(_) => {
                self.write_behind.forget(self.user);
                return true;
            }
        };
        !self
            .write_behind
            .keep_unless(written, self.user, || self.snapshot())
    }

    fn snapshot(&self) -> UsageSnapshot {
        lock(&self.state).snapshot()
    }
}

impl Drop for QuotaAccount {
    fn drop(&mut self) {
        let contributed = || self.contributed_to_ledger();
        self.user_state.close(self, contributed, || {
            let mut client = lock(&self.client);
            self.keep_to_write(&self.write(client.as_mut(), StorageUsage::default()))
        });
    }
}
