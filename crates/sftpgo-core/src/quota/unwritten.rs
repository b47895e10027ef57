//! UsageSnapshot that the ledger does not have yet: until they are written, they are what a user has settled.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use super::slot::Slot;
use crate::{
    storage_usage::{StorageUsage, Usage},
    sync::lock,
    usage::UsageSnapshot,
    user::{UserId, now_ms},
};

#[derive(Default)]
pub(super) struct Unwritten {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    figures: HashMap<UserId, Figure>,
    /// Somebody writes what is put off.
    has_writer: bool,
    /// There is something to write since the writer looked last.
    is_due: bool,
}

struct Figure {
    figures: UsageSnapshot,
    at: i64,
    slot: Arc<Slot>,
}

impl Unwritten {
    /// Puts off writing what `figures` answers; false when nobody would write it later.
    pub(super) fn put_off(
        &self,
        user: UserId,
        slot: &Arc<Slot>,
        figures: impl FnOnce() -> UsageSnapshot,
    ) -> bool {
        let mut state = lock(&self.state);
        if !state.has_writer {
            return false;
        }
        state.set(user, slot, figures());
        self.make_due(&mut state);
        true
    }

    /// Remembers what `figures` answers unless the ledger has it, and says whether it has not: `written` is what this
    /// server has contributed there, none when the write failed.
    pub(super) fn keep_unless(
        &self,
        written: Option<StorageUsage>,
        user: UserId,
        slot: &Arc<Slot>,
        figures: impl FnOnce() -> UsageSnapshot,
    ) -> bool {
        let mut state = lock(&self.state);
        let figures = figures();
        if written == Some(figures.contributed) {
            state.figures.remove(&user);
            return false;
        }
        state.set(user, slot, figures);
        true
    }

    /// Nobody needs the figure any more.
    pub(super) fn forget(&self, user: UserId) {
        lock(&self.state).figures.remove(&user);
    }

    pub(super) fn of(&self, user: UserId) -> Option<UsageSnapshot> {
        let state = lock(&self.state);
        state.figures.get(&user).map(|figure| figure.figures)
    }

    /// All of them, as the ledger would say them.
    pub(super) fn usages(&self) -> HashMap<UserId, Usage> {
        let state = lock(&self.state);
        let usage = |figure: &Figure| figure.figures.settled.as_usage_at(figure.at);
        let figures = state.figures.iter();
        figures
            .map(|(user, figure)| (*user, usage(figure)))
            .collect()
    }

    pub(super) fn slots(&self) -> Vec<(UserId, Arc<Slot>)> {
        let state = lock(&self.state);
        let figures = state.figures.iter();
        figures
            .map(|(user, figure)| (*user, Arc::clone(&figure.slot)))
            .collect()
    }

    /// From here on writing can be put off.
    pub(super) fn start_writer(&self) {
        lock(&self.state).has_writer = true;
    }

    /// From here on everything is written at once.
    pub(super) fn stop_writer(&self) {
        lock(&self.state).has_writer = false;
        self.changed.notify_all();
    }

    /// Waits until something is put off and `within` longer; false when the writer is to stop.
    pub(super) fn wait(&self, within: Duration) -> bool {
        let state = lock(&self.state);
        let idle = |state: &mut State| state.has_writer && !state.is_due;
        let state = self
            .changed
            .wait_while(state, idle)
            .unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, within, |state| state.has_writer)
            .unwrap_or_else(PoisonError::into_inner);
        state.is_due = false;
        state.has_writer
    }

    /// Something is left to write that nobody put off now.
    pub(super) fn try_again(&self) {
        self.make_due(&mut lock(&self.state));
    }

    fn make_due(&self, state: &mut State) {
        if !state.is_due {
            state.is_due = true;
            self.changed.notify_one();
        }
    }
}

impl State {
    fn set(&mut self, user: UserId, slot: &Arc<Slot>, figures: UsageSnapshot) {
        let at = now_ms();
        self.figures
            .entry(user)
            .and_modify(|figure| {
                if figure.figures != figures {
                    (figure.figures, figure.at) = (figures, at);
                }
            })
            .or_insert_with(|| Figure {
                figures,
                at,
                slot: Arc::clone(slot),
            });
    }
}
