//! What is kept of a user while there is an account, and beyond it as long as it matters.

use std::sync::{Arc, Mutex, Weak};

use super::account::QuotaAccount;
use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{DirtyState, DirtyTracker, Residence, SharedLedger, Since},
    provider::RescanStart,
    storage_usage::StorageUsage,
    sync::lock,
    throttle::Throttle,
    user::UserId,
};

/// One user's bandwidth, account and marks.
pub(super) struct UserState {
    pub(super) throttle: Throttle,
    user: UserId,
    tracker: Arc<DirtyTracker>,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    account: Account,
    dirty: DirtyState,
}

/// Is there an account?
#[derive(Default)]
enum Account {
    #[default]
    None,
    /// There is one, or the last one has not closed yet.
    Open(Weak<QuotaAccount>),
}

impl State {
    pub(super) fn account(&self) -> Option<Arc<QuotaAccount>> {
        match &self.account {
            Account::None => None,
            Account::Open(account) => account.upgrade(),
        }
    }

    /// In which ledger the user is.
    pub(super) fn residence(&self) -> Residence {
        self.dirty.residence()
    }

    pub(super) fn open(&mut self, account: &Arc<QuotaAccount>) {
        self.account = Account::Open(Arc::downgrade(account));
    }

    fn is_of(&self, closing: &QuotaAccount) -> bool {
        match &self.account {
            Account::None => false,
            Account::Open(account) => std::ptr::eq(account.as_ptr(), closing),
        }
    }
}

impl UserState {
    pub(super) fn new(user: UserId, tracker: Arc<DirtyTracker>, residence: Residence) -> Self {
        Self {
            throttle: Throttle::default(),
            user,
            tracker,
            state: Mutex::new(State {
                account: Account::None,
                dirty: DirtyState::of(residence),
            }),
        }
    }

    pub(super) fn account(&self) -> Option<Arc<QuotaAccount>> {
        lock(&self.state).account()
    }

    /// As [`DirtyTracker::mark`].
    pub(super) fn mark(&self, contributed: impl FnOnce() -> StorageUsage) -> bool {
        let dirty = &mut lock(&self.state).dirty;
        self.tracker.mark(dirty, self.user, contributed)
    }

    /// As [`DirtyTracker::mark_in_ledger`].
    pub(super) fn mark_in_ledger(&self, contributed: impl FnOnce() -> StorageUsage) -> Result<()> {
        let dirty = &mut lock(&self.state).dirty;
        self.tracker.mark_in_ledger(dirty, self.user, contributed)
    }

    /// As [`DirtyTracker::mark_again`].
    pub(super) fn mark_again(&self, contributed: StorageUsage) -> Result<()> {
        let state = lock(&self.state);
        self.tracker.mark_again(state.dirty, self.user, contributed)
    }

    /// As [`DirtyTracker::hand_over`].
    pub(super) fn hand_over(&self) -> Result<()> {
        let dirty = &mut lock(&self.state).dirty;
        self.tracker.hand_over(dirty, self.user)
    }

    /// Moves the user to the ledger `shared`. False when that cannot be done at the moment, because the last session is
    /// ending.
    ///
    /// # Errors
    /// Any error of the ledgers, or `is_written` says that they lack something of a user without a session.
    pub(super) fn move_to(
        &self,
        shared: &SharedLedger,
        is_written: impl FnOnce() -> bool,
    ) -> Result<bool> {
        // Whoever drops the last one waits for the state.
        let account = self.account();
        let state = &mut *lock(&self.state);
        if state.dirty.residence() == Residence::Moved {
            return Ok(true);
        }
        if let Some(account) = account.as_deref().filter(|account| state.is_of(account)) {
            let moved = account.move_to(shared, &self.tracker, &mut state.dirty);
            return self.moved_or_gone(moved, &mut state.dirty);
        }
        if !matches!(state.account, Account::None) {
            return Ok(false);
        }
        if !is_written() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "the usage of user {} is not in the database yet",
                    self.user.0
                ),
            ));
        }
        let dirty = &mut state.dirty;
        if dirty.is_clean() {
            DirtyTracker::move_clean(dirty);
        } else {
            // Only a rescan ends the mark of a user without a session.
            let nothing = StorageUsage::default();
            let moved = self
                .tracker
                .move_mark(dirty, self.user, nothing, Since::Before);
            return self.moved_or_gone(moved, dirty);
        }
        Ok(true)
    }

    /// Of a user who was deleted, whose sessions may still be ending, there is nothing to move.
    fn moved_or_gone(&self, moved: Result<()>, dirty: &mut DirtyState) -> Result<bool> {
        match moved {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.tracker.forget(dirty, self.user);
                DirtyTracker::move_clean(dirty);
            }
            moved => moved?,
        }
        Ok(true)
    }

    /// As [`DirtyTracker::begin_rescan`].
    pub(super) fn begin_rescan(
        &self,
        contributed: impl FnOnce() -> StorageUsage,
    ) -> Result<Option<RescanStart>> {
        let dirty = &mut lock(&self.state).dirty;
        self.tracker.begin_rescan(dirty, self.user, contributed)
    }

    /// Looks at the marks, or changes what is known of them here.
    pub(super) fn with_dirty<T>(&self, work: impl FnOnce(&mut DirtyState) -> T) -> T {
        work(&mut lock(&self.state).dirty)
    }

    /// Drops what is known of a user whose id nobody has any more.
    pub(super) fn forget(&self) {
        let dirty = &mut lock(&self.state).dirty;
        self.tracker.forget(dirty, self.user);
    }

    /// The last session of `account` ended; `write` tries once more to write what is left and says whether the ledger has
    /// it then. The next account waits meanwhile. One that is there already has taken over.
    pub(super) fn close(
        &self,
        account: &QuotaAccount,
        contributed: impl FnOnce() -> StorageUsage,
        write: impl FnOnce() -> bool,
    ) {
        let state = &mut *lock(&self.state);
        if !state.is_of(account) {
            return;
        }
        state.account = Account::None;
        let dirty = &mut state.dirty;
        if dirty.is_in_journal()
            && self
                .tracker
                .mark_in_ledger(dirty, self.user, contributed)
                .is_err()
        {
            return;
        }
        if !write() || !dirty.is_in_ledger() || dirty.needs_rescan() {
            return;
        }
        if let Err(error) = self.tracker.clear(dirty, self.user) {
            log::warn!(
                "the usage of user {} was written, but stays dirty in the database, so the next start rescans the home if the server is killed now: {error}",
                self.user.0
            );
        }
    }

    /// Ends a mark that the ledger may still have. False while that cannot be done.
    pub(super) fn end_unsure(&self, is_written: impl FnOnce() -> bool) -> Result<bool> {
        let state = &mut *lock(&self.state);
        // Whoever marked it since ends it too.
        if state.dirty.is_in_ledger() {
            return Ok(true);
        }
        let is_closed = matches!(state.account, Account::None);
        if !is_closed || state.dirty.is_in_journal() || !is_written() {
            return Ok(false);
        }
        let cleared = self.tracker.clear(&mut state.dirty, self.user);
        cleared.map(|()| true)
    }

    pub(super) fn is_needed(self: &Arc<Self>) -> bool {
        if Arc::strong_count(self) > 1 || self.throttle.is_busy() {
            return true;
        }
        // Nobody is waited for here: who holds it needs it.
        self.state.try_lock().map_or(true, |state| {
            !matches!(state.account, Account::None) || !state.dirty.is_clean()
        })
    }
}
