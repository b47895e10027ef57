//! A provider that fails or hangs when a test says so.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sftpgo_core::{
    Error, ErrorKind, Result, StoredUser, UserId,
    provider::{
        ClusterStore, Health, NodeId, QuotaLedger, Report, RescanStart, Share, UserQuery, Users,
    },
    storage_usage::{StorageUsage, Usage},
};
use sftpgo_store::MemoryProvider;

/// What becomes of calls to the ledger, which is all that a provider offers but its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerState {
    /// They are done.
    Up,
    /// They fail, and nothing is done.
    Down,
    /// They are done, and fail as if they were not.
    AnswersLost,
    /// None returns before the state is another.
    Hanging,
}

type Hook = dyn Fn(&str) -> Result<()> + Send + Sync;

/// A provider in memory behind faults.
pub struct FaultyProvider {
    /// What is there without the faults.
    pub stored: Arc<MemoryProvider>,
    hook: Box<Hook>,
    ledger: Mutex<LedgerState>,
    ledger_changed: Condvar,
    ledger_calls: AtomicUsize,
}

impl FaultyProvider {
    /// A provider without a fault by now.
    pub fn new(stored: MemoryProvider) -> Arc<Self> {
        Self::with_hook(stored, |_| Ok(()))
    }

    /// A provider that runs `hook` with the name of each call before that, and fails where the hook does.
    pub fn with_hook(
        stored: MemoryProvider,
        hook: impl Fn(&str) -> Result<()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            stored: Arc::new(stored),
            hook: Box::new(hook),
            ledger: Mutex::new(LedgerState::Up),
            ledger_changed: Condvar::new(),
            ledger_calls: AtomicUsize::new(0),
        })
    }

    /// A provider of which every call fails.
    pub fn failing(failure: impl Fn() -> Error + Send + Sync + 'static) -> Arc<Self> {
        Self::with_hook(MemoryProvider::new(), move |_| Err(failure()))
    }

    /// From now on the ledger is so.
    pub fn ledger_is(&self, state: LedgerState) {
        *self.ledger.lock().unwrap() = state;
        self.ledger_changed.notify_all();
    }

    /// How often the ledger was called.
    pub fn ledger_calls(&self) -> usize {
        self.ledger_calls.load(Ordering::SeqCst)
    }

    fn users<T>(&self, name: &str, call: impl FnOnce(&MemoryProvider) -> Result<T>) -> Result<T> {
        (self.hook)(name)?;
        call(&self.stored)
    }

    fn ledger<T>(&self, name: &str, call: impl FnOnce(&MemoryProvider) -> Result<T>) -> Result<T> {
        (self.hook)(name)?;
        self.ledger_calls.fetch_add(1, Ordering::SeqCst);
        let hangs = |state: &mut LedgerState| *state == LedgerState::Hanging;
        let state = self.ledger.lock().unwrap();
        let state = *self.ledger_changed.wait_while(state, hangs).unwrap();
        if state != LedgerState::Down {
            let answer = call(&self.stored)?;
            if state == LedgerState::Up {
                return Ok(answer);
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "the ledger is gone"))
    }
}

/// Methods that are done by what is stored, as the method `$part` lets them.
macro_rules! forward {
    ($part:ident: $(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $result:ty;)*) => {
        $(fn $name(&self $(, $argument: $type)*) -> $result {
            self.$part(stringify!($name), |stored| stored.$name($($argument),*))
        })*
    };
}

impl Users for FaultyProvider {
    forward! { users:
        fn user_by_name(&self, username: &str) -> Result<Option<StoredUser>>;
        fn user_by_id(&self, id: UserId) -> Result<Option<StoredUser>>;
        fn list_users(&self, query: &UserQuery) -> Result<Vec<StoredUser>>;
        fn count_users(&self) -> Result<u64>;
        fn for_each_user(&self, see: &mut dyn FnMut(StoredUser) -> ControlFlow<()>) -> Result<()>;
        fn add_user(&self, user: &StoredUser) -> Result<StoredUser>;
        fn change_user(&self, before: &StoredUser, user: &StoredUser) -> Result<bool>;
        fn replace_password_hash(&self, id: UserId, old: &str, new: &str) -> Result<bool>;
        fn replace_spent_steps(&self, id: UserId, before: i64, after: i64) -> Result<bool>;
        fn delete_user(&self, id: UserId) -> Result<()>;
        fn record_login(&self, id: UserId, at: i64) -> Result<()>;
    }
}

impl Health for FaultyProvider {
    forward! { users:
        fn check(&self) -> Result<()>;
    }
}

impl QuotaLedger for FaultyProvider {
    forward! { ledger:
        fn usage(&self, id: UserId) -> Result<Usage>;
        fn set_usage(&self, id: UserId, usage: Usage) -> Result<()>;
        fn set_dirty(&self, id: UserId, dirty: bool) -> Result<()>;
        fn dirty_users(&self) -> Result<Vec<UserId>>;
    }

    fn shared(self: Arc<Self>) -> Option<Arc<dyn ClusterStore>> {
        let stored = Arc::clone(&self.stored).shared();
        stored.map(|_| self as Arc<dyn ClusterStore>)
    }

    fn begin_sharing(self: Arc<Self>) -> Option<Arc<dyn ClusterStore>> {
        let stored = Arc::clone(&self.stored).begin_sharing();
        stored.map(|_| self as Arc<dyn ClusterStore>)
    }
}

impl ClusterStore for FaultyProvider {
    forward! { ledger:
        fn keep_alive(&self, node: NodeId) -> Result<bool>;
        fn expire_silent(&self, node: NodeId, silent_for: Duration) -> Result<()>;
        fn reclaim(&self, node: NodeId) -> Result<bool>;
        fn leave(&self, node: NodeId) -> Result<()>;
        fn take_session(&self, node: NodeId, number: i64, id: UserId, most: u32) -> Result<()>;
        fn sessions(&self, node: NodeId) -> Result<Vec<i64>>;
        fn take_sessions_again(&self, node: NodeId, sessions: &[(i64, UserId)]) -> Result<()>;
        fn give_back_sessions(&self, node: NodeId, numbers: &[i64]) -> Result<()>;
        fn share(&self, node: NodeId, id: UserId) -> Result<Share>;
        fn begin_share(&self, node: NodeId, id: UserId, contributed: StorageUsage, late: bool) -> Result<()>;
        fn users_to_rescan(&self, node: NodeId) -> Result<Vec<UserId>>;
        fn begin_rescan(&self, node: NodeId, id: UserId) -> Result<RescanStart>;
        fn report(&self, node: NodeId, id: UserId, report: &Report) -> Result<Share>;
        fn replace_usage(&self, node: NodeId, id: UserId, usage: Usage, contributed: StorageUsage, even_roughly: bool) -> Result<bool>;
        fn end_share(&self, node: NodeId, id: UserId) -> Result<bool>;
    }
}
