//! Who is dirty: whose files may differ from the stored usage, and where that is said so that it survives a crash.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use super::{
    Cleared, DirtyJournal, Ledger, Ledgers, LeftDirty, MarkError, MarkLeft, Residence, Since,
};
use crate::{
    error::{ErrorKind, Result},
    provider::RescanStart,
    storage_usage::StorageUsage,
    sync::lock,
    user::UserId,
};

/// Where it is said that a user is dirty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mark {
    /// Nowhere: the user is clean.
    #[default]
    None,
    Ledger,
    /// Only in the journal, since the ledger did not answer.
    Journal,
    /// In both, since the journal could not be written when the ledger answered again.
    Both,
}

/// Can the usage be trusted?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Trust {
    #[default]
    Trusted,
    /// An earlier run was killed while it changed files: the mark stays until the home has been rescanned.
    RescanFirst,
}

/// One user's state; [`DirtyTracker`] changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct DirtyState {
    mark: Mark,
    usage: Trust,
    residence: Residence,
}

impl DirtyState {
    /// The state of a clean user.
    pub(crate) fn of(residence: Residence) -> Self {
        Self {
            residence,
            ..Self::default()
        }
    }

    /// In which ledger the user is.
    pub(crate) fn residence(self) -> Residence {
        self.residence
    }

    pub(crate) fn is_clean(self) -> bool {
        self.mark == Mark::None
    }

    /// Does the ledger say it?
    pub(crate) fn is_in_ledger(self) -> bool {
        matches!(self.mark, Mark::Ledger | Mark::Both)
    }

    /// Does the journal say it?
    pub(crate) fn is_in_journal(self) -> bool {
        matches!(self.mark, Mark::Journal | Mark::Both)
    }

    pub(crate) fn needs_rescan(self) -> bool {
        self.usage == Trust::RescanFirst
    }

    /// The home has been rescanned.
    pub(crate) fn rescanned(&mut self) {
        self.usage = Trust::Trusted;
    }

    /// An earlier run left the user dirty, as the ledger says.
    pub(crate) fn left_in_ledger(&mut self) {
        self.usage = Trust::RescanFirst;
        self.ledger_says(true);
    }

    /// The same, as the journal says.
    pub(crate) fn left_in_journal(&mut self) {
        self.usage = Trust::RescanFirst;
        self.journal_says(true);
    }

    fn since(self) -> Since {
        if self.is_in_journal() {
            Since::Before
        } else {
            Since::Now
        }
    }

    fn ledger_says(&mut self, is_dirty: bool) {
        self.mark = Mark::of(is_dirty, self.is_in_journal());
    }

    fn journal_says(&mut self, is_dirty: bool) {
        self.mark = Mark::of(self.is_in_ledger(), is_dirty);
    }
}

impl Mark {
    fn of(in_ledger: bool, in_journal: bool) -> Self {
        match (in_ledger, in_journal) {
            (false, false) => Self::None,
            (true, false) => Self::Ledger,
            (false, true) => Self::Journal,
            (true, true) => Self::Both,
        }
    }
}

/// The places where it is said, and which marks in the ledger nobody is sure of.
pub(crate) struct DirtyTracker {
    ledgers: Arc<Ledgers>,
    journal: Arc<dyn DirtyJournal>,
    unsure: Mutex<Unsure>,
}

/// Users whose mark the ledger may have, though they are clean here.
#[derive(Default)]
struct Unsure {
    users: BTreeSet<UserId>,
    /// The user whose mark could not be ended last.
    refused: Option<UserId>,
}

impl DirtyTracker {
    pub(crate) fn new(ledgers: Arc<Ledgers>, journal: Arc<dyn DirtyJournal>) -> Self {
        Self {
            ledgers,
            journal,
            unsure: Mutex::default(),
        }
    }

    fn ledger(&self, state: DirtyState) -> &dyn Ledger {
        self.ledgers.at(state.residence)
    }

