//! A few threads that work for connections: so many and no more, with a bounded line before them.
//!
//! A storm of logins or of key exchanges waits here and leaves the transfers their share: the threads are few and go behind
//! those of the connections. The memory that hashing needs (19 MiB for argon2id) is taken once a thread, not once a
//! connection.

mod aside;
mod bell;
mod queue;
mod source;

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

pub(crate) use self::aside::Aside;
use self::queue::Queue;
pub use self::{bell::Bell, queue::Asker, source::source_of};
use crate::{
    error::{Error, ErrorKind, Result},
    priority,
    sync::lock,
};

/// Runs with the time at which it began.
type Job = Box<dyn FnOnce(Instant) + Send>;

/// A fixed number of threads; they end when the pool is dropped.
pub struct FairPool(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    queue: Queue<Job>,
    has_ended: bool,
}

/// Half of the cores, rounded up: so many threads leave the others to transfers.
pub fn half_of_the_cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

/// Why something was not done.
#[derive(Debug, PartialEq, Eq)]
pub enum NotDone {
    /// Too many wait already.
    Full,
    /// The work panicked.
    Panicked,
    /// The connection has to close.
    Closing,
}

/// A job in the line; it leaves the line when it is dropped.
struct Place<'a> {
    shared: &'a Shared,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let job = self.shared.lock().queue.remove(self.ticket);
        drop(job);
    }
}

/// The outcome of a job.
enum Outcome<T> {
    Waiting,
    Begun,
    Done(T, Instant),
    /// The job was dropped before its end.
    Dropped(NotDone),
}

/// The side of a job that whoever works on it has.
struct Answer<T> {
    outcome: Arc<Mutex<Outcome<T>>>,
    bell: Arc<Bell>,
}

/// The side of whoever waits for it.
struct Awaited<T>(Arc<Mutex<Outcome<T>>>);

impl<T> Awaited<T> {
    /// Waits for the outcome by the connection's bell.
    fn wait(&self, bell: &Bell) -> Result<(T, Instant), NotDone> {
        let ended = bell.wait(|| {
            let mut outcome = lock(&self.0);
            match *outcome {
                Outcome::Waiting | Outcome::Begun => None,
                _ => Some(std::mem::replace(&mut *outcome, Outcome::Waiting)),
            }
        });
        match ended {
            Some(Outcome::Done(done, began)) => Ok((done, began)),
            Some(Outcome::Dropped(why)) => Err(why),
            _ => Err(NotDone::Closing),
        }
    }
}

impl<T> Answer<T> {
    fn new(bell: &Arc<Bell>) -> (Self, Awaited<T>) {
        let outcome = Arc::new(Mutex::new(Outcome::Waiting));
        let answer = Self {
            outcome: Arc::clone(&outcome),
            bell: Arc::clone(bell),
        };
        (answer, Awaited(outcome))
    }

    /// Does the work, and says what came of it.
    fn run(self, work: impl FnOnce() -> T, began: Instant) {
        self.set(Outcome::Begun);
        let done = work();
        self.set(Outcome::Done(done, began));
    }

    fn set(&self, outcome: Outcome<T>) {
        *lock(&self.outcome) = outcome;
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        {
            let mut outcome = lock(&self.outcome);
            match *outcome {
                Outcome::Waiting => *outcome = Outcome::Dropped(NotDone::Full),
                Outcome::Begun => *outcome = Outcome::Dropped(NotDone::Panicked),
                Outcome::Done(..) | Outcome::Dropped(_) => {}
            }
        }
        self.bell.ring();
    }
}

