//! Threads with a connection each, on which calls to a database server run.
//!
//! The databases' libraries wait for an answer as long as it takes. So who calls waits for a thread instead, and gives
//! the call up after a limit: its thread and its connection are left to themselves, and others take their place.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard,
        mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use sftpgo_core::{Error, ErrorKind, Result, sync::lock};

use super::call::{Call, Limits, Tell, Waiter, unavailable};

/// Threads at the most for each connection that there may be, with those whose calls were given up.
const THREADS_PER_CONNECTION: usize = 3;

/// Where connections come from.
pub(super) trait Source: Send + Sync + 'static {
    /// What a call works with.
    type Connection: Send;

    /// A new connection.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) when there is none.
    fn connect(&self) -> Result<Self::Connection>;

    /// Can a connection be used that was not for so long? None of its last use is known when that failed.
    fn is_sound(&self, connection: &mut Self::Connection, unused: Option<Duration>) -> bool;
}

/// The threads. They end with this, each after its call.
pub(super) struct Workers<S: Source>(Arc<Shared<S>>);

struct Shared<S: Source> {
    source: S,
    /// Threads at the most, but for those whose calls were given up.
    size: usize,
    limits: Limits,
    state: Mutex<State<S>>,
}

struct State<S: Source> {
    /// Threads without a call, by their numbers. The last one had a call last, and its connection is the freshest.
    idle: Vec<(u64, SyncSender<Job<S>>)>,
    waiting: VecDeque<Job<S>>,
    /// Threads whose calls, if they have one, are waited for.
    running: usize,
    /// Threads whose calls were given up and have not come to their ends.
    given_up: usize,
    last_number: u64,
    is_closed: bool,
}

/// A call with its place for the outcome.
type Job<S> = Box<dyn FnOnce(&mut Worker<S>) -> Next + Send>;

/// What a thread does after a call.
enum Next {
    /// It tells the caller that waits, but is free for a call before, so that the next one of the same caller finds it.
    Tell(Arc<dyn Tell>),
    /// The call was given up, and another thread has this one's place.
    End,
}

struct Worker<S: Source> {
    shared: Arc<Shared<S>>,
    number: u64,
    connection: Option<Used<S::Connection>>,
}

/// A connection, and when it was used last without an error.
struct Used<C> {
    connection: C,
    at: Option<Instant>,
}

impl<S: Source> Workers<S> {
    /// Makes at most `size` threads, started as they are needed.
    pub(super) fn new(source: S, size: usize, limits: Limits) -> Self {
        Self(Arc::new(Shared {
            source,
            size,
            limits,
            state: Mutex::new(State {
                idle: Vec::new(),
                waiting: VecDeque::new(),
                running: 0,
                given_up: 0,
                last_number: 0,
                is_closed: false,
            }),
        }))
    }

    /// Runs `work` with a connection on one of the threads.
    ///
    /// # Errors
    /// What `work` returns; [`Unavailable`](ErrorKind::Unavailable) when there is no connection, when no thread is free
    /// in time, and when the call takes too long. In the last case it goes on, and what it changes may stay.
    pub(super) fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S::Connection, &dyn Waiter) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let call = Arc::new(Call::new());
        let place = Arc::clone(&call);
        self.0.submit(Box::new(move |worker: &mut Worker<S>| {
            if place.begin() && !place.end(worker.run(work, place.as_ref())) {
                return Next::End;
            }
            Next::Tell(place)
        }))?;
        call.wait(self.0.limits, self.0.size, || self.0.replace_one())
    }
}

impl<S: Source> Drop for Workers<S> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_closed = true;
        state.idle.clear();
    }
}

