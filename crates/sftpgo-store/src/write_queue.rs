//! Whoever writes to SQLite is alone. SQLite lets the others try again and again, and who has bad luck never gets there;
//! here they wait in line.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sftpgo_core::sync::lock;

/// A line in which one at a time has its turn.
#[derive(Default)]
pub(crate) struct WriteQueue(Arc<Line>);

#[derive(Default)]
struct Line {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<u64>,
    last: u64,
    is_taken: bool,
}

/// Somebody's turn, until it is dropped.
pub(crate) struct Turn(Arc<Line>);

impl WriteQueue {
    /// Waits for a turn; none when it does not come within `limit`.
    pub(crate) fn take(&self, limit: Duration) -> Option<Turn> {
        let mut state = self.0.lock();
        state.last = state.last.wrapping_add(1);
        let number = state.last;
        state.waiting.push_back(number);
        let waiting = |state: &mut State| state.is_taken || state.waiting.front() != Some(&number);
        let waited = self.0.moved.wait_timeout_while(state, limit, waiting);
        let (mut state, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting.retain(|other| *other != number);
        if outcome.timed_out() {
            drop(state);
            self.0.moved.notify_all();
            return None;
        }
        state.is_taken = true;
        Some(Turn(Arc::clone(&self.0)))
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().is_taken = false;
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        thread,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn one_at_a_time_has_its_turn_and_everybody_gets_one() {
        let queue = WriteQueue::default();
        let (inside, had) = (AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _turn = queue.take(LONG).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        had.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(had.into_inner(), 16 * 50);
    }

    #[test]
    fn who_has_waited_too_long_stands_in_nobodys_way() {
        let queue = WriteQueue::default();
        let turn = queue.take(LONG).unwrap();
        assert!(queue.take(Duration::ZERO).is_none());
        thread::scope(|scope| {
            let next = scope.spawn(|| queue.take(LONG).is_some());
            drop(turn);
            assert!(next.join().unwrap());
        });
        assert!(queue.take(Duration::ZERO).is_some());
    }
}