    /// Moves a user to the ledger that other servers use too; a mark goes along, or is made where the user needs one. `since`
    /// is since when the files may differ from the stored usage, of which `contributed` came from this server.
    ///
    /// # Errors
    /// Any error of either ledger. The user has moved or not; a mark is in one of them at least.
    pub(crate) fn move_mark(
        &self,
        state: &mut DirtyState,
        user: UserId,
        contributed: StorageUsage,
        since: Since,
    ) -> Result<()> {
        let before = *state;
        state.residence = Residence::Moved;
        let is_late = since == Since::Before || before.needs_rescan() || before.is_in_journal();
        let since = if is_late { Since::Before } else { Since::Now };
        let marked = self.ledger(*state).mark(user, contributed, since);
        if let Err(error) = self.answer(user, marked) {
            state.residence = before.residence;
            return Err(error);
        }
        state.ledger_says(true);
        self.take_from_journal(state, user);
        if before.is_in_ledger() {
            // Both have it else, and the next start rescans once more than it needs to.
            let cleared = self.ledger(before).clear(user);
            self.answer(user, cleared)?;
        }
        Ok(())
    }

    /// Moves a clean user to the ledger that other servers use too.
    pub(crate) fn move_clean(state: &mut DirtyState) {
        state.residence = Residence::Moved;
    }

    /// Says that the user is dirty, unless that is said already: in the ledger, or in the journal while the ledger does not
    /// answer. False when neither takes it: a crash would go unnoticed. `contributed` returns what this server has brought
    /// into the ledger.
    pub(crate) fn mark(
        &self,
        state: &mut DirtyState,
        user: UserId,
        contributed: impl FnOnce() -> StorageUsage,
    ) -> bool {
        let Err(error) = self.mark_in_ledger(state, user, contributed) else {
            return true;
        };
        if state.is_in_journal() {
            return true;
        }
        match self.journal.add(user) {
            Ok(()) => {
                log::warn!(
                    "the usage of user {} is dirty, which was written to the journal only, because the database could not be written to: {error}",
                    user.0
                );
                state.journal_says(true);
            }
            Err(failed) => log::warn!(
                "the usage of user {} is dirty, which could be written neither to the database nor to the journal, so there is no rescan after a crash: start a quota scan then (database: {error}; journal: {failed})",
                user.0
            ),
        }
        state.is_in_journal()
    }

    /// Says it in the ledger.
    ///
    /// # Errors
    /// Any error of the ledger.
    pub(crate) fn mark_in_ledger(
        &self,
        state: &mut DirtyState,
        user: UserId,
        contributed: impl FnOnce() -> StorageUsage,
    ) -> Result<()> {
        if !state.is_in_ledger() {
            let marked = self.ledger(*state).mark(user, contributed(), state.since());
            self.answer(user, marked)?;
            state.ledger_says(true);
        }
        self.take_from_journal(state, user);
        Ok(())
    }

    /// Writes what only the journal has to the ledger, which others share.
    ///
    /// # Errors
    /// Any error of the ledger.
    pub(crate) fn hand_over(&self, state: &mut DirtyState, user: UserId) -> Result<()> {
        state.journal_says(true);
        self.mark_in_ledger(state, user, StorageUsage::default)
    }

    /// Marks the user in the ledger again, if the user is dirty: this node had expired, and others ended the mark.
    ///
    /// # Errors
    /// Any error of the ledger.
    pub(crate) fn mark_again(
        &self,
        state: DirtyState,
        user: UserId,
        contributed: StorageUsage,
    ) -> Result<()> {
        if !state.is_in_ledger() {
            return Ok(());
        }
        let marked = self.ledger(state).mark(user, contributed, Since::Before);
        self.answer(user, marked)
    }

