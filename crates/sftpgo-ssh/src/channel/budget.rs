//! What all channels of one connection hold together.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::config::Limits;

/// Bytes that are queued or worked on, counted for the whole connection.
pub(crate) struct Budget {
    held: Mutex<Held>,
    changed: Notify,
    most_moving: usize,
    most: usize,
}

/// Bytes that one channel holds, or all of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) all: usize,
    /// Those of sessions that are at work, which will let go of them by themselves.
    pub(super) moving: usize,
}

/// Is there room for more?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Yes,
    /// When a session that is at work goes on.
    Later,
    /// Not before the client reads, which it need not do.
    Never,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            held: Mutex::default(),
            changed: Notify::new(),
            most_moving: limits.queued_bytes,
            most: limits.queued_bytes_unread,
        }
    }

    /// Have the sessions enough to do?
    pub(super) fn is_busy(&self) -> bool {
        self.lock().moving > self.most_moving
    }

    pub(super) fn room(&self, bytes: usize) -> Room {
        let held = self.lock();
        match held.all.checked_add(bytes) {
            Some(all) if all <= self.most => Room::Yes,
            _ if held.moving > 0 => Room::Later,
            _ => Room::Never,
        }
    }

    /// Counts what a channel holds `now` instead of what it held before.
    pub(super) fn replace(&self, before: &mut Held, now: Held) {
        {
            let mut held = self.lock();
            held.all = held.all - before.all + now.all;
            held.moving = held.moving - before.moving + now.moving;
        }
        *before = now;
        self.changed.notify_one();
    }

    /// Waits until a channel holds more, less, or in another way. One waits at a time: who reads the connection.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