impl FairPool {
    /// Starts `threads` threads of this name, for which at most `most_waiting` jobs wait.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn start(name: &str, threads: usize, most_waiting: usize) -> Result<Self> {
        let pool = Self(Arc::new(Shared {
            state: Mutex::new(State {
                queue: Queue::new(most_waiting),
                has_ended: false,
            }),
            changed: Condvar::new(),
        }));
        for _ in 0..threads {
            let shared = Arc::clone(&pool.0);
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || {
                    priority::lower_for_this_thread();
                    shared.work();
                })
                .map_err(|error| {
                    Error::new(
                        ErrorKind::Internal,
                        format!("the threads for {name:?} cannot be started: {error}"),
                    )
                })?;
        }
        Ok(pool)
    }

    /// Runs `work` when its turn comes, and returns its outcome with the time at which it began. The thread that calls
    /// waits by its connection's bell.
    ///
    /// # Errors
    /// The line is full, or somebody else took the place in it; `work` panicked; or the connection has to close.
    pub fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        bell: &Arc<Bell>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, Instant), NotDone> {
        let (answer, outcome) = Answer::new(bell);
        let job: Job = Box::new(move |began| answer.run(work, began));
        let (ticket, dropped) = self
            .0
            .lock()
            .queue
            .push(asker, job)
            .map_err(|_| NotDone::Full)?;
        drop(dropped);
        self.0.changed.notify_one();
        let _place = Place {
            shared: &self.0,
            ticket,
        };
        outcome.wait(bell)
    }
}

impl Drop for FairPool {
    fn drop(&mut self) {
        self.0.lock().has_ended = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn work(&self) {
        while let Some((asker, job)) = self.next() {
            let began = Instant::now();
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(began))).is_err() {
                log::error!("a job of a connection panicked and counts as failed");
            }
            self.lock().queue.done(&asker);
        }
    }

    fn next(&self) -> Option<(Asker, Job)> {
        let mut state = self.lock();
        loop {
            if state.has_ended {
                return None;
            }
            if let Some(next) = state.queue.pop() {
                return Some(next);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::IpAddr,
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        thread::JoinHandle,
        time::Duration,
    };

    use super::*;

    type Checked = Result<(), NotDone>;

    fn asker(last: u8) -> Asker {
        Asker::new(IpAddr::from([192, 0, 2, last]), "alice")
    }

    #[test]
    fn no_more_than_so_many_run_at_once_and_a_panic_costs_nobody_else() {
        let pool = Arc::new(FairPool::start("test", 2, 100).unwrap());
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let checks = (0..20).map(|number| {
            let (pool, running, most) = (pool.clone(), running.clone(), most.clone());
            std::thread::spawn(move || {
                let check = move || {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    assert_ne!(number, 7, "one check panics");
                    number
                };
                pool.run(asker(number), &Arc::default(), check)
            })
        });
        let checks: Vec<_> = checks.collect();
        let (mut done, mut failed) = (0, Vec::new());
        for check in checks {
            match check.join().unwrap() {
                Ok(_) => done += 1,
                Err(error) => failed.push(error),
            }
        }
        assert_eq!((done, failed), (19, vec![NotDone::Panicked]));
        assert!(most.load(Ordering::SeqCst) <= 2);
    }

    /// Runs something in a thread of its own, and waits until it is in the line, or was there.
    fn run(
        pool: &Arc<FairPool>,
        last: u8,
        bell: &Arc<Bell>,
        work: impl FnOnce() + Send + 'static,
    ) -> JoinHandle<Checked> {
        let (pool, bell) = (Arc::clone(pool), Arc::clone(bell));
        let running = std::thread::spawn(move || pool.run(asker(last), &bell, work).map(drop));
        std::thread::sleep(Duration::from_millis(100));
        running
    }

    #[test]
    fn who_finds_the_line_full_or_loses_a_place_in_it_is_told_so_and_who_leaves_makes_room() {
        let pool = Arc::new(FairPool::start("test", 1, 2).unwrap());
        let (hold, held) = mpsc::channel::<()>();
        let (open, leaving) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let busy = run(&pool, 9, &open, move || {
            let _ = held.recv();
        });
        let first = run(&pool, 1, &leaving, || ());
        let second = run(&pool, 1, &open, || ());
        let third = run(&pool, 1, &open, || ());
        assert_eq!(third.join().unwrap(), Err(NotDone::Full));
        let other = run(&pool, 2, &open, || ());
        assert_eq!(second.join().unwrap(), Err(NotDone::Full));
        leaving.close();
        assert_eq!(first.join().unwrap(), Err(NotDone::Closing));
        let last = run(&pool, 1, &open, || ());
        drop(hold);
        for check in [busy, other, last] {
            assert_eq!(check.join().unwrap(), Ok(()));
        }
    }
}