    /// A rescan begins; none where no other server could change files meanwhile.
    ///
    /// # Errors
    /// Any error of the ledger.
    pub(crate) fn begin_rescan(
        &self,
        state: &mut DirtyState,
        user: UserId,
        contributed: impl FnOnce() -> StorageUsage,
    ) -> Result<Option<RescanStart>> {
        // A share that was lost is no new one.
        let since = match state.is_clean() {
            true => Since::Now,
            false => Since::Before,
        };
        let begun = self.ledger(*state).begin_rescan(user, contributed(), since);
        let start = self.answer(user, begun)?;
        if start.is_some() {
            state.ledger_says(true);
            self.take_from_journal(state, user);
        }
        Ok(start)
    }

    /// Says that the user is clean.
    ///
    /// # Errors
    /// Any error of the ledger.
    pub(crate) fn clear(&self, state: &mut DirtyState, user: UserId) -> Result<()> {
        match self.ledger(*state).clear(user) {
            Ok(cleared) => state.ledger_says(cleared == Cleared::RescanFirst),
            // Nobody needs the mark of a user who is gone.
            Err(failed) if failed.error.kind() == ErrorKind::NotFound => state.ledger_says(false),
            Err(failed) => {
                // It may be done all the same.
                state.ledger_says(failed.mark == MarkLeft::AsBefore);
                return self.answer(user, Err(failed));
            }
        }
        Ok(())
    }

    /// Drops what is known of a user whose id nobody has any more.
    pub(crate) fn forget(&self, state: &mut DirtyState, user: UserId) {
        self.take_from_journal(state, user);
        state.ledger_says(false);
        state.rescanned();
    }

    /// Returns whom an earlier run of this server left dirty, as the ledger says.
    ///
    /// # Errors
    /// Any error of the ledger.
    pub(crate) fn left_in_ledger(&self) -> Result<LeftDirty> {
        self.ledgers.at(self.ledgers.residence()).left_dirty()
    }

    /// The same, as the journal says.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(crate) fn left_in_journal(&self) -> Result<Vec<UserId>> {
        self.journal.users()
    }

    /// Ends marks that nobody is sure of. `end` says whether a user's is ended, `go_on` is called every so often.
    ///
    /// # Errors
    /// Any error of `end` or `go_on`; the rest is tried at the next call, beginning with others.
    pub(crate) fn end_unsure(
        &self,
        end: impl Fn(UserId) -> Result<bool>,
        go_on: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        for user in self.unsure_users() {
            // Whoever fails to end it from here on is not forgotten.
            lock(&self.unsure).users.remove(&user);
            let ended = end(user);
            let mut unsure = lock(&self.unsure);
            if !matches!(ended, Ok(true)) {
                unsure.users.insert(user);
            }
            if let Err(error) = ended {
                unsure.refused = Some(user);
                return Err(error);
            }
            drop(unsure);
            go_on()?;
        }
        Ok(())
    }

    /// Returns the users with such marks; the one that was refused last comes last.
    fn unsure_users(&self) -> VecDeque<UserId> {
        let mut unsure = lock(&self.unsure);
        let refused = unsure.refused.take();
        let mut users: VecDeque<UserId> = unsure.users.iter().copied().collect();
        let first = users.partition_point(|user| Some(*user) <= refused);
        users.rotate_left(first % users.len().max(1));
        users
    }

    fn answer<T>(&self, user: UserId, answer: Result<T, MarkError>) -> Result<T> {
        answer.map_err(|failed| {
            if failed.mark == MarkLeft::Unknown {
                lock(&self.unsure).users.insert(user);
            }
            failed.error
        })
    }

    /// The ledger knows what the journal said.
    fn take_from_journal(&self, state: &mut DirtyState, user: UserId) {
        if !state.is_in_journal() {
            return;
        }
        match self.journal.remove(user) {
            Ok(()) => state.journal_says(false),
            Err(error) => log::warn!(
                "user {} could not be removed from the journal, so the next start rescans the home: {error}",
                user.0
            ),
        }
    }
}

#[cfg(test)]
mod tests;
