//! Logins that have ended, given back in the store that several servers share.
//!
//! One thread does that for all of them, many in one transaction. Whoever ends waits for it, since the client may come again
//! at once by another server, but not for long: a store that does not answer holds no connection's thread.

use std::{
    collections::BTreeSet,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use crate::{
    error::Result,
    provider::{ClusterStore, NodeId},
    sync::lock,
};

/// Logins that are given back in one transaction.
const MANY: usize = 500;
/// How long a login that ends waits for the store.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct EndedLogins {
    store: Arc<dyn ClusterStore>,
    server: NodeId,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    numbers: BTreeSet<i64>,
    /// Is there a thread that gives them back?
    is_running: bool,
}

impl EndedLogins {
    pub(super) fn new(store: Arc<dyn ClusterStore>, server: NodeId) -> Arc<Self> {
        Arc::new(Self {
            store,
            server,
            waiting: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// The login with this number has ended.
    pub(super) fn add(self: &Arc<Self>, number: i64) {
        let mut waiting = self.lock();
        waiting.numbers.insert(number);
        if !waiting.is_running {
            waiting.is_running = true;
            drop(waiting);
            self.start();
            waiting = self.lock();
        }
        let is_pending =
            |waiting: &mut Waiting| waiting.is_running && waiting.numbers.contains(&number);
        let waited = self
            .changed
            .wait_timeout_while(waiting, PATIENCE, is_pending);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Remembers logins that are to be given back some time, with the next that end or the next heartbeat.
    pub(super) fn remember(&self, numbers: impl IntoIterator<Item = i64>) {
        self.lock().numbers.extend(numbers);
    }

    /// Gives all of them back. `go_on` is called every so often.
    ///
    /// # Errors
    /// Any error of the store or `go_on`.
    pub(super) fn give_back(&self, go_on: &dyn Fn() -> Result<()>) -> Result<()> {
        loop {
            let some: Vec<i64> = self.lock().numbers.iter().take(MANY).copied().collect();
            if some.is_empty() {
                return Ok(());
            }
            self.store.give_back_sessions(self.server, &some)?;
            let mut waiting = self.lock();
            for number in &some {
                waiting.numbers.remove(number);
            }
            drop(waiting);
            self.changed.notify_all();
            go_on()?;
        }
    }

    /// Is there one that is not given back?
    pub(super) fn is_waiting(&self) -> bool {
        !self.lock().numbers.is_empty()
    }

    fn start(self: &Arc<Self>) {
        let ended = Arc::clone(self);
        let started = thread::Builder::new()
            .name("ended-logins".to_owned())
            .spawn(move || ended.run());
        if let Err(error) = started {
            log::warn!(
                "a connection itself has to wait for the end of its login to be stored, because no thread could be started: {error}"
            );
            self.run();
        }
    }

    /// Gives back until none is left, or the store fails.
    fn run(&self) {
        let mut running = Running {
            ended: self,
            has_stopped: false,
        };
        loop {
            if let Err(error) = self.give_back(&|| Ok(())) {
                let count = self.lock().numbers.len();
                log::warn!(
                    "the end of {count} logins could not be written to the database, so they count as open sessions until the next heartbeat: {error}"
                );
                return;
            }
            let mut waiting = self.lock();
            if waiting.numbers.is_empty() {
                waiting.is_running = false;
                running.has_stopped = true;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

/// The thread that gives logins back, until that fails or panics: then nobody waits for it any more.
struct Running<'a> {
    ended: &'a EndedLogins,
    has_stopped: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.has_stopped {
            self.ended.lock().is_running = false;
            self.ended.changed.notify_all();
        }
    }
}
