//! The accounts of all users who have a session now, and what of them outlives the last one.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    account::QuotaAccount,
    line::Line,
    slot::{Marks, Slot},
    unwritten::Unwritten,
};
use crate::{
    error::{ErrorKind, Result},
    journal::{Journal, MemoryJournal},
    provider::{Provider, ServerId, SharedStore},
    storage_usage::{StorageUsage, Usage},
    sync::lock,
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
    marks: Arc<Marks>,
    tracking: Tracking,
    slots: Mutex<Slots>,
    pub(super) unwritten: Arc<Unwritten>,
    /// The ledger did not take what it was told last.
    is_failing: AtomicBool,
    /// Whose figures it did not take then.
    refused: Mutex<Option<UserId>>,
    /// Of whom it was not told last that usage is settled.
    not_ended_last: Mutex<Option<UserId>>,
}

#[derive(Default)]
struct Slots {
    of: HashMap<UserId, Arc<Slot>>,
    sweep_at: usize,
}

impl QuotaBook {
    /// A book over the ledger of `provider`.
    pub fn new(provider: Arc<dyn Provider>, tracking: Tracking) -> Arc<Self> {
        let journal = Arc::new(MemoryJournal::default());
        Self::of_server(provider, tracking, ServerId::random(), journal)
    }

