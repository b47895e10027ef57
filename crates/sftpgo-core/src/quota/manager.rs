//! The accounts of all users who have a session now, and what of an account outlives the last session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
    thread,
    time::Duration,
};

use super::{account::QuotaAccount, user_state::UserState};
use crate::{
    error::{ErrorKind, Result},
    ledger::{
        DirtyJournal, DirtyTracker, Ledgers, LeftDirty, MemoryJournal, SharedLedger, WriteBehind,
    },
    provider::{ClusterStore, NodeId, Provider},
    storage_usage::{StorageUsage, Usage},
    sync::lock,
    usage::Writers,
    user::{EffectiveUser, UserId},
};

/// The number of states from which on those that nobody needs any more are looked for.
const FEW: usize = 64;

/// How long to wait for an account that is closing before it is looked at again.
const ENDS_SOON: Duration = Duration::from_millis(1);

/// The users whose usage is tracked (`track_quota`).
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
    pub fn covers(self, user: &EffectiveUser) -> bool {
        match self {
            Self::Off => false,
            Self::All => true,
            Self::Limited => user.has_quota_limits(),
        }
    }
}

/// The accounts of all users who have a session now.
pub struct UsageManager {
    provider: Arc<dyn Provider>,
    ledgers: Arc<Ledgers>,
    tracker: Arc<DirtyTracker>,
    tracking: Tracking,
    users: Mutex<Users>,
    pub(super) write_behind: Arc<WriteBehind>,
    flush_state: Mutex<FlushState>,
    server: NodeId,
    cluster: OnceLock<Arc<dyn ClusterStore>>,
    writers: Arc<Writers>,
}

#[derive(Default)]
struct Users {
    states: HashMap<UserId, Arc<UserState>>,
    sweep_at: usize,
}

/// Did the ledger take all that write-behind had for it last time?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FlushState {
    Well,
    /// It refused something, which was logged. The user is the one at whom the ledger did not answer at all.
    Failing(Option<UserId>),
}

impl UsageManager {
    /// Usage as the ledger of `provider` has it.
    pub fn new(provider: Arc<dyn Provider>, tracking: Tracking) -> Arc<Self> {
        let journal = Arc::new(MemoryJournal::default());
        Self::of_server(provider, tracking, NodeId::random(), journal)
    }

    /// Makes the manager of the server that is called `server` where others share the ledger. A dirty mark that the ledger
    /// does not take is kept in `journal`.
    pub fn of_server(
        provider: Arc<dyn Provider>,
        tracking: Tracking,
        server: NodeId,
        journal: Arc<dyn DirtyJournal>,
    ) -> Arc<Self> {
        let ledgers = Arc::new(Ledgers::choose(&provider, server));
        let cluster = Arc::clone(&provider).shared();
        Arc::new(Self {
            tracker: Arc::new(DirtyTracker::new(Arc::clone(&ledgers), journal)),
            server,
            cluster: cluster.map_or_else(OnceLock::new, OnceLock::from),
            provider,
            ledgers,
            tracking,
            users: Mutex::default(),
            write_behind: Arc::default(),
            flush_state: Mutex::new(FlushState::Well),
            writers: Arc::default(),
        })
    }

    /// The users whose usage is tracked.
    pub fn tracking(&self) -> Tracking {
        self.tracking
    }

    /// The files that users of this server write to.
    pub fn writers(&self) -> &Arc<Writers> {
        &self.writers
    }

    /// The account shared by all sessions of the user.
    ///
    /// # Errors
    /// Any error of the ledger.
    pub fn account(&self, user: &EffectiveUser) -> Result<Arc<QuotaAccount>> {
        let user_state = self.state_of(user.id);
        // Only this user's other logins wait for the ledger here.
        let mut state = lock(&user_state.state);
        if let Some(account) = state.account() {
            return Ok(account);
        }
        user_state.throttle.set_rates(user);
        let pending = self.write_behind.of(user.id);
        let account = Arc::new(QuotaAccount::new(
            user,
            self.tracking.covers(user),
            self.ledgers.at(state.residence()).open(user.id, pending)?,
            Arc::clone(&user_state),
            Arc::clone(&self.write_behind),
            Arc::clone(&self.writers),
        ));
        state.open(&account);
        if pending.is_some() {
            self.write_behind.try_again();
        }
        Ok(account)
    }

