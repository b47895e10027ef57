//! Cuts connections that take too long: a server that is frozen, or gone without a word, answers nothing, and its
//! library would wait for ever.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::cord::{Cord, Looks};

/// What callers do with a connection takes milliseconds; with a database that has much to do, seconds.
const LONGEST_USE: Duration = Duration::from_secs(10);
/// After this time without use a connection is asked before it is used: what lies between may have forgotten it.
const IDLE: Duration = Duration::from_secs(30);
const EVERY: Duration = Duration::from_millis(500);

/// Watches connections from a thread of its own, which ends with this.
#[derive(Default)]
pub(crate) struct Watch {
    watched: Arc<Mutex<Vec<Weak<State>>>>,
    started: OnceLock<()>,
}

/// A connection that is watched.
pub(crate) struct Watched(Arc<State>);

struct State {
    cord: Cord,
    epoch: Instant,
    /// Since when the connection is in use, in milliseconds from `epoch`; [`UNUSED`] when it is not.
    busy_since: AtomicU64,
    /// When it was put back.
    used_at: AtomicU64,
}

const UNUSED: u64 = u64::MAX;

/// A question that has to be answered in time.
pub(crate) struct Asking<'a>(&'a Watched);

impl Watch {
    /// Watches the connection on this cord from now on.
    pub(crate) fn add(&self, cord: Cord) -> Watched {
        let state = Arc::new(State {
            cord,
            epoch: Instant::now(),
            busy_since: AtomicU64::new(UNUSED),
            used_at: AtomicU64::new(0),
        });
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.push(Arc::downgrade(&state));
        drop(watched);
        self.started.get_or_init(|| {
            let watched = Arc::downgrade(&self.watched);
            let watching = thread::Builder::new()
                .name("db-watch".to_owned())
                .spawn(move || watch(&watched));
            if let Err(error) = watching {
                log::warn!("connections to the database are not watched: {error}");
            }
        });
        Watched(state)
    }
}

fn watch(watched: &Weak<Mutex<Vec<Weak<State>>>>) {
    while let Some(watched) = watched.upgrade() {
        watched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|state| state.upgrade().is_some_and(|state| state.is_left_alone()));
        drop(watched);
        thread::sleep(EVERY);
    }
}

impl State {
    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(UNUSED)
    }

    /// Cuts the connection when it is in use for too long; then nobody has to watch it any more.
    fn is_left_alone(&self) -> bool {
        let since = self.busy_since.load(Ordering::Relaxed);
        let too_long = since != UNUSED
            && u128::from(self.now().saturating_sub(since)) > LONGEST_USE.as_millis();
        if too_long {
            log::warn!(
                "the database did not answer for {} seconds; the connection is given up",
                LONGEST_USE.as_secs()
            );
            self.cord.cut();
        }
        !too_long
    }
}

impl Watched {
    /// Somebody uses the connection from now on.
    pub(crate) fn begin(&self) {
        self.0.busy_since.store(self.0.now(), Ordering::Relaxed);
    }

    /// Nobody does any more.
    pub(crate) fn end(&self) {
        self.0.busy_since.store(UNUSED, Ordering::Relaxed);
        self.0.used_at.store(self.0.now(), Ordering::Relaxed);
    }

    pub(crate) fn while_asking(&self) -> Asking<'_> {
        self.begin();
        Asking(self)
    }

    /// Does the connection look as if it could be used? None when it takes a question to know.
    pub(crate) fn looks_sound(&self) -> Option<bool> {
        let unused = self
            .0
            .now()
            .saturating_sub(self.0.used_at.load(Ordering::Relaxed));
        match self.0.cord.looks() {
            Looks::Closed => Some(false),
            Looks::Idle if u128::from(unused) < IDLE.as_millis() => Some(true),
            Looks::Idle | Looks::Talkative => None,
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
