//! The usage and limits of one user, shared by the user's sessions.

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};

use super::{
    amount::{Amount, Limits, QuotaStatus},
    book::Slot,
    count::Changes,
    inodes::{CountedInode, FileChange, Inodes, SharedCount},
    lock,
    unwritten::Unwritten,
};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::Metadata,
    provider::{Provider, UsageDelta},
    throttle::Throttle,
    user::{User, UserId},
};

/// One user's account.
///
/// An operation takes what it needs before it writes and settles when it ends. While anything may be unsettled the
/// ledger says so, and whoever starts after a crash counts the user's files again.
pub struct QuotaAccount {
    pub(super) user: UserId,
    provider: Arc<dyn Provider>,
    slot: Arc<Slot>,
    unwritten: Arc<Unwritten>,
    names: Mutex<()>,
    inodes: Inodes,
    /// The ledger says that this user may have unsettled changes.
    marked: AtomicBool,
    pub(super) state: Mutex<State>,
    /// What the ledger has. Held while writing to it; `state` is not, so that transfers go on meanwhile.
    ledger: Mutex<Option<Amount>>,
}

pub(super) struct State {
    pub(super) limits: Limits,
    pub(super) tracked: bool,
    /// What the user takes up now, reservations of running operations included.
    pub(super) live: Amount,
    /// The part of it that finished operations left.
    pub(super) settled: Amount,
    /// The part of it that no rescan would find: uploads whose data is not under its name yet.
    pub(super) staged: Amount,
    /// What changed since a count of the files began.
    pub(super) changes: Option<Changes>,
}

impl State {
    fn check(&self, delta: UsageDelta) -> Result<()> {
        let passed = self.limits.passed(delta, self.live.with(delta));
        match passed.filter(|_| self.tracked) {
            Some(limit) => {
                Err(Error::new(ErrorKind::QuotaExceeded, "quota exceeded").decided_by(limit))
            }
            None => Ok(()),
        }
    }

    fn record(&mut self, change: FileChange) -> UsageDelta {
        let delta = change.delta();
        self.live = self.live.with(delta);
        if let Some(changes) = &mut self.changes {
            changes.record(change);
        }
        delta
    }
}

impl QuotaAccount {
    pub(super) fn new(
        user: &User,
        tracked: bool,
        stored: Amount,
        in_ledger: Option<Amount>,
        provider: Arc<dyn Provider>,
        slot: Arc<Slot>,
        unwritten: Arc<Unwritten>,
    ) -> Self {
        Self {
            user: user.id,
            provider,
            slot,
            unwritten,
            names: Mutex::default(),
            inodes: Inodes::default(),
            marked: AtomicBool::new(false),
            state: Mutex::new(State {
                limits: Limits::of(user),
                tracked,
                live: stored,
                settled: stored,
                staged: Amount::default(),
                changes: None,
            }),
            ledger: Mutex::new(in_ledger),
        }
    }

    pub(super) fn set_limits(&self, user: &User, tracked: bool) {
        let mut state = lock(&self.state);
        state.limits = Limits::of(user);
        state.tracked = tracked;
    }

