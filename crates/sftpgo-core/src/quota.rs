//! Usage of every user with a session, counted in one place and written once per finished operation.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::{
    error::{Error, ErrorKind, Result},
    provider::{Provider, UsageDelta},
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
        let account = Arc::new(QuotaAccount {
            user: user.id,
            provider: Arc::clone(&self.provider),
            state: Mutex::new(State {
                limits: Limits::of(user),
                tracked: self.is_tracked(user),
                size: usage.size,
                files: usage.files.into(),
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
        }
    }

    /// Replaces a user's figures, as a scan found them.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn replace(&self, user: UserId, size: i64, files: i32) -> Result<()> {
        let account = lock(&self.open).get(&user).and_then(Weak::upgrade);
        // Held across the write, so that no operation settles between the two figures.
        let state = account.as_ref().map(|account| lock(&account.state));
        self.provider.set_usage(
            user,
            Usage {
                size,
                files,
                updated_at: now_ms(),
            },
        )?;
        if let Some(mut state) = state {
            state.size = size;
            state.files = files.into();
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
    state: Mutex<State>,
}

struct State {
    limits: Limits,
    tracked: bool,
    /// Reservations of running transfers included.
    size: i64,
    files: i64,
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

impl QuotaAccount {
    /// Takes `delta` from what is left, or nothing. Shrinking always works.
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded).
    pub fn reserve(&self, delta: UsageDelta) -> Result<()> {
        let mut state = lock(&self.state);
        if !state.tracked {
            return Ok(());
        }
        let size = state.size.saturating_add(delta.size);
        let files = state.files.saturating_add(delta.files.into());
        let passes_size = delta.size > 0 && state.limits.size > 0 && size > state.limits.size;
        let passes_files = delta.files > 0 && state.limits.files > 0 && files > state.limits.files;
        if passes_size || passes_files {
            return Err(Error::new(ErrorKind::QuotaExceeded, "quota exceeded"));
        }
        state.size = size;
        state.files = files;
        Ok(())
    }

    /// Writes a finished operation's reserved `delta` to the ledger.
    ///
    /// # Errors
    /// What the ledger says; the reservation stands, since the files are there.
    pub fn settle(&self, delta: UsageDelta) -> Result<()> {
        let tracked = lock(&self.state).tracked;
        if !tracked || delta == UsageDelta::default() {
            return Ok(());
        }
        self.provider.add_usage(self.user, delta, now_ms())
    }

    /// Limits and use as they stand.
    pub fn status(&self) -> QuotaStatus {
        let state = lock(&self.state);
        QuotaStatus {
            size_limit: state.limits.size,
            size_used: state.size,
            files_limit: state.limits.files,
            files_used: state.files,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
