//! What is kept of a user while there is an account, and beyond it as long as it matters.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{account::QuotaAccount, line::Line};
use crate::{
    error::{ErrorKind, Result},
    journal::Journal,
    provider::{Counting, Provider, ServerId},
    storage_usage::StorageUsage,
    sync::lock,
    throttle::Throttle,
    user::UserId,
};

/// Where this server says that a user's files and figures may differ.
pub(super) struct Marks {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) server: ServerId,
    pub(super) journal: Arc<dyn Journal>,
    /// Whose marks the ledger may have, though nothing is unsettled here.
    pub(super) not_ended: Mutex<BTreeSet<UserId>>,
}

/// One user's throttle, account, and marks.
pub(super) struct Slot {
    pub(super) throttle: Throttle,
    marks: Arc<Marks>,
    pub(super) state: Mutex<SlotState>,
    /// Stays marked until the files have been counted. Where others share the ledger, it says so instead.
    needs_count: AtomicBool,
}

#[derive(Default)]
pub(super) struct SlotState {
    account: Weak<QuotaAccount>,
    /// The ledger says that the user may have unsettled changes.
    marked: bool,
    /// The journal says so.
    journaled: bool,
    /// There is an account, or the last one has not closed yet.
    is_open: bool,
}

impl SlotState {
    pub(super) fn account(&self) -> Option<Arc<QuotaAccount>> {
        self.account.upgrade()
    }

    pub(super) fn open(&mut self, account: &Arc<QuotaAccount>) {
        self.account = Arc::downgrade(account);
        self.is_open = true;
    }
}

impl Slot {
    pub(super) fn new(marks: Arc<Marks>) -> Self {
        Self {
            throttle: Throttle::default(),
            marks,
            state: Mutex::default(),
            needs_count: AtomicBool::new(false),
        }
    }

    pub(super) fn account(&self) -> Option<Arc<QuotaAccount>> {
        lock(&self.state).account()
    }

    /// Says that usage may be unsettled, unless that is said already: in the ledger, or in the journal while the ledger
    /// does not answer. False when neither takes it: a crash would go unnoticed. `contributed` answers what this server
    /// has brought into the ledger.
    pub(super) fn mark(&self, user: UserId, contributed: impl FnOnce() -> StorageUsage) -> bool {
        let mut state = lock(&self.state);
        let Err(error) = self.mark_locked(&mut state, user, contributed) else {
            return true;
        };
        if state.journaled {
            return true;
        }
        match self.marks.journal.add(user) {
            Ok(()) => {
                log::warn!("that usage is changing was written to the journal only: {error}");
                state.journaled = true;
            }
            Err(failed) => {
                log::warn!("that usage is changing was not stored: {error}; {failed}");
            }
        }
        state.journaled
    }

    /// Says it in the ledger.
    ///
    /// # Errors
    /// What the ledger says.
    pub(super) fn mark_in_ledger(
        &self,
        user: UserId,
        contributed: impl FnOnce() -> StorageUsage,
    ) -> Result<()> {
        self.mark_locked(&mut lock(&self.state), user, contributed)
    }

    fn mark_locked(
        &self,
        state: &mut SlotState,
        user: UserId,
        contributed: impl FnOnce() -> StorageUsage,
    ) -> Result<()> {
        if !state.marked {
            // When only the journal knew, others may have counted meanwhile.
            self.begin(user, contributed(), state.journaled)?;
            state.marked = true;
        }
        self.take_from_journal(state, user);
        Ok(())
    }

    fn begin(&self, user: UserId, contributed: StorageUsage, late: bool) -> Result<()> {
        let Marks {
            provider, server, ..
        } = self.marks.as_ref();
        let begun = Line::begin(provider.as_ref(), *server, user, contributed, late);
        self.end_later_unless(&begun, user);
        begun
    }

    /// The ledger may have done what it did not answer; whoever knows of nothing to end would leave it there.
    fn end_later_unless<T>(&self, done: &Result<T>, user: UserId) {
        if done.is_err() && self.marks.provider.shared().is_some() {
            lock(&self.marks.not_ended).insert(user);
        }
    }

    /// The ledger knows what the journal said.
    fn take_from_journal(&self, state: &mut SlotState, user: UserId) {
        if !state.journaled {
            return;
        }
        match self.marks.journal.remove(user) {
            Ok(()) => state.journaled = false,
            // The next start counts once more than it needs to.
            Err(error) => log::warn!("the journal was not written: {error}"),
        }
    }

