//! A bounded queue of actions and the few threads that do them.

use sftpgo_core::sync::lock;
use std::{
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

/// Actions done at the same time.
const WORKERS: usize = 4;
/// Actions that wait; a burst of small uploads fits, a program that hangs does not fill the memory.
const CAPACITY: usize = 1000;
/// The time after which a stopping server looks again whether actions still run.
const POLL: Duration = Duration::from_millis(20);

/// Takes actions without ever delaying who brings them.
pub(crate) struct Queue {
    sender: SyncSender<Action>,
    /// Queued or running.
    open: Arc<AtomicUsize>,
}

impl Queue {
    /// Starts the workers; they live as long as the process.
    pub(crate) fn start(failed: HearFailure) -> std::io::Result<Arc<Self>> {
        Self::with(CAPACITY, WORKERS, Runner::telling(failed))
    }

    pub(super) fn with(
        capacity: usize,
        workers: usize,
        runner: Runner,
    ) -> std::io::Result<Arc<Self>> {
        let (sender, receiver) = sync_channel(capacity);
        let receiver = Arc::new(Mutex::new(receiver));
        let open = Arc::new(AtomicUsize::new(0));
        for _ in 0..workers {
            let (receiver, open, runner) =
                (Arc::clone(&receiver), Arc::clone(&open), runner.clone());
            thread::Builder::new()
                .name("action".to_owned())
                .spawn(move || work(&receiver, &open, &runner))?;
        }
        Ok(Arc::new(Self { sender, open }))
    }

    /// Queues `action`, or drops it with a warning when too many wait.
    pub(super) fn push(&self, action: Action) {
        self.open.fetch_add(1, Ordering::AcqRel);
        if let Err(TrySendError::Full(action) | TrySendError::Disconnected(action)) =
            self.sender.try_send(action)
        {
            self.open.fetch_sub(1, Ordering::AcqRel);
            log::warn!(
                "an action was dropped, because too many others wait for slow programs or URLs: {action}"
            );
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

fn work(receiver: &Mutex<Receiver<Action>>, open: &AtomicUsize, runner: &Runner) {
    loop {
        // The lock is given back before the action is done.
        let next = lock(receiver).recv();
        let Ok(action) = next else { return };
        runner.run(&action);
        open.fetch_sub(1, Ordering::AcqRel);
    }
}
