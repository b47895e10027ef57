//! A store that fails when a test says so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use sftpgo_core::{
    Error, ErrorKind, Result, StoredUser, UserId,
    provider::{ClusterStore, Counting, NodeId, QuotaLedger, Report, Share},
    storage_usage::{StorageUsage, Usage},
};
use sftpgo_store::MemoryProvider;

use crate::forward::forward_users;

/// What becomes of calls to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Nothing is done.
    Down,
    /// It is done, and nobody hears of it.
    Deaf,
    /// Nobody hears anything until the mood is another.
    Hanging,
}

/// A ledger in a mood.
pub(crate) struct Flaky {
    pub(crate) stored: Arc<MemoryProvider>,
    mood: AtomicU8,
    calls: AtomicUsize,
}

impl Flaky {
    pub(crate) fn new(stored: MemoryProvider) -> Arc<Self> {
        Arc::new(Self {
            stored: Arc::new(stored),
            mood: AtomicU8::new(0),
            calls: AtomicUsize::new(0),
        })
    }

    pub(crate) fn is(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    /// How often the ledger was called.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn call<T>(&self, call: impl FnOnce() -> Result<T>) -> Result<T> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        while self.mood.load(Ordering::SeqCst) == Mood::Hanging as u8 {
            thread::sleep(Duration::from_millis(1));
        }
        let mood = self.mood.load(Ordering::SeqCst);
        if mood == Mood::Well as u8 {
            return call();
        }
        if mood == Mood::Deaf as u8 {
            call()?;
        }
        Err(Error::new(ErrorKind::Unavailable, "gone"))
    }

    fn neighbours(&self) -> Arc<dyn ClusterStore> {
        Arc::clone(&self.stored).shared().unwrap()
    }
}

forward_users!(Flaky);

impl QuotaLedger for Flaky {
    fn usage(&self, id: UserId) -> Result<Usage> {
        self.call(|| self.stored.usage(id))
    }

    fn set_usage(&self, id: UserId, usage: Usage) -> Result<()> {
        self.call(|| self.stored.set_usage(id, usage))
    }

    fn set_dirty(&self, id: UserId, dirty: bool) -> Result<()> {
        self.call(|| self.stored.set_dirty(id, dirty))
    }

    fn dirty_users(&self) -> Result<Vec<UserId>> {
        self.call(|| self.stored.dirty_users())
    }

    fn shared(self: Arc<Self>) -> Option<Arc<dyn ClusterStore>> {
        let stored = Arc::clone(&self.stored).shared();
        stored.map(|_| self as Arc<dyn ClusterStore>)
    }
}

impl ClusterStore for Flaky {
    fn keep_alive(&self, server: NodeId) -> Result<bool> {
        self.call(|| self.neighbours().keep_alive(server))
    }

    fn expire_silent(&self, server: NodeId, silent_for: Duration) -> Result<()> {
        self.call(|| self.neighbours().expire_silent(server, silent_for))
    }

    fn reclaim(&self, server: NodeId) -> Result<bool> {
        self.call(|| self.neighbours().reclaim(server))
    }

    fn leave(&self, server: NodeId) -> Result<()> {
        self.call(|| self.neighbours().leave(server))
    }

    fn take_session(&self, server: NodeId, number: i64, id: UserId, most: u32) -> Result<()> {
        self.call(|| self.neighbours().take_session(server, number, id, most))
    }

    fn sessions(&self, server: NodeId) -> Result<Vec<i64>> {
        self.call(|| self.neighbours().sessions(server))
    }

    fn take_sessions_again(&self, server: NodeId, sessions: &[(i64, UserId)]) -> Result<()> {
        self.call(|| self.neighbours().take_sessions_again(server, sessions))
    }

    fn give_back_sessions(&self, server: NodeId, numbers: &[i64]) -> Result<()> {
        self.call(|| self.neighbours().give_back_sessions(server, numbers))
    }

    fn share(&self, server: NodeId, id: UserId) -> Result<Share> {
        self.call(|| self.neighbours().share(server, id))
    }

    fn begin_share(
        &self,
        server: NodeId,
        id: UserId,
        contributed: StorageUsage,
        late: bool,
    ) -> Result<()> {
        self.call(|| self.neighbours().begin_share(server, id, contributed, late))
    }

    fn to_count(&self, server: NodeId) -> Result<Vec<UserId>> {
        self.call(|| self.neighbours().to_count(server))
    }

    fn begin_count(&self, server: NodeId, id: UserId) -> Result<Counting> {
        self.call(|| self.neighbours().begin_count(server, id))
    }

    fn report(&self, server: NodeId, id: UserId, report: &Report) -> Result<Share> {
        self.call(|| self.neighbours().report(server, id, report))
    }

    fn replace_usage(
        &self,
        server: NodeId,
        id: UserId,
        usage: Usage,
        contributed: StorageUsage,
        even_roughly: bool,
    ) -> Result<bool> {
        self.call(|| {
            self.neighbours()
                .replace_usage(server, id, usage, contributed, even_roughly)
        })
    }

    fn end_share(&self, server: NodeId, id: UserId) -> Result<bool> {
        self.call(|| self.neighbours().end_share(server, id))
    }
}
