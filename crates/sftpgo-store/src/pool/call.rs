//! A call, between the thread that waits for it and the one that it runs on.

use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sftpgo_core::{Error, ErrorKind, Result, sync::lock};

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The time until a thread takes a call, when all have something to do.
    pub(super) wait: Duration,
    /// The time from then on until the database has answered all that the call asks.
    pub(super) call: Duration,
    /// The time without a call after which a thread ends with its connection.
    pub(super) idle: Duration,
}

/// Tells a call that runs whether somebody still waits for what it comes to.
pub(super) trait Waiter {
    /// False once the call was given up.
    fn waits(&self) -> bool;
}

/// Tells who waits.
pub(super) trait Tell {
    /// The outcome is there.
    fn tell(&self);
}

/// A call that somebody waits for, until it is given up.
pub(super) struct Call<T> {
    progress: Mutex<Progress<T>>,
    is_done: Condvar,
}

enum Progress<T> {
    Waiting,
    RunsSince(Instant),
    /// It has ended, which its caller has not been told yet; it cannot be given up any more.
    Ended(Result<T>),
    Done(Result<T>),
    GivenUp,
}

impl<T> Call<T> {
    pub(super) fn new() -> Self {
        Self {
            progress: Mutex::new(Progress::Waiting),
            is_done: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress<T>> {
        lock(&self.progress)
    }

    /// A thread takes the call. False when nobody waits for it any more.
    pub(super) fn begin(&self) -> bool {
        let mut progress = self.lock();
        let waits = matches!(*progress, Progress::Waiting);
        if waits {
            *progress = Progress::RunsSince(Instant::now());
        }
        waits
    }

    /// The call has come to its end. False when nobody waits for it any more.
    pub(super) fn end(&self, outcome: Result<T>) -> bool {
        let mut progress = self.lock();
        let waits = !matches!(*progress, Progress::GivenUp);
        if waits {
            *progress = Progress::Ended(outcome);
        }
        waits
    }

    /// Waits for the outcome, as long as the limits say; `give_up` is told when it is not waited for any more. All
    /// `size` threads had something to do when it never began.
    pub(super) fn wait(&self, limits: Limits, size: usize, give_up: impl FnOnce()) -> Result<T> {
        let Limits { wait, call, .. } = limits;
        let began = Instant::now();
        let mut progress = self.lock();
        loop {
            let left = match &*progress {
                // Nobody tells that the call runs.
                Progress::Waiting => wait.saturating_sub(began.elapsed()).min(call),
                Progress::RunsSince(since) => call.saturating_sub(since.elapsed()),
                Progress::Ended(_) => call,
                Progress::Done(_) | Progress::GivenUp => Duration::ZERO,
            };
            if left.is_zero() {
                break;
            }
            let waited = self.is_done.wait_timeout(progress, left);
            progress = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        match mem::replace(&mut *progress, Progress::GivenUp) {
            Progress::Done(outcome) | Progress::Ended(outcome) => outcome,
            Progress::RunsSince(_) => {
                give_up();
                let seconds = call.as_secs();
                log::warn!(
                    "the database did not answer for {seconds} seconds, so the connection to it is given up"
                );
                Err(unavailable(format!(
                    "the database did not answer for {seconds} seconds"
                )))
            }
            Progress::Waiting | Progress::GivenUp => Err(super::all_busy(size, wait)),
        }
    }
}

impl<T> Tell for Call<T> {
    fn tell(&self) {
        let mut progress = self.lock();
        *progress = match mem::replace(&mut *progress, Progress::GivenUp) {
            Progress::Ended(outcome) => Progress::Done(outcome),
            other => other,
        };
        drop(progress);
        self.is_done.notify_one();
    }
}

impl<T> Waiter for Call<T> {
    fn waits(&self) -> bool {
        !matches!(*self.lock(), Progress::GivenUp)
    }
}

pub(super) fn unavailable(message: String) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}
