//! What the account writes to the ledger, and when.

use std::{
    sync::{MutexGuard, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{account::QuotaAccount, rescan::Adjustment};
use crate::{
    error::{ErrorKind, Result},
    ledger::{LedgerClient, LedgerUpdate, RescanWrite},
    storage_usage::{StorageUsage, UsageDelta},
    sync::lock,
    usage::{Headroom, LedgerState, UsageSnapshot, UserUsage, wanted},
};

/// Other servers give back what they do not use within a second or so: the ledger is asked again after this, twice
/// this, and so on, for a little more than a second in all.
const OTHERS_GIVE_BACK: Duration = Duration::from_millis(10);
const WAITS_FOR_OTHERS: u32 = 7;

impl QuotaAccount {
    /// A finished operation's `delta` goes to the ledger, as the figure that all finished ones come to: deltas
    /// commit in any order, operations that end together share a write, and what a failed write left out goes
    /// with the next. Where there is a [`LedgerWriter`](super::LedgerWriter) it writes, a little later.
    ///
    /// # Errors
    /// Any error of the ledger; the count stands, since the files are there.
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
        // Who was not tracked when the files changed is not marked yet.
        self.mark();
        if self.put_off() {
            return Ok(());
        }
        self.store()
    }

    /// Brings the ledger up to date.
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
        self.keep_unwritten(&written);
        written.map(drop)
    }

    /// Writes the figure of a count, whether or not the user is tracked: then it tells when it was counted. The count
    /// changed what is known here by `adjustment`. False when the figure cannot be trusted; then it is written only if that
    /// is wanted `even_roughly`.
    pub(super) fn store_counted(
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
        self.keep_unwritten(&written);
        written.map(|_| is_exact)
    }

    fn take_back(&self, adjustment: &Adjustment) {
        let mut state = lock(&self.state);
        state.committed = state.committed.minus(adjustment.committed);
        state.live = state.live.minus(adjustment.live);
    }

    /// What the ledger has of this server's part, as far as is known.
    pub(super) fn contributed_to_ledger(&self) -> StorageUsage {
        lock(&self.client).contributed()
    }

    /// Lets the ledger know, before the first change, that the files and its figures may differ from now on.
    pub(super) fn mark(&self) {
        if !self.must_mark() || self.last_answer().has_no_mark() {
            return;
        }
        // Transfers go on without the database.
        if self.user_state.mark(|| self.contributed_to_ledger()) {
            self.marked.store(true, Ordering::Release);
        }
    }

    /// Does nobody know yet that the user is dirty?
    pub(super) fn must_mark(&self) -> bool {
        !self.marked.load(Ordering::Acquire) && lock(&self.state).tracked
    }

    /// Asks the ledger for room for `delta`, and once more for what other servers may give back.
    pub(super) fn ask_for_room(&self, delta: UsageDelta) -> MutexGuard<'_, UserUsage> {
        self.mark();
        self.ask_marked(delta)
    }

    /// The same for a user who is known to be dirty.
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
        self.put_off();
    }

    fn put_off(&self) -> bool {
        self.write_behind.put_off(self.user, || self.figures())
    }

    /// Returns what this server has contributed to the ledger then; none when the user is not tracked.
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

    /// What is to be written now; nothing more is taken by the last lease from here on.
    fn update(&self, wanted: StorageUsage) -> LedgerUpdate {
        let mut state = lock(&self.state);
        let live = state.live;
        let limited = state.limits.any();
        let mut update = LedgerUpdate {
            usage: state.figures(),
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

    /// Remembers what the ledger did not take, for REST and the next account, and says whether it has everything.
    /// Nobody needs the usage of a user who is gone or not tracked.
    fn keep_unwritten(&self, written: &Result<Option<StorageUsage>>) -> bool {
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
            .keep_unless(written, self.user, || self.figures())
    }

    fn figures(&self) -> UsageSnapshot {
        lock(&self.state).figures()
    }
}

impl Drop for QuotaAccount {
    fn drop(&mut self) {
        let contributed = || self.contributed_to_ledger();
        self.user_state.close(self, contributed, || {
            let mut client = lock(&self.client);
            self.keep_unwritten(&self.write(client.as_mut(), StorageUsage::default()))
        });
    }
}
