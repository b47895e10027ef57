//! The accounts of all users who have a session now, and what of them outlives the last one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

use super::{account::QuotaAccount, amount::Amount, lock};
use crate::{
    error::Result,
    provider::Provider,
    throttle::Throttle,
    user::{User, UserId},
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
    /// What the account could not write: the next one starts from it.
    unwritten: Option<Amount>,
}

impl QuotaBook {
    /// A book over the ledger of `provider`.
    pub fn new(provider: Arc<dyn Provider>, tracking: Tracking) -> Arc<Self> {
        Arc::new(Self {
            provider,
            tracking,
            slots: Mutex::default(),
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
        let unwritten = state.unwritten.take();
        let account = Arc::new(QuotaAccount::new(
            user,
            self.tracking.covers(user),
            unwritten.unwrap_or(stored),
            unwritten.is_none().then_some(stored),
            Arc::clone(&self.provider),
            Arc::clone(&slot),
        ));
        state.account = Arc::downgrade(&account);
        Ok(account)
    }

    /// Tells a user's running sessions about changed limits.
    pub fn limits_changed(&self, user: &User) {
        let slot = self.slot(user.id);
        slot.throttle.set_rates(user);
        let account = lock(&slot.state).account.upgrade();
        if let Some(account) = account {
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

    /// Remembers what the ledger has not, before the account that knows it can end.
    pub(super) fn keep_unwritten(&self, unwritten: Option<Amount>) {
        lock(&self.state).unwritten = unwritten;
    }

    /// The last session of `account` ended; `write` tries once more to write what is left and answers what is then.
    /// The next account waits meanwhile. One that is there already has taken over.
    pub(super) fn close(
        &self,
        provider: &dyn Provider,
        account: &QuotaAccount,
        write: impl FnOnce() -> Option<Amount>,
    ) {
        let mut state = lock(&self.state);
        if !std::ptr::eq(state.account.as_ptr(), account) {
            return;
        }
        state.unwritten = write();
        if !state.marked || state.needs_count || state.unwritten.is_some() {
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
            || state.unwritten.is_some()
            || self.throttle.is_busy()
    }
}