    /// The figures are not to be trusted before the files have been counted, as the ledger says.
    pub(super) fn is_left_unsettled(&self) {
        lock(&self.state).marked = true;
        self.needs_count.store(true, Ordering::Release);
    }

    /// The same, as the journal says.
    pub(super) fn is_journaled(&self) {
        lock(&self.state).journaled = true;
        self.needs_count.store(true, Ordering::Release);
    }

    /// What the journal says of a user whose ledger others share goes there.
    pub(super) fn hand_over(&self, user: UserId) -> Result<()> {
        let mut state = lock(&self.state);
        state.journaled = true;
        self.mark_locked(&mut state, user, StorageUsage::default)
    }

    /// Others took this server for dead and ended what the ledger said here: it is said again.
    pub(super) fn mark_again(&self, user: UserId, contributed: StorageUsage) -> Result<()> {
        let state = lock(&self.state);
        if !state.marked {
            return Ok(());
        }
        self.begin(user, contributed, true)
    }

    pub(super) fn is_marked(&self) -> bool {
        lock(&self.state).marked
    }

    /// A count begins; none where the ledger is this server's alone.
    pub(super) fn begin_count(
        &self,
        user: UserId,
        contributed: impl FnOnce() -> StorageUsage,
    ) -> Result<Option<Counting>> {
        let Some(store) = self.marks.provider.shared() else {
            return Ok(None);
        };
        let mut state = lock(&self.state);
        // A share that was lost is no new one.
        let late = state.marked || state.journaled;
        self.begin(user, contributed(), late)?;
        state.marked = true;
        self.take_from_journal(&mut state, user);
        store.begin_count(self.marks.server, user).map(Some)
    }

    pub(super) fn is_count_needed(&self) -> bool {
        self.needs_count.load(Ordering::Acquire)
    }

    /// The files have been counted.
    pub(super) fn counted(&self) {
        self.needs_count.store(false, Ordering::Release);
    }

    /// Nobody has the user's id any more.
    pub(super) fn forget(&self, user: UserId) {
        let mut state = lock(&self.state);
        self.take_from_journal(&mut state, user);
        state.marked = false;
        self.counted();
    }

    /// The last session of `account` ended; `write` tries once more to write what is left and answers whether the
    /// ledger has it then. The next account waits meanwhile. One that is there already has taken over.
    pub(super) fn close(
        &self,
        account: &QuotaAccount,
        contributed: impl FnOnce() -> StorageUsage,
        write: impl FnOnce() -> bool,
    ) {
        let mut state = lock(&self.state);
        if !std::ptr::eq(state.account.as_ptr(), account) {
            return;
        }
        state.is_open = false;
        if state.journaled
            && self
                .mark_locked(&mut state, account.user, contributed)
                .is_err()
        {
            return;
        }
        if !write() || !state.marked || self.is_count_needed() {
            return;
        }
        if let Err(error) = self.end_marks(&mut state, account.user) {
            log::warn!("that usage is settled was not stored: {error}");
        }
    }

    /// Says that everything is settled where that was not stored. False while it is not so.
    pub(super) fn end_at_last(
        &self,
        user: UserId,
        is_written: impl FnOnce() -> bool,
    ) -> Result<bool> {
        let mut state = lock(&self.state);
        // Whoever marked it since ends it too.
        if state.marked {
            return Ok(true);
        }
        if state.is_open || state.journaled || !is_written() {
            return Ok(false);
        }
        self.end_marks(&mut state, user).map(|()| true)
    }

    fn end_marks(&self, state: &mut SlotState, user: UserId) -> Result<()> {
        let Marks {
            provider, server, ..
        } = self.marks.as_ref();
        let ended = Line::end(provider.as_ref(), *server, user);
        match ended {
            Ok(has_ended) => state.marked = !has_ended,
            Err(ref error) if error.kind() == ErrorKind::NotFound => state.marked = false,
            Err(_) => {
                self.end_later_unless(&ended, user);
                // It may be done all the same.
                state.marked &= provider.shared().is_none();
                return ended.map(drop);
            }
        }
        Ok(())
    }

    pub(super) fn is_needed(self: &Arc<Self>) -> bool {
        let state = lock(&self.state);
        Arc::strong_count(self) > 1
            || state.is_open
            || state.marked
            || state.journaled
            || self.throttle.is_busy()
    }
}