impl<S: Source> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        lock(&self.state)
    }

    /// Hands a call to a thread, or has it wait for one.
    fn submit(self: &Arc<Self>, job: Job<S>) -> Result<()> {
        let mut state = self.lock();
        if let Some((_, idle)) = state.idle.pop() {
            // The thread takes one call before it is idle again, so there is room for it.
            return idle.send(job).map_err(|_| no_thread("it has ended"));
        }
        if self.may_start(&state) {
            return self.start(&mut state, job);
        }
        state.waiting.push_back(job);
        Ok(())
    }

    fn may_start(&self, state: &State<S>) -> bool {
        let threads = state.running + state.given_up;
        state.running < self.size && threads < THREADS_PER_CONNECTION * self.size
    }

    fn start(self: &Arc<Self>, state: &mut State<S>, first: Job<S>) -> Result<()> {
        state.last_number += 1;
        let worker = Worker {
            shared: Arc::clone(self),
            number: state.last_number,
            connection: None,
        };
        thread::Builder::new()
            .name("database".to_owned())
            .spawn(move || worker.work(first))
            .map_err(no_thread)?;
        state.running += 1;
        Ok(())
    }

    /// A call is given up: its thread makes room for another.
    fn replace_one(self: &Arc<Self>) {
        let mut state = self.lock();
        state.running -= 1;
        state.given_up += 1;
        self.start_waiting(&mut state);
    }

    /// A call that was given up has come to its end.
    fn forget_one(self: &Arc<Self>) {
        let mut state = self.lock();
        state.given_up -= 1;
        self.start_waiting(&mut state);
    }

    fn start_waiting(self: &Arc<Self>, state: &mut State<S>) {
        if self.may_start(state)
            && let Some(job) = state.waiting.pop_front()
            && let Err(error) = self.start(state, job)
        {
            log::warn!("a call to the database that waited for a thread is given up: {error}");
        }
    }
}

impl<S: Source> Worker<S> {
    fn work(mut self, first: Job<S>) {
        let mut next = Some(first);
        while let Some(job) = next {
            next = match job(&mut self) {
                Next::Tell(caller) => self.next(caller.as_ref()),
                Next::End => {
                    self.connection = None;
                    self.shared.forget_one();
                    return;
                }
            };
        }
    }

    /// The next call; none when the thread is not needed any more.
    fn next(&mut self, caller: &dyn Tell) -> Option<Job<S>> {
        let mut state = self.shared.lock();
        if let Some(job) = state.waiting.pop_front() {
            drop(state);
            caller.tell();
            return Some(job);
        }
        if state.is_closed {
            state.running -= 1;
            drop(state);
            caller.tell();
            return None;
        }
        let (sender, receiver) = sync_channel(1);
        state.idle.push((self.number, sender));
        drop(state);
        caller.tell();
        let received = receiver.recv_timeout(self.shared.limits.idle);
        if let Ok(job) = received {
            return Some(job);
        }
        let mut state = self.shared.lock();
        let before = state.idle.len();
        state.idle.retain(|(number, _)| *number != self.number);
        if received.is_err_and(|error| error == RecvTimeoutError::Timeout)
            && state.idle.len() == before
            && let Ok(job) = receiver.try_recv()
        {
            // It was handed over at the last moment.
            return Some(job);
        }
        state.running -= 1;
        None
    }

    fn run<T>(
        &mut self,
        work: impl FnOnce(&mut S::Connection, &dyn Waiter) -> Result<T>,
        waiter: &dyn Waiter,
    ) -> Result<T> {
        let mut used = self.connected()?;
        if !waiter.waits() {
            return Err(unavailable(
                "the caller has stopped waiting for the database".to_owned(),
            ));
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut used.connection, waiter)));
        let Ok(outcome) = outcome else {
            return Err(Error::new(
                ErrorKind::Internal,
                "a call to the database has panicked",
            ));
        };
        let has_failed = matches!(&outcome, Err(error) if error.kind() == ErrorKind::Unavailable);
        used.at = (!has_failed).then(Instant::now);
        self.connection = Some(used);
        outcome
    }

    fn connected(&mut self) -> Result<Used<S::Connection>> {
        if let Some(mut used) = self.connection.take() {
            let unused = used.at.map(|at| at.elapsed());
            if self.shared.source.is_sound(&mut used.connection, unused) {
                return Ok(used);
            }
        }
        let connection = self.shared.source.connect()?;
        Ok(Used {
            connection,
            at: None,
        })
    }
}

fn no_thread(reason: impl std::fmt::Display) -> Error {
    unavailable(format!(
        "there is no thread for a call to the database: {reason}"
    ))
}

#[cfg(test)]
mod tests;
