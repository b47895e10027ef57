//! Usage of every user with a session, counted in one place and written once per finished operation.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{Inode, SpaceInfo},
    provider::{Provider, UsageDelta},
    throttle::Throttle,
    user::{Usage, User, UserId, now_ms},
};

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

/// The accounts of all users who have a session now.
pub struct QuotaBook {
    provider: Arc<dyn Provider>,
    tracking: Tracking,
    open: Mutex<HashMap<UserId, Weak<QuotaAccount>>>,
}

impl QuotaBook {
    /// A book over the ledger of `provider`.
    pub fn new(provider: Arc<dyn Provider>, tracking: Tracking) -> Arc<Self> {
        Arc::new(Self {
            provider,
            tracking,
            open: Mutex::default(),
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
        let mut open = lock(&self.open);
        if let Some(account) = open.get(&user.id).and_then(Weak::upgrade) {
            return Ok(account);
        }
        open.retain(|_, account| account.strong_count() > 0);
        let usage = self.provider.usage(user.id)?;
        let stored = Amount {
            size: usage.size,
            files: usage.files.into(),
        };
        let account = Arc::new(QuotaAccount {
            user: user.id,
            provider: Arc::clone(&self.provider),
            throttle: Throttle::of(user),
            names: Mutex::new(()),
            inodes: Mutex::default(),
            state: Mutex::new(State {
                limits: Limits::of(user),
                tracked: self.is_tracked(user),
                live: stored,
                settled: stored,
                staged: Amount::default(),
            }),
        });
        open.insert(user.id, Arc::downgrade(&account));
        Ok(account)
    }

    /// Tells a user's running sessions about changed limits.
    pub fn limits_changed(&self, user: &User) {
        if let Some(account) = lock(&self.open).get(&user.id).and_then(Weak::upgrade) {
            let mut state = lock(&account.state);
            state.limits = Limits::of(user);
            state.tracked = self.is_tracked(user);
            account.throttle.set_rates(user);
        }
    }

    /// Replaces a user's figures by what a scan found on the disk.
    ///
    /// Uploads that run meanwhile are settled at their end; what the scan saw of them is not counted twice.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn replace(&self, user: UserId, size: i64, files: i32) -> Result<()> {
        let account = lock(&self.open).get(&user).and_then(Weak::upgrade);
        // Held across the write, so that no operation settles between the two figures.
        let mut state = account.as_ref().map(|account| lock(&account.state));
        let found = Amount {
            size,
            files: files.into(),
        };
        let unsettled = state.as_ref().map_or_else(Amount::default, |state| {
            state.live.minus(state.settled).minus(state.staged)
        });
        let settled = found.minus(unsettled);
        self.provider.set_usage(user, settled.as_usage())?;
        if let Some(state) = &mut state {
            state.settled = settled;
            state.live = Amount {
                size: size.saturating_add(state.staged.size),
                files: found.files.saturating_add(state.staged.files),
            };
        }
        Ok(())
    }

    fn is_tracked(&self, user: &User) -> bool {
        match self.tracking {
            Tracking::Off => false,
            Tracking::All => true,
            Tracking::Limited => user.has_quota_limits(),
        }
    }
}

/// The usage and limits of one user, shared by the user's sessions.
pub struct QuotaAccount {
    user: UserId,
    provider: Arc<dyn Provider>,
    throttle: Throttle,
    names: Mutex<()>,
    inodes: Mutex<HashMap<Inode, Weak<Mutex<CountedInode>>>>,
    state: Mutex<State>,
}

/// A file that somebody writes to: its size as counted, shared by all its writers.
#[derive(Debug)]
pub struct CountedInode {
    /// Bytes counted for it.
    pub size: u64,
    /// False once its last name is gone: it takes up nothing that a rescan would find.
    pub counted: bool,
}

struct State {
    limits: Limits,
    tracked: bool,
    /// What the user takes up now, reservations of running operations included.
    live: Amount,
    /// The part of it that the ledger has.
    settled: Amount,
    /// The part of it that no rescan would find: uploads whose data is not under its name yet.
    staged: Amount,
}

/// Bytes and files, wide enough for any sum of deltas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Amount {
    size: i64,
    files: i64,
}

impl Amount {
    fn plus(self, delta: UsageDelta) -> Self {
        Self {
            size: self.size.saturating_add(delta.size),
            files: self.files.saturating_add(delta.files.into()),
        }
    }

