//! The usage and limits of one user, shared by the user's sessions.

use std::{
    sync::{Arc, Mutex, MutexGuard, atomic::AtomicBool},
    time::Instant,
};

use super::{ask::Asking, user_state::UserState};
use crate::{
    error::Result,
    filesystem::{FileId, Metadata},
    ledger::{LedgerClient, Opened, WriteBehind},
    provider::RescanStart,
    storage_usage::{StorageUsage, UsageDelta},
    sync::lock,
    throttle::Throttle,
    uploads::RunningUploads,
    usage::{
        Changes, FileChange, FileState, FileUsage, FileUsages, Headroom, Limits, QuotaStatus,
        SharedFileUsage, UserUsage, Writers, exceeded,
    },
    user::{EffectiveUser, UserId},
};

/// One user's account.
///
/// An operation takes what it needs before it writes and commits when it ends. While the user is dirty the ledger says so,
/// and the start after a crash rescans the home.
pub struct QuotaAccount {
    pub(super) user: UserId,
    pub(super) user_state: Arc<UserState>,
    pub(super) write_behind: Arc<WriteBehind>,
    names: Mutex<()>,
    /// Since when a storage that may take long has them.
    names_with_storage: Mutex<Option<Instant>>,
    uploads: Mutex<RunningUploads>,
    file_usages: FileUsages,
    /// The ledger, or while it does not answer the journal, says that this user is dirty.
    pub(super) marked: AtomicBool,
    pub(super) state: Arc<Mutex<UserUsage>>,
    pub(super) asking: Mutex<Asking>,
    /// Locked while the ledger is written to; `state` is not, so that transfers go on meanwhile.
    pub(super) client: Mutex<Box<dyn LedgerClient>>,
}

/// The names of a user, held for a storage.
pub(crate) struct NamesWithStorage<'a> {
    account: &'a QuotaAccount,
    _names: MutexGuard<'a, ()>,
}

impl Drop for NamesWithStorage<'_> {
    fn drop(&mut self) {
        *lock(&self.account.names_with_storage) = None;
    }
}

impl QuotaAccount {
    pub(super) fn new(
        user: &EffectiveUser,
        tracked: bool,
        opened: Opened,
        user_state: Arc<UserState>,
        write_behind: Arc<WriteBehind>,
        writers: Arc<Writers>,
    ) -> Self {
        let committed = opened.usage.committed;
        let state = Arc::new(Mutex::new(UserUsage {
            limits: Limits::of(user),
            tracked,
            live: committed,
            committed,
            contributed: opened.usage.contributed,
            staged: StorageUsage::default(),
            changes: None,
            lease: opened.lease,
        }));
        Self {
            user: user.id,
            user_state,
            write_behind,
            asking: Mutex::default(),
            names: Mutex::default(),
            names_with_storage: Mutex::default(),
            uploads: Mutex::default(),
            file_usages: FileUsages::of(Arc::clone(&state), writers),
            marked: AtomicBool::new(false),
            state,
            client: Mutex::new(opened.client),
        }
    }

    pub(super) fn set_limits(&self, user: &EffectiveUser, tracked: bool) {
        let mut state = lock(&self.state);
        state.limits = Limits::of(user);
        state.tracked = tracked;
    }

    /// Is there room for `delta`? Whoever goes on to take it may still find it gone.
    ///
    /// # Errors
    /// [`QuotaExceeded`](crate::ErrorKind::QuotaExceeded).
    pub fn check(&self, delta: UsageDelta) -> Result<()> {
        self.take(delta, |_| ())
    }

    /// Takes what `change` needs, or nothing. Shrinking always works.
    ///
    /// # Errors
    /// [`QuotaExceeded`](crate::ErrorKind::QuotaExceeded).
    pub fn reserve(&self, change: FileChange) -> Result<UsageDelta> {
        self.take(change.delta(), |state| state.record(change))
    }

    /// Counts `change` whether or not it passes a limit: for what is on the disk already.
    pub fn record(&self, change: FileChange) -> UsageDelta {
        lock(&self.state).record(change)
    }

    /// Takes `delta` for an upload whose data is not under its name yet.
    ///
    /// # Errors
    /// [`QuotaExceeded`](crate::ErrorKind::QuotaExceeded).
    pub fn reserve_staged(&self, delta: UsageDelta) -> Result<()> {
        self.take(delta, |state| state.hold(delta))
    }

    /// Gives files new states, all at once, if there is room for `needed`, which is asked for when there is any; returns
    /// how that changes what a rescan would find.
    ///
    /// # Errors
    /// [`QuotaExceeded`](crate::ErrorKind::QuotaExceeded), and nothing is changed.
    pub(crate) fn change_files<'f>(
        &self,
        files: impl IntoIterator<Item = (&'f mut FileUsage, FileState)>,
        needed: Option<UsageDelta>,
    ) -> Result<UsageDelta> {
        self.take(needed.unwrap_or_default(), |state| {
            let mut sum = UsageDelta::default();
            for (file, to) in files {
                sum += state.change_file(file, to);
            }
            sum
        })
    }

    /// Gives files new states, all at once, in place of what was `reserved` for them: what they say is on the disk
    /// already. Returns how that changes what a rescan would find.
    pub(crate) fn replace_reservation<'f>(
        &self,
        files: impl IntoIterator<Item = (&'f mut FileUsage, FileState)>,
        reserved: UsageDelta,
    ) -> UsageDelta {
        let mut state = lock(&self.state);
        state.hold(-reserved);
        let mut sum = UsageDelta::default();
        for (file, to) in files {
            sum += state.change_file(file, to);
        }
        sum
    }