    /// Returns the committed usage that the ledger does not have yet. A caller that asks for it before it asks the ledger
    /// misses no committed operation in the two together.
    pub fn write_behind_usage(&self) -> HashMap<UserId, Usage> {
        self.write_behind.usages()
    }

    /// Writes what write-behind keeps. What the ledger does not take waits for the next time, and so does the rest when the
    /// ledger does not answer: the next time begins with the rest, for what is refused may be one user's alone.
    pub(super) fn flush(&self) {
        let before = std::mem::replace(&mut *lock(&self.flush_state), FlushState::Well);
        let mut users = self.write_behind.users();
        if let FlushState::Failing(refused) = before
            && let Some(at) = users.iter().position(|user| Some(*user) == refused)
        {
            users.rotate_left(at + 1);
        }
        let mut now = FlushState::Well;
        for user in users {
            let written = match self.state_of(user).account() {
                Some(account) => account.store(),
                None => self.flush_closed(user),
            };
            match written {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    if (before, now) == (FlushState::Well, FlushState::Well) {
                        log::error!(
                            "the usage of user {} could not be written to the database and is kept in memory until it answers: {error}",
                            user.0
                        );
                    }
                    now = FlushState::Failing(None);
                    self.write_behind.try_again();
                    if error.kind() == ErrorKind::Unavailable {
                        now = FlushState::Failing(Some(user));
                        break;
                    }
                }
                // Nobody needs the usage of a user who is gone.
                _ => {}
            }
        }
        *lock(&self.flush_state) = now;
        if before != FlushState::Well && now == FlushState::Well {
            log::info!(
                "the database can be written to again, and the usage that was kept in memory has been written"
            );
        }
    }

    /// Writes what write-behind keeps of a user without a session: the last one ended while the ledger did not answer. A
    /// new account begins with that usage and writes it at its end.
    fn flush_closed(&self, user: UserId) -> Result<()> {
        match self.provider.user_by_id(user)? {
            Some(user) => self.account(&user.effective()).map(drop),
            None => {
                self.write_behind.forget(user);
                self.state_of(user).forget();
                Ok(())
            }
        }
    }

    /// Tells a user's running sessions about changed limits.
    pub fn limits_changed(&self, user: &EffectiveUser) {
        let state = self.state_of(user.id);
        state.throttle.set_rates(user);
        if let Some(account) = state.account() {
            account.set_limits(user, self.tracking.covers(user));
        }
    }

    /// Finds out, before anybody logs in, whom an earlier run of this server left dirty: their usage is not to be trusted
    /// before a rescan, see [`UsageManager::rescanned`]. Where other nodes share the ledger they are told what the journal
    /// says, and nobody is returned: the nodes share the rescans out among themselves.
    ///
    /// # Errors
    /// The journal cannot be read, or what the ledger says.
    pub fn left_dirty(&self) -> Result<Vec<UserId>> {
        let in_journal = self.tracker.left_in_journal()?;
        let LeftDirty::Here(mut users) = self.tracker.left_in_ledger()? else {
            let hand_over = |user| self.state_of(user).hand_over();
            in_journal.into_iter().try_for_each(hand_over)?;
            // An earlier run was killed while it had the store for itself.
            for user in self.provider.dirty_users()? {
                hand_over(user)?;
                self.provider.set_dirty(user, false)?;
            }
            return Ok(Vec::new());
        };
        for user in &users {
            self.state_of(*user)
                .with_dirty(|dirty| dirty.left_in_ledger());
        }
        for user in &in_journal {
            self.state_of(*user)
                .with_dirty(|dirty| dirty.left_in_journal());
        }
        users.extend(in_journal);
        users.sort_unstable();
        users.dedup();
        Ok(users)
    }

    /// Must the user's home be rescanned before the usage is to be trusted?
    pub fn needs_rescan(&self, user: UserId) -> bool {
        self.state_of(user).with_dirty(|dirty| dirty.needs_rescan())
    }

    /// The user's home has been rescanned: the usage is to be trusted.
    pub fn rescanned(&self, user: UserId) {
        self.state_of(user).with_dirty(|dirty| dirty.rescanned());
    }

    /// Returns the users whom the ledger has as dirty because of this server.
    pub(crate) fn dirty_users(&self) -> Vec<UserId> {
        let users = lock(&self.users);
        let users: Vec<_> = users
            .states
            .iter()
            .map(|(user, state)| (*user, Arc::clone(state)))
            .collect();
        users
            .into_iter()
            .filter(|(_, state)| state.with_dirty(|dirty| dirty.is_in_ledger()))
            .map(|(user, _)| user)
            .collect()
    }

    /// Marks the user dirty in the ledger again, if the user is dirty: other nodes may have ended the mark.
    ///
    /// # Errors
    /// Any error of the ledger.
    pub(crate) fn mark_again(&self, user: UserId) -> Result<()> {
        let state = self.state_of(user);
        let contributed = match state.account() {
            Some(account) => account.contributed_to_ledger(),
            None => {
                let pending = self.write_behind.of(user);
                pending.map_or_else(StorageUsage::default, |pending| pending.contributed)
            }
        };
        state.mark_again(contributed)
    }

    /// Ends marks of clean users in the ledger where that failed before. `go_on` is called every so often.
    ///
    /// # Errors
    /// Any error of the ledger or `go_on`; the rest is tried at the next call, beginning with others.
    pub fn end_unsure_marks(&self, go_on: &dyn Fn() -> Result<()>) -> Result<()> {
        let end = |user| {
            let is_written = || self.write_behind.of(user).is_none();
            self.state_of(user).end_unsure(is_written)
        };
        self.tracker.end_unsure(end, go_on)
    }

    /// Drops what is known of a user whose id nobody has any more.
    pub fn forget(&self, user: UserId) {
        self.state_of(user).forget();
    }

    /// The store that servers share, and which of them this is; none when it is alone.
    pub fn cluster(&self) -> Option<(Arc<dyn ClusterStore>, NodeId)> {
        let store = self.cluster.get()?;
        Some((Arc::clone(store), self.server))
    }

    /// Other servers are about to use the ledger too, as `store` offers it: from here on this one is one of several, and
    /// asks for room as they do. Transfers go on meanwhile. No other server may use the ledger before this returns.
    ///
    /// # Errors
    /// Any error of the ledger: then this server has to stay the only one. A further call goes on where that failed.
    pub fn begin_sharing(&self, store: Arc<dyn ClusterStore>) -> Result<()> {
        if self.ledgers.shared().is_none() && self.cluster.get().is_some() {
            return Ok(());
        }
        let states: Vec<_> = {
            let users = lock(&self.users);
            self.ledgers
                .begin_move(SharedLedger::new(Arc::clone(&store), self.server));
            let states = users.states.iter();
            states
                .map(|(user, state)| (*user, Arc::clone(state)))
                .collect()
        };
        let Some(shared) = self.ledgers.shared() else {
            return Ok(());
        };
        for (user, state) in states {
            while !state.move_to(shared, || self.write_behind.of(user).is_none())? {
                thread::sleep(ENDS_SOON);
            }
        }
        let _ = self.cluster.set(store);
        Ok(())
    }

    fn state_of(&self, user: UserId) -> Arc<UserState> {
        let mut users = lock(&self.users);
        if let Some(state) = users.states.get(&user) {
            return Arc::clone(state);
        }
        if users.states.len() >= users.sweep_at.max(FEW) {
            users.states.retain(|_, state| state.is_needed());
            users.sweep_at = users.states.len() * 2;
        }
        let tracker = Arc::clone(&self.tracker);
        let state = Arc::new(UserState::new(user, tracker, self.ledgers.residence()));
        users.states.insert(user, Arc::clone(&state));
        state
    }
}
