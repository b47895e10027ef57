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
    /// Dropped since that was told.
    dropped: AtomicUsize,
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
        let (sender, receiver) = sync_channel(capacity);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..workers {
            let (receiver, open, runner) =
                (Arc::clone(&receiver), Arc::clone(open), runner.clone());
            thread::Builder::new()
                .name("action".to_owned())
                .spawn(move || work(&receiver, &open, &runner))?;
        }
        Ok(Self {
            sender,
            dropped: AtomicUsize::new(0),
        })
    }

    /// Is there room for it? That there is none is told when it begins, and when it is over.
    fn push(&self, action: Action) -> bool {
        match self.sender.try_send(action) {
            Ok(()) => {
                let dropped = self.dropped.swap(0, Ordering::AcqRel);
                if dropped > 0 {
                    log::warn!("actions are queued again, after {dropped} were dropped");
                }
                true
            }
            Err(TrySendError::Full(action) | TrySendError::Disconnected(action)) => {
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

fn work(receiver: &Mutex<Receiver<Action>>, open: &AtomicUsize, runner: &Runner) {
    loop {
        // The lock is given back before the action is done.
        let next = lock(receiver).recv();
        let Ok(action) = next else { return };
        runner.run(&action);
        open.fetch_sub(1, Ordering::AcqRel);
    }
}