    /// Is there room for `delta`? Whoever goes on to take it may still find it gone.
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded).
    pub fn check(&self, delta: UsageDelta) -> Result<()> {
        lock(&self.state).check(delta)
    }

    /// Takes what `change` needs, or nothing. Shrinking always works.
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded).
    pub fn reserve(&self, change: FileChange) -> Result<UsageDelta> {
        let mut state = lock(&self.state);
        state.check(change.delta())?;
        Ok(state.record(change))
    }

    /// Counts `change` whether or not it passes a limit: for what is on the disk already.
    pub fn record(&self, change: FileChange) -> UsageDelta {
        lock(&self.state).record(change)
    }

    /// Takes `delta` for an upload whose data is not under its name yet.
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded).
    pub fn reserve_staged(&self, delta: UsageDelta) -> Result<()> {
        let mut state = lock(&self.state);
        state.check(delta)?;
        state.live = state.live.with(delta);
        state.staged = state.staged.with(delta);
        Ok(())
    }

    /// Gives back what such an upload took.
    pub fn release_staged(&self, delta: UsageDelta) {
        self.publish(delta, []);
    }

    /// Such an upload got its name: what it took becomes the `changes` that a rescan would see.
    pub fn publish(
        &self,
        staged: UsageDelta,
        changes: impl IntoIterator<Item = FileChange>,
    ) -> UsageDelta {
        let mut state = lock(&self.state);
        state.live = state.live.with(-staged);
        state.staged = state.staged.with(-staged);
        let mut sum = UsageDelta::default();
        for change in changes {
            sum += state.record(change);
        }
        sum
    }

    /// Directories moved: whoever is counting the files has to begin again.
    pub fn tree_changed(&self) {
        if let Some(changes) = &mut lock(&self.state).changes {
            changes.tree_changed();
        }
    }

    /// Is somebody counting the files now?
    pub fn is_being_counted(&self) -> bool {
        lock(&self.state).changes.is_some()
    }

    /// A finished operation's `delta` goes to the ledger, as the figure that all finished ones come to: deltas
    /// settle in any order, operations that end together share a write, and what a failed write left out goes
    /// with the next. Where there is a [`LedgerWriter`](super::LedgerWriter) it writes, a little later.
    ///
    /// # Errors
    /// What the ledger says; the count stands, since the files are there.
    pub fn settle(&self, delta: UsageDelta) -> Result<()> {
        if delta == UsageDelta::default() {
            return Ok(());
        }
        let tracked = {
            let mut state = lock(&self.state);
            state.settled = state.settled.with(delta);
            state.tracked
        };
        if !tracked {
            return Ok(());
        }
        // Who was not tracked when the files changed is not marked yet.
        self.mark();
        let settled = || self.settled();
        if self.unwritten.put_off(self.user, &self.slot, settled) {
            return Ok(());
        }
        self.store()
    }

    /// Brings the ledger up to date.
    pub(super) fn store(&self) -> Result<()> {
        self.write(false)
    }

    /// Writes the figure of a count, whether or not the user is tracked: then it tells when it was counted.
    pub(super) fn store_counted(&self) -> Result<()> {
        self.write(true)
    }

    fn write(&self, counted: bool) -> Result<()> {
        let mut in_ledger = lock(&self.ledger);
        let written = self.write_to(&mut in_ledger, counted);
        self.keep_unwritten(&written);
        written.map(drop)
    }

    /// Remembers what the ledger did not take, for REST and the next account, and says whether it has everything.
    /// Nobody needs the usage of a user who is gone or not tracked.
    fn keep_unwritten(&self, written: &Result<Option<Amount>>) -> bool {
        let written = match written {
            Ok(Some(written)) => Some(*written),
            Err(error) if error.kind() != ErrorKind::NotFound => None,
            Ok(None) | Err(_) => {
                self.unwritten.forget(self.user);
                return true;
            }
        };
        let settled = || self.settled();
        !self
            .unwritten
            .keep_unless(written, self.user, &self.slot, settled)
    }

    /// Answers what the ledger has then; none when the user is not tracked.
    fn write_to(&self, in_ledger: &mut Option<Amount>, counted: bool) -> Result<Option<Amount>> {
        let (settled, tracked) = {
            let state = lock(&self.state);
            (state.settled, state.tracked)
        };
        if !counted && !tracked {
            return Ok(None);
        }
        if counted || *in_ledger != Some(settled) {
            // What a failed write did is not known.
            *in_ledger = None;
            self.provider.set_usage(self.user, settled.as_usage())?;
            *in_ledger = Some(settled);
        }
        Ok(Some(settled))
    }

    fn settled(&self) -> Amount {
        lock(&self.state).settled
    }

    /// The user's bandwidth, shared by the user's transfers.
    pub fn throttle(&self) -> &Throttle {
        &self.slot.throttle
    }

    /// Held while names appear, go or change, so that what is looked at is what is changed.
    pub fn change_names(&self) -> MutexGuard<'_, ()> {
        self.mark();
        lock(&self.names)
    }

    /// From here on it is remembered what changes. Writes that are going on end before this returns.
    pub(super) fn watch_changes(&self) {
        // An operation on names that is half done now would be neither in the tree nor among the changes.
        let _names = self.change_names();
        lock(&self.state).changes = Some(Changes::default());
        for count in self.inodes.all() {
            let counted = lock(&count);
            if let Some(changes) = &mut lock(&self.state).changes {
                let size = counted.counted.then_some(counted.size);
                changes.record(FileChange {
                    inode: counted.inode,
                    before: size,
                    after: size,
                });
            }
        }
    }

    /// Looks at a file and answers what it is with the count shared by all who change it.
    ///
    /// # Errors
    /// What `look` says.
    pub fn look_up(&self, look: impl Fn() -> Result<Metadata>) -> Result<(Metadata, SharedCount)> {
        self.inodes.look_up(look)
    }

    /// The count of a file that was made a moment ago, while the names are held.
    pub fn share_new(&self, made: &Metadata) -> SharedCount {
        self.inodes.share_new(made)
    }

    /// The file's last name is gone.
    pub fn retire(&self, count: &mut CountedInode) {
        self.inodes.retire(count);
    }

    /// Is the user limited in bytes?
    pub fn limits_size(&self) -> bool {
        let state = lock(&self.state);
        state.tracked && state.limits.size > 0
    }

    /// Limits and use as they stand.
    pub fn status(&self) -> QuotaStatus {
        let state = lock(&self.state);
        QuotaStatus {
            size_limit: state.limits.size,
            size_used: state.live.size,
            files_limit: state.limits.files,
            files_used: state.live.files,
        }
    }

    /// Lets the ledger know, before the first change, that the files and its figures may differ from now on.
    fn mark(&self) {
        if self.marked.load(Ordering::Acquire) || !lock(&self.state).tracked {
            return;
        }
        match self.slot.mark(self.provider.as_ref(), self.user) {
            Ok(()) => self.marked.store(true, Ordering::Release),
            // Transfers go on without the database; only a crash before it is back goes unnoticed.
            Err(error) => log::warn!("that usage is changing was not stored: {error}"),
        }
    }
}

impl Drop for QuotaAccount {
    fn drop(&mut self) {
        self.slot.close(self.provider.as_ref(), self, || {
            self.keep_unwritten(&self.write_to(&mut lock(&self.ledger), false))
        });
    }
}