    /// As the ledger keeps it, which knows nothing below zero.
    fn as_usage(self) -> Usage {
        Usage {
            size: self.size.max(0),
            files: i32::try_from(self.files.max(0)).unwrap_or(i32::MAX),
            updated_at: now_ms(),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            size: self.size.saturating_sub(other.size),
            files: self.files.saturating_sub(other.files),
        }
    }
}

#[derive(Clone, Copy)]
struct Limits {
    size: i64,
    files: i64,
}

impl Limits {
    fn of(user: &User) -> Self {
        Self {
            size: i64::try_from(user.quota_size).unwrap_or(i64::MAX),
            files: user.quota_files.into(),
        }
    }
}

/// Limits and what is left of them; a limit of 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct QuotaStatus {
    pub size_limit: i64,
    pub size_used: i64,
    pub files_limit: i64,
    pub files_used: i64,
}

impl QuotaStatus {
    /// The space of `disk` as a user with these limits sees it.
    pub fn shown_in(self, disk: SpaceInfo) -> SpaceInfo {
        let mut shown = disk;
        if self.size_limit > 0 {
            let fragment = disk.fragment_size.max(1);
            let left = u64::try_from(self.size_limit - self.size_used).unwrap_or(0) / fragment;
            shown.blocks = u64::try_from(self.size_limit).unwrap_or(0) / fragment;
            shown.blocks_free = left.min(disk.blocks_free);
            shown.blocks_available = left.min(disk.blocks_available);
        }
        if self.files_limit > 0 {
            let left = u64::try_from(self.files_limit - self.files_used).unwrap_or(0);
            shown.files = u64::try_from(self.files_limit).unwrap_or(0);
            shown.files_free = left.min(disk.files_free);
            shown.files_available = left.min(disk.files_available);
        }
        shown
    }
}

impl QuotaAccount {
    /// Takes `delta` from what is left, or nothing. Shrinking always works.
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded).
    pub fn reserve(&self, delta: UsageDelta) -> Result<()> {
        let mut state = lock(&self.state);
        let after = state.live.plus(delta);
        let passes_size = state.tracked
            && delta.size > 0
            && state.limits.size > 0
            && after.size > state.limits.size;
        let passes_files = state.tracked
            && delta.files > 0
            && state.limits.files > 0
            && after.files > state.limits.files;
        if passes_size || passes_files {
            return Err(Error::new(ErrorKind::QuotaExceeded, "quota exceeded"));
        }
        state.live = after;
        Ok(())
    }

    /// Takes `delta` whether or not it passes a limit: for what is on the disk already.
    pub fn charge(&self, delta: UsageDelta) {
        let mut state = lock(&self.state);
        state.live = state.live.plus(delta);
    }

    /// Says that `delta` of what was taken is in an upload whose data is not under its name yet;
    /// said again with the opposite sign when that ends.
    pub fn stage(&self, delta: UsageDelta) {
        let mut state = lock(&self.state);
        state.staged = state.staged.plus(delta);
    }

    /// Writes a finished operation's reserved `delta` to the ledger, as the figure it comes to: deltas settle
    /// in any order, and what a failed write left out goes with the next.
    ///
    /// # Errors
    /// What the ledger says; the reservation stands, since the files are there.
    pub fn settle(&self, delta: UsageDelta) -> Result<()> {
        let mut state = lock(&self.state);
        if delta == UsageDelta::default() {
            return Ok(());
        }
        state.settled = state.settled.plus(delta);
        if !state.tracked {
            return Ok(());
        }
        self.provider.set_usage(self.user, state.settled.as_usage())
    }

    /// The user's bandwidth, shared by the user's transfers.
    pub fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// Held while names appear, go or change, so that what is looked at is what is changed.
    pub fn lock_names(&self) -> MutexGuard<'_, ()> {
        lock(&self.names)
    }

    /// The shared count of the file `inode`, which starts at `size` when nobody writes to it yet.
    pub fn inode(&self, inode: Inode, size: u64) -> Arc<Mutex<CountedInode>> {
        let mut inodes = lock(&self.inodes);
        if let Some(counted) = inodes.get(&inode).and_then(Weak::upgrade) {
            return counted;
        }
        inodes.retain(|_, counted| counted.strong_count() > 0);
        let counted = Arc::new(Mutex::new(CountedInode {
            size,
            counted: true,
        }));
        inodes.insert(inode, Arc::downgrade(&counted));
        counted
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
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
