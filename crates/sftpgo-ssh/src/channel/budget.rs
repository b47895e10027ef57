//! What all channels of one connection hold together, and when the connection is read from.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use crate::config::Limits;

/// Bytes that are queued or worked on, counted for the whole connection.
pub(crate) struct Budget {
    state: Mutex<State>,
    most_moving: AtomicUsize,
    most: usize,
}

#[derive(Default)]
struct State {
    held: Held,
    /// Who reads the connection, when it has to wait.
    reader: Option<Waker>,
}

/// Bytes that one channel holds, or all of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) all: usize,
    /// Those of sessions that are at work, which will let go of them by themselves.
    pub(super) moving: usize,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            state: Mutex::default(),
            most_moving: AtomicUsize::new(limits.queued_bytes),
            most: limits.queued_bytes_unread,
        }
    }

    /// What may wait for sessions at work, from here on.
    pub(crate) fn set_most_moving(&self, bytes: usize) {
        self.most_moving.store(bytes, Ordering::Relaxed);
    }

    /// Waits while the sessions have enough to do and can do it. What the reader has in its own buffers comes all
    /// the same; the SSH protocol goes on in the other direction.
    pub(crate) fn poll_may_read(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if self.may_read(state.held) {
            return Poll::Ready(());
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// May a channel hold this much more? If not, that will not change before the client reads, which it need not do.
    pub(super) fn takes(&self, bytes: usize) -> bool {
        let held = self.lock().held;
        held.moving > 0 || held.all.saturating_add(bytes) <= self.most
    }

    /// Counts what a channel holds `now` instead of what it held before.
    pub(super) fn replace(&self, before: &mut Held, now: Held) {
        let mut state = self.lock();
        let held = &mut state.held;
        held.all = held.all - before.all + now.all;
        held.moving = held.moving - before.moving + now.moving;
        *before = now;
        if self.may_read(state.held)
            && let Some(reader) = state.reader.take()
        {
            reader.wake();
        }
    }

    fn may_read(&self, held: Held) -> bool {
        held.moving <= self.most_moving.load(Ordering::Relaxed)
            && (held.all < self.most || held.moving == 0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
