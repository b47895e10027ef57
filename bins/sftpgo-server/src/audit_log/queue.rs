//! Records on their way to the file: whoever brings one never waits.

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sftpgo_audit::Record;
use sftpgo_core::sync::lock;

/// Bytes of records that wait while the file cannot be written: some 20,000 transfers.
const CAPACITY: usize = 8 * 1024 * 1024;
/// A record takes up more memory than its text.
const OVERHEAD: usize = 64;

/// A bounded queue.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Bytes of what waits and of what is being written.
    bytes: AtomicUsize,
}

#[derive(Default)]
struct State {
    records: Vec<Record>,
    lost: Option<Lost>,
    rotate: bool,
    is_closed: bool,
    is_done: bool,
}

/// Records that found no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) lines: u64,
    /// When the first of them was told.
    pub(super) since: String,
}

/// What there is to do.
#[derive(Default)]
pub(super) struct Work {
    pub(super) records: Vec<Record>,
    /// What was lost behind them.
    pub(super) lost: Option<Lost>,
    pub(super) rotate: bool,
    pub(super) is_closed: bool,
}

impl Work {
    fn is_some(&self) -> bool {
        !self.records.is_empty() || self.lost.is_some() || self.rotate || self.is_closed
    }
}

impl Queue {
    /// Returns whether there was room for the record, which was made at this time.
    pub(super) fn push(&self, record: Record, time: &str) -> bool {
        let size = record.size() + OVERHEAD;
        let mut state = lock(&self.state);
        if self.bytes.load(Ordering::Relaxed).saturating_add(size) > CAPACITY {
            let is_awaited = state.lost.is_none();
            let lost = state.lost.get_or_insert_with(|| Lost {
                lines: 0,
                since: time.to_owned(),
            });
            lost.lines += 1;
            drop(state);
            if is_awaited {
                self.changed.notify_all();
            }
            return false;
        }
        self.bytes.fetch_add(size, Ordering::Relaxed);
        let is_awaited = state.records.is_empty();
        state.records.push(record);
        drop(state);
        if is_awaited {
            self.changed.notify_all();
        }
        true
    }

    /// Has the file put aside before the next line.
    pub(super) fn rotate(&self) {
        lock(&self.state).rotate = true;
        self.changed.notify_all();
    }

    /// Waits for something to do, until `until` if that is given.
    pub(super) fn wait(&self, until: Option<Instant>) -> Work {
        let mut state = lock(&self.state);
        loop {
            let work = Work {
                records: std::mem::take(&mut state.records),
                lost: state.lost.take(),
                rotate: std::mem::take(&mut state.rotate),
                is_closed: state.is_closed,
            };
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if work.is_some() || left == Some(Duration::ZERO) {
                return work;
            }
            state = match left {
                None => self.changed.wait(state),
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited
                        .map(|(state, _)| state)
                        .map_err(|error| PoisonError::new(error.into_inner().0))
                }
            }
            .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// These records do not wait any more.
    pub(super) fn written(&self, records: &[Record]) {
        let size: usize = records.iter().map(|record| record.size() + OVERHEAD).sum();
        self.bytes.fetch_sub(size, Ordering::Relaxed);
    }

    /// Has the thread write what waits and end, and waits for that as long as `limit`. Returns whether it has.
    pub(super) fn close(&self, limit: Duration) -> bool {
        let mut state = lock(&self.state);
        state.is_closed = true;
        self.changed.notify_all();
        let waited = self
            .changed
            .wait_timeout_while(state, limit, |state| !state.is_done);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_done
    }

    /// Says that the thread has ended.
    pub(super) fn done(&self) {
        lock(&self.state).is_done = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_and_there_is_room_again() {
        let queue = Queue::default();
        let record = Record::new("t", "login").with("username", "a".repeat(CAPACITY / 3));
        assert!(queue.push(record.clone(), "t1") && queue.push(record.clone(), "t2"));
        assert!(!queue.push(record.clone(), "t3") && !queue.push(record.clone(), "t4"));
        let work = queue.wait(None);
        assert_eq!(work.records.len(), 2);
        let lost = Lost {
            lines: 2,
            since: "t3".to_owned(),
        };
        assert_eq!(work.lost, Some(lost));
        // They wait as long as they are not written.
        assert!(!queue.push(record.clone(), "t5"));
        queue.written(&work.records);
        assert!(queue.push(record, "t6"));
    }
}