    /// The same of the server that is called `server` where others share the ledger. What cannot be written there when
    /// it has to be is kept in `journal`.
    pub fn of_server(
        provider: Arc<dyn Provider>,
        tracking: Tracking,
        server: ServerId,
        journal: Arc<dyn Journal>,
    ) -> Arc<Self> {
        Arc::new(Self {
            marks: Arc::new(Marks {
                provider,
                server,
                journal,
                not_ended: Mutex::default(),
            }),
            tracking,
            slots: Mutex::default(),
            unwritten: Arc::default(),
            is_failing: AtomicBool::new(false),
            refused: Mutex::default(),
            not_ended_last: Mutex::default(),
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
        if let Some(account) = state.account() {
            return Ok(account);
        }
        slot.throttle.set_rates(user);
        let mut line = Line::open(Arc::clone(&self.marks.provider), self.marks.server, user.id)?;
        let unwritten = self.unwritten.of(user.id);
        let account = Arc::new(QuotaAccount::new(
            user,
            self.tracking.covers(user),
            line.resume(unwritten),
            line,
            Arc::clone(&slot),
            Arc::clone(&self.unwritten),
        ));
        state.open(&account);
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

    /// Writes what has been put off. What the ledger does not take waits for the next time, and when it is not there, so
    /// does the rest: then that begins, for what is refused may be one user's alone.
    pub(super) fn write_put_off(&self) {
        let mut slots = self.unwritten.slots();
        let refused = lock(&self.refused).take();
        if let Some(at) = slots.iter().position(|(user, _)| Some(*user) == refused) {
            slots.rotate_left(at + 1);
        }
        let mut all_written = true;
        for (user, slot) in slots {
            let written = match slot.account() {
                Some(account) => account.store(),
                None => self.write_left_behind(user),
            };
            match written {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    all_written = false;
                    if !self.is_failing.swap(true, Ordering::Relaxed) {
                        log::error!("usage is kept until the ledger takes it: {error}");
                    }
                    self.unwritten.try_again();
                    if error.kind() == ErrorKind::Unavailable {
                        *lock(&self.refused) = Some(user);
                        return;
                    }
                }
                // Nobody needs the usage of a user who is gone.
                _ => {}
            }
        }
        if all_written && self.is_failing.swap(false, Ordering::Relaxed) {
            log::info!("the ledger takes usage again");
        }
    }

    /// The last session ended while the ledger did not answer: a new account takes the figures over, and writes them at
    /// its end.
    fn write_left_behind(&self, user: UserId) -> Result<()> {
        match self.marks.provider.user_by_id(user)? {
            Some(user) => self.account(&user).map(drop),
            None => {
                self.unwritten.forget(user);
                self.slot(user).forget(user);
                Ok(())
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

    /// An earlier run was killed while this user's usage changed, as the ledger says: the figures are not to be trusted
    /// before the files have been counted, see [`QuotaBook::counted`].
    pub fn needs_count(&self, user: UserId) {
        self.slot(user).is_left_unsettled();
    }

    /// Whose usage an earlier run changed while the ledger did not answer, as the journal says. The same holds for them.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn find_journaled(&self) -> Result<Vec<UserId>> {
        let users = self.marks.journal.users()?;
        for user in &users {
            self.slot(*user).is_journaled();
        }
        Ok(users)
    }

    /// Does [`QuotaBook::needs_count`] hold?
    pub fn is_count_needed(&self, user: UserId) -> bool {
        self.slot(user).is_count_needed()
    }

    /// The user's files have been counted.
    pub fn counted(&self, user: UserId) {
        self.slot(user).counted();
    }

    /// Tells the others that share the ledger what the journal says, as [`QuotaBook::find_journaled`] does to this server.
    ///
    /// # Errors
    /// The journal cannot be read, or what the ledger says.
    pub fn hand_over_journal(&self) -> Result<()> {
        let users = self.marks.journal.users()?;
        users
            .into_iter()
            .try_for_each(|user| self.slot(user).hand_over(user))
    }

    /// Whose files may differ from the figures now.
    pub(crate) fn marked(&self) -> Vec<UserId> {
        let slots = lock(&self.slots);
        let slots: Vec<_> = slots
            .of
            .iter()
            .map(|(user, slot)| (*user, Arc::clone(slot)))
            .collect();
        slots
            .into_iter()
            .filter(|(_, slot)| slot.is_marked())
            .map(|(user, _)| user)
            .collect()
    }

    /// Tells the others again that the user's files may differ, if that is so.
    ///
    /// # Errors
    /// What the ledger says.
    pub(crate) fn mark_again(&self, user: UserId) -> Result<()> {
        let slot = self.slot(user);
        let contributed = match slot.account() {
            Some(account) => account.contributed_to_ledger(),
            None => {
                let unwritten = self.unwritten.of(user);
                unwritten.map_or_else(StorageUsage::default, |figures| figures.contributed)
            }
        };
        slot.mark_again(user, contributed)
    }

    /// Tells the ledger that usage is settled where that failed. `go_on` is called every so often.
    ///
    /// # Errors
    /// What the ledger or `go_on` says; the rest is tried at the next call, beginning with others.
    pub fn end_at_last(&self, go_on: &dyn Fn() -> Result<()>) -> Result<()> {
        let mut users: VecDeque<UserId> = lock(&self.marks.not_ended).iter().copied().collect();
        let refused = lock(&self.not_ended_last).take();
        let first = users.partition_point(|user| Some(*user) <= refused);
        users.rotate_left(first % users.len().max(1));
        for user in users {
            // Whoever fails to end it from here on is not forgotten.
            lock(&self.marks.not_ended).remove(&user);
            let is_written = || self.unwritten.of(user).is_none();
            let ended = self.slot(user).end_at_last(user, is_written);
            if !matches!(ended, Ok(true)) {
                lock(&self.marks.not_ended).insert(user);
            }
            if let Err(error) = ended {
                *lock(&self.not_ended_last) = Some(user);
                return Err(error);
            }
            go_on()?;
        }
        Ok(())
    }

    /// Nobody has this id any more: nothing is left to be counted.
    pub fn forget(&self, user: UserId) {
        self.slot(user).forget(user);
    }

    /// What servers that share the ledger tell each other, and which of them this is; none when it is alone.
    pub fn shared(&self) -> Option<(&dyn SharedStore, ServerId)> {
        let store = self.marks.provider.shared()?;
        Some((store, self.marks.server))
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
        let slot = Arc::new(Slot::new(Arc::clone(&self.marks)));
        slots.of.insert(user, Arc::clone(&slot));
        slot
    }
}
