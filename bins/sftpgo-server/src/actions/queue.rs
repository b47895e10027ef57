//! Bounded queues of programs to run and of URLs to call, and the few threads that do it.

use sftpgo_core::sync::lock;
use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    HearFailure,
    run::{Action, Runner},
};
use crate::hook::http::Client;

/// Programs run at the same time, and so many URLs called.
const WORKERS: usize = 4;
/// Those of each that wait; a burst of small uploads fits, a program that hangs does not fill the memory.
const CAPACITY: usize = 1000;
/// That actions are queued again is told once no more than one part in so many of a line waits, else a line that stays nearly
/// full would tell it of each place that becomes free.
const NEARLY_EMPTY: usize = 10;
/// The time after which a stopping server looks again whether actions still run.
const POLL: Duration = Duration::from_millis(20);

/// Takes actions without ever delaying who brings them. A URL that does not answer, and is tried again, holds up no program.
pub(crate) struct Queue {
    programs: Line,
    calls: Line,
    /// Queued or running.
    open: Arc<AtomicUsize>,
}

/// Those that wait for the same threads.
struct Line {
    sender: SyncSender<Action>,
    capacity: usize,
    waiting: Arc<AtomicUsize>,
    /// Dropped since that was told.
    dropped: AtomicUsize,
}

/// The other end of a line.
struct Waiting {
    receiver: Mutex<Receiver<Action>>,
    count: Arc<AtomicUsize>,
}

impl Queue {
    /// Starts the workers; they live as long as the process.
    pub(crate) fn start(client: Client, failed: HearFailure) -> io::Result<Arc<Self>> {
        Self::with(CAPACITY, WORKERS, &Runner::new(client, failed))
    }

    pub(super) fn with(capacity: usize, workers: usize, runner: &Runner) -> io::Result<Arc<Self>> {
        let open = Arc::new(AtomicUsize::new(0));
        let line = || Line::start(capacity, workers, &open, runner);
        Ok(Arc::new(Self {
            programs: line()?,
            calls: line()?,
            open: Arc::clone(&open),
        }))
    }

    /// Queues `action`, or drops it with a warning when too many wait.
    pub(super) fn push(&self, action: Action) {
        let Action { program, call } = action;
        if let Some(program) = program {
            self.queue(&self.programs, Action::of_program(program));
        }
        if let Some(call) = call {
            self.queue(&self.calls, Action::of_call(call));
        }
    }

    fn queue(&self, line: &Line, action: Action) {
        self.open.fetch_add(1, Ordering::AcqRel);
        if !line.push(action) {
            self.open.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Waits until nothing is queued or running, but no longer than `limit`.
    pub(crate) fn drain(&self, limit: Duration) {
        let started = Instant::now();
        while self.open.load(Ordering::Acquire) > 0 {
            if started.elapsed() >= limit {
                log::warn!(
                    "the server stops, although actions have not ended within {} seconds; these are lost",
                    limit.as_secs()
                );
                return;
            }
            thread::sleep(POLL);
        }
    }
}

impl Line {
    fn start(
        capacity: usize,
        workers: usize,
        open: &Arc<AtomicUsize>,
        runner: &Runner,
    ) -> io::Result<Self> {
        let (line, waiting) = Self::of(capacity);
        let waiting = Arc::new(waiting);
        for _ in 0..workers {
            let (waiting, open, runner) = (Arc::clone(&waiting), Arc::clone(open), runner.clone());
            thread::Builder::new()
                .name("action".to_owned())
                .spawn(move || work(&waiting, &open, &runner))?;
        }
        Ok(line)
    }

    fn of(capacity: usize) -> (Self, Waiting) {
        let (sender, receiver) = sync_channel(capacity);
        let waiting = Waiting {
            receiver: Mutex::new(receiver),
            count: Arc::default(),
        };
        let line = Self {
            sender,
            capacity,
            waiting: Arc::clone(&waiting.count),
            dropped: AtomicUsize::new(0),
        };
        (line, waiting)
    }

    /// Is there room for it? That there is none is told when it begins, and when few are left.
    fn push(&self, action: Action) -> bool {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        match self.sender.try_send(action) {
            Ok(()) => {
                if before <= self.capacity / NEARLY_EMPTY {
                    let dropped = self.dropped.swap(0, Ordering::AcqRel);
                    if dropped > 0 {
                        log::warn!("actions are queued again, after {dropped} were dropped");
                    }
                }
                true
            }
            Err(TrySendError::Full(action) | TrySendError::Disconnected(action)) => {
                self.waiting.fetch_sub(1, Ordering::AcqRel);
                if self.dropped.fetch_add(1, Ordering::AcqRel) == 0 {
                    log::warn!(
                        "actions are dropped, because too many others wait for slow programs or URLs; the first one: {action}"
                    );
                }
                false
            }
        }
    }
}

impl Waiting {
    /// Waits for one; none when there will be none.
    fn next(&self) -> Option<Action> {
        let next = lock(&self.receiver).recv().ok()?;
        self.count.fetch_sub(1, Ordering::AcqRel);
        Some(next)
    }
}

fn work(waiting: &Waiting, open: &AtomicUsize, runner: &Runner) {
    // The lock of the line is given back before the action is done.
    while let Some(action) = waiting.next() {
        runner.run(&action);
        open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Action {
        Action {
            program: None,
            call: None,
        }
    }

    #[test]
    fn that_actions_are_dropped_is_told_once_until_few_wait() {
        let (line, waiting) = Line::of(20);
        let dropped = || line.dropped.load(Ordering::Acquire);
        while line.push(nothing()) {}
        for _ in 0..5 {
            waiting.next().unwrap();
            assert!(line.push(nothing()));
            assert!(!line.push(nothing()));
        }
        assert_eq!(dropped(), 6, "places changed hands");
        for _ in 0..17 {
            waiting.next().unwrap();
        }
        assert!(line.push(nothing()));
        assert_eq!(dropped(), 6, "three wait");
        for _ in 0..2 {
            waiting.next().unwrap();
        }
        assert!(line.push(nothing()));
        assert_eq!(dropped(), 0);
    }
}