    /// Gives one file a new state, whether or not that passes a limit: what it says is on the disk already.
    pub(crate) fn set_file(&self, file: &mut FileUsage, to: FileState) -> UsageDelta {
        lock(&self.state).change_file(file, to)
    }

    /// Sets how many bytes of a file are lent to its replacement.
    pub(crate) fn set_pledged(&self, file_usage: &SharedFileUsage, pledged: u64) {
        let mut file = lock(file_usage);
        let to = FileState {
            pledged,
            ..file.state
        };
        self.set_file(&mut file, to);
    }

    /// Sets how many bytes a replacement has of the file that lends them.
    pub(crate) fn set_credit(&self, file_usage: &SharedFileUsage, credit: u64) {
        let mut file = lock(file_usage);
        let to = FileState {
            credit,
            ..file.state
        };
        self.set_file(&mut file, to);
    }

    /// Gives back what was reserved for an upload.
    pub fn release_staged(&self, delta: UsageDelta) {
        lock(&self.state).hold(-delta);
    }

    /// Does the user take up more than the limit of bytes allows, with files that are open under no name?
    pub(crate) fn is_over_size(&self) -> bool {
        let state = lock(&self.state);
        let is_over =
            state.tracked && state.limits.size > 0 && state.live.size > state.limits.size.into();
        is_over && state.staged.size > 0
    }

    /// The user's uploads whose data is not under its name yet.
    pub(crate) fn uploads(&self) -> MutexGuard<'_, RunningUploads> {
        lock(&self.uploads)
    }

    /// Has `record` record `delta` if there is room for it.
    fn take<T>(&self, delta: UsageDelta, record: impl FnOnce(&mut UserUsage) -> T) -> Result<T> {
        let mut state = lock(&self.state);
        if let Headroom::Ask(limit) = state.headroom(delta) {
            drop(state);
            if self.last_answer().refuses(delta) {
                return Err(exceeded(limit));
            }
            state = self.ask_for_headroom(delta);
        }
        match state.headroom(delta) {
            Headroom::Enough => Ok(record(&mut state)),
            Headroom::None(limit) | Headroom::Ask(limit) => Err(exceeded(limit)),
        }
    }

    /// Directories moved: a rescan that is going on has to walk again.
    pub fn tree_changed(&self) {
        if let Some(changes) = &mut lock(&self.state).changes {
            changes.tree_changed();
        }
    }

    /// Is a rescan going on?
    pub fn is_being_rescanned(&self) -> bool {
        lock(&self.state).changes.is_some()
    }

    /// Tells the nodes that share the ledger that a rescan begins; none where the ledger is this server's alone.
    ///
    /// # Errors
    /// Any error of the ledger.
    pub fn begin_rescan(&self) -> Result<Option<RescanStart>> {
        self.user_state
            .begin_rescan(|| self.contributed_to_ledger())
    }

    /// The user's bandwidth, shared by the user's transfers.
    pub fn throttle(&self) -> &Throttle {
        &self.user_state.throttle
    }

    /// Returns a lock to hold while names appear, go or change, so that what is looked at is what is changed.
    pub fn lock_namespace(&self) -> MutexGuard<'_, ()> {
        self.mark();
        lock(&self.names)
    }

    /// The same for a storage that may take long; [`QuotaAccount::wait_for_names`] says so meanwhile.
    pub(crate) fn lock_namespace_for_storage(&self) -> NamesWithStorage<'_> {
        let names = self.lock_namespace();
        *lock(&self.names_with_storage) = Some(Instant::now());
        NamesWithStorage {
            account: self,
            _names: names,
        }
    }

    /// Since when a storage has the names.
    pub(super) fn names_are_with_storage(&self) -> Option<Instant> {
        *lock(&self.names_with_storage)
    }

    /// Remembers from here on which files change. Writes that are going on end before this returns.
    pub(super) fn watch_changes(&self) {
        // An operation on names that is half done now would be neither in the tree nor among the changes.
        let _names = self.lock_namespace();
        lock(&self.state).changes = Some(Changes::default());
        for file_usage in self.file_usages.all() {
            let usage = lock(&file_usage);
            if let Some(changes) = &mut lock(&self.state).changes {
                let size = usage.state.footprint().named;
                changes.record(FileChange {
                    file_id: usage.file_id,
                    before: size,
                    after: size,
                });
            }
        }
    }

    /// Looks at a file and returns its metadata with the usage shared by all who change it.
    ///
    /// # Errors
    /// Any error of `look`.
    pub fn look_up(
        &self,
        look: impl Fn() -> Result<Metadata>,
    ) -> Result<(Metadata, SharedFileUsage)> {
        self.file_usages.look_up(look)
    }

    /// The files that users of this server write to.
    pub fn writers(&self) -> &Arc<Writers> {
        self.file_usages.writers()
    }

    /// Returns the usage of a file that was made a moment ago, while the names are held: it counts for nothing yet.
    pub fn share_new(&self, made: &Metadata) -> SharedFileUsage {
        self.file_usages.share_new(made)
    }

    /// Returns the usage of what is no file yet, and counts for nothing.
    pub(crate) fn share_unnamed(&self) -> SharedFileUsage {
        self.file_usages.share_unnamed()
    }

    /// The file's last name is gone.
    pub(crate) fn retire(&self, file_id: FileId) {
        self.file_usages.retire(file_id);
    }

    /// Limits and use as they stand.
    pub fn status(&self) -> QuotaStatus {
        let state = lock(&self.state);
        QuotaStatus {
            size_limit: state.limits.size,
            size_used: state.live.size_to_store(),
            files_limit: state.limits.files,
            files_used: state.live.files,
        }
    }
}
