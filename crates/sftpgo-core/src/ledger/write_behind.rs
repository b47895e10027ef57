//! Usage that the ledger does not have yet: until it is written, this is what a user has committed.

use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    storage_usage::{StorageUsage, Usage},
    sync::lock,
    usage::UsageSnapshot,
    user::{UserId, now_ms},
};

/// The usage that is to be written later, and whether there is a writer for it.
#[derive(Default)]
pub(crate) struct WriteBehind {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pending: HashMap<UserId, Pending>,
    writer: Writer,
}

/// Who writes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Writer {
    /// Nobody: everything is written at once.
    #[default]
    Absent,
    /// There is nothing to write since the writer looked last.
    Idle,
    Due,
}

struct Pending {
    usage: UsageSnapshot,
    /// When the usage came to this (Unix milliseconds).
    at: i64,
}

impl WriteBehind {
    /// Keeps what `usage` returns for the writer; false when there is none.
    pub(crate) fn write_later(&self, user: UserId, usage: impl FnOnce() -> UsageSnapshot) -> bool {
        let mut state = lock(&self.state);
        if state.writer == Writer::Absent {
            return false;
        }
        state.keep(user, usage());
        self.make_due(&mut state);
        true
    }

    /// Keeps what `usage` returns unless the ledger has it, and says whether it has not: `written` is what this server has
    /// contributed there, none when the write failed.
    pub(crate) fn keep_unless(
        &self,
        written: Option<StorageUsage>,
        user: UserId,
        usage: impl FnOnce() -> UsageSnapshot,
    ) -> bool {
        let mut state = lock(&self.state);
        let usage = usage();
        if written == Some(usage.contributed) {
            state.pending.remove(&user);
            return false;
        }
        state.keep(user, usage);
        true
    }

    /// Drops what is kept of the user: nobody needs it any more.
    pub(crate) fn forget(&self, user: UserId) {
        lock(&self.state).pending.remove(&user);
    }

    /// Returns what is kept of the user.
    pub(crate) fn of(&self, user: UserId) -> Option<UsageSnapshot> {
        let state = lock(&self.state);
        state.pending.get(&user).map(|pending| pending.usage)
    }

    /// Returns all that is kept, as the ledger would have it.
    pub(crate) fn usages(&self) -> HashMap<UserId, Usage> {
        let state = lock(&self.state);
        let usage = |pending: &Pending| pending.usage.committed.as_usage_at(pending.at);
        let pending = state.pending.iter();
        pending
            .map(|(user, pending)| (*user, usage(pending)))
            .collect()
    }

    /// Returns the users of whom something is kept.
    pub(crate) fn users(&self) -> Vec<UserId> {
        lock(&self.state).pending.keys().copied().collect()
    }

    /// From here on usage can be written later.
    pub(crate) fn start_writer(&self) {
        lock(&self.state).writer = Writer::Due;
    }

    /// From here on everything is written at once.
    pub(crate) fn stop_writer(&self) {
        lock(&self.state).writer = Writer::Absent;
        self.changed.notify_all();
    }

    /// Waits until something is kept and `within` longer; false when the writer is to stop.
    pub(crate) fn wait(&self, within: Duration) -> bool {
        let state = lock(&self.state);
        let state = self
            .changed
            .wait_while(state, |state| state.writer == Writer::Idle)
            .unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, within, |state| state.writer != Writer::Absent)
            .unwrap_or_else(PoisonError::into_inner);
        if state.writer == Writer::Absent {
            return false;
        }
        state.writer = Writer::Idle;
        true
    }

    /// Something is left to write that was kept before.
    pub(crate) fn try_again(&self) {
        self.make_due(&mut lock(&self.state));
    }

    fn make_due(&self, state: &mut State) {
        if state.writer == Writer::Idle {
            state.writer = Writer::Due;
            self.changed.notify_one();
        }
    }
}

impl State {
    fn keep(&mut self, user: UserId, usage: UsageSnapshot) {
        let at = now_ms();
        self.pending
            .entry(user)
            .and_modify(|pending| {
                if pending.usage != usage {
                    *pending = Pending { usage, at };
                }
            })
            .or_insert(Pending { usage, at });
    }
}
