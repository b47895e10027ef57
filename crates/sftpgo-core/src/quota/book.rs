//! The accounts of all users who have a session now, and what of them outlives the last one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

use super::{account::QuotaAccount, amount::Amount, lock, unwritten::Unwritten};
use crate::{
    error::{ErrorKind, Result},
    provider::Provider,
    throttle::Throttle,
    user::{Usage, User, UserId},
};

/// Slots nobody needs any more are looked for when there are this many.
const FEW: usize = 64;

/// Whose usage is tracked (`track_quota`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracking {
    /// 0: nobody's.
    Off,
    /// 1: everybody's.
    All,
    /// 2: of users with a limit.
    Limited,
}

impl Tracking {
    /// Is this user's usage tracked?
    pub fn covers(self, user: &User) -> bool {
        match self {
            Self::Off => false,
            Self::All => true,
            Self::Limited => user.has_quota_limits(),
        }
    }
}

/// The accounts of all users who have a session now.
pub struct QuotaBook {
    provider: Arc<dyn Provider>,
    tracking: Tracking,
    slots: Mutex<Slots>,
    pub(super) unwritten: Arc<Unwritten>,
}

#[derive(Default)]
struct Slots {
    of: HashMap<UserId, Arc<Slot>>,
    sweep_at: usize,
}

/// What is kept of a user while there is an account, and beyond it as long as it matters.
pub(super) struct Slot {
    pub(super) throttle: Throttle,
    state: Mutex<SlotState>,
}

#[derive(Default)]
struct SlotState {
    account: Weak<QuotaAccount>,
    /// The ledger says that the user may have unsettled changes.
    marked: bool,
    /// Stays marked until the files have been counted.
    needs_count: bool,
}

impl QuotaBook {
    /// A book over the ledger of `provider`.
    pub fn new(provider: Arc<dyn Provider>, tracking: Tracking) -> Arc<Self> {
        Arc::new(Self {
            provider,
            tracking,
            slots: Mutex::default(),
            unwritten: Arc::default(),
        })
    }

    /// Whose usage is tracked.
    pub fn tracking(&self) -> Tracking {
        self.tracking
    }

    /// The account shared by all sessions of the user.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn account(&self, user: &User) -> Result<Arc<QuotaAccount>> {
        let slot = self.slot(user.id);
        // Only this user's other logins wait for the ledger here.
        let mut state = lock(&slot.state);
        if let Some(account) = state.account.upgrade() {
            return Ok(account);
        }
        slot.throttle.set_rates(user);
        let stored = Amount::of(self.provider.usage(user.id)?);
        let unwritten = self.unwritten.of(user.id);
        let account = Arc::new(QuotaAccount::new(
            user,
            self.tracking.covers(user),
            unwritten.unwrap_or(stored),
            unwritten.is_none().then_some(stored),
            Arc::clone(&self.provider),
            Arc::clone(&slot),
            Arc::clone(&self.unwritten),
        ));
        state.account = Arc::downgrade(&account);
        if unwritten.is_some() {
            self.unwritten.try_again();
        }
        Ok(account)
    }

    /// What users have settled that the ledger does not have yet. Asked for before the ledger, no settled operation
    /// is missing in the two together.
    pub fn unwritten_usage(&self) -> HashMap<UserId, Usage> {
        self.unwritten.usages()
    }

    /// Writes what running sessions have put off. What the ledger does not take waits for the next time, and when it is
    /// not there, so does the rest.
    pub(super) fn write_put_off(&self) {
        for slot in self.unwritten.slots() {
            // Without an account the last session's end is writing it now, or the next session will.
            let Some(account) = slot.account() else {
                continue;
            };
            match account.store() {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    log::error!(
                        "the usage of user {} was not stored: {error}",
                        account.user.0
                    );
                    self.unwritten.try_again();
                    if error.kind() == ErrorKind::Unavailable {
                        return;
                    }
                }
                // Nobody needs the usage of a user who is gone.
                _ => {}
            }
        }
    }

    /// Tells a user's running sessions about changed limits.
    pub fn limits_changed(&self, user: &User) {
        let slot = self.slot(user.id);
        slot.throttle.set_rates(user);
        if let Some(account) = slot.account() {
            account.set_limits(user, self.tracking.covers(user));
        }
    }

    /// An earlier run was killed while this user's usage changed: the figures are not to be trusted before the
    /// files have been counted, see [`QuotaBook::counted`].
    pub fn needs_count(&self, user: UserId) {
        let slot = self.slot(user);
        let mut state = lock(&slot.state);
        state.marked = true;
        state.needs_count = true;
    }

    /// Does [`QuotaBook::needs_count`] hold?
    pub fn is_count_needed(&self, user: UserId) -> bool {
        lock(&self.slot(user).state).needs_count
    }

    /// The user's files have been counted.
    pub fn counted(&self, user: UserId) {
        lock(&self.slot(user).state).needs_count = false;
    }

    fn slot(&self, user: UserId) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.of.get(&user) {
            return Arc::clone(slot);
        }
        if slots.of.len() >= slots.sweep_at.max(FEW) {
            slots.of.retain(|_, slot| slot.is_needed());
            slots.sweep_at = slots.of.len() * 2;
        }
        let slot = Arc::new(Slot {
            throttle: Throttle::default(),
            state: Mutex::default(),
        });
        slots.of.insert(user, Arc::clone(&slot));
        slot
    }
}

impl Slot {
    /// Says in the ledger that usage may be unsettled, unless it says so already.
    pub(super) fn mark(&self, provider: &dyn Provider, user: UserId) -> Result<()> {
        let mut state = lock(&self.state);
        if !state.marked {
            provider.set_unsettled(user, true)?;
            state.marked = true;
        }
        Ok(())
    }

    fn account(&self) -> Option<Arc<QuotaAccount>> {
        lock(&self.state).account.upgrade()
    }

    /// The last session of `account` ended; `write` tries once more to write what is left and answers whether the
    /// ledger has it then. The next account waits meanwhile. One that is there already has taken over.
    pub(super) fn close(
        &self,
        provider: &dyn Provider,
        account: &QuotaAccount,
        write: impl FnOnce() -> bool,
    ) {
        let mut state = lock(&self.state);
        if !std::ptr::eq(state.account.as_ptr(), account) {
            return;
        }
        if !write() || !state.marked || state.needs_count {
            return;
        }
        match provider.set_unsettled(account.user, false) {
            Ok(()) => state.marked = false,
            Err(error) => log::warn!("that usage is settled was not stored: {error}"),
        }
    }

    fn is_needed(self: &Arc<Self>) -> bool {
        let state = lock(&self.state);
        Arc::strong_count(self) > 1
            || state.account.strong_count() > 0
            || state.marked
            || self.throttle.is_busy()
    }
}
