//! The threads that verify passwords: so many and no more, with a bounded line before them.
//!
//! A storm of logins waits here and leaves the transfers their share: the threads are few and go behind those of the
//! connections. The memory that hashing needs (19 MiB for argon2id) is taken once a thread, not once a connection.

use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use sftpgo_core::{Error, ErrorKind, Result, priority};
use tokio::{sync::oneshot, time::Instant};

use crate::password_queue::{Asker, Queue};

/// Runs with the time at which it began.
type Job = Box<dyn FnOnce(Instant) + Send>;

/// A fixed number of threads; they end when the pool is dropped.
pub(crate) struct PasswordPool(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    queue: Queue<Job>,
    has_ended: bool,
}

/// Why a check was not made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotChecked {
    /// Too many wait already.
    Full,
    /// The check panicked.
    Panicked,
}

/// A check in the line; it leaves the line when it is dropped.
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

impl PasswordPool {
    /// Starts `threads` threads, for which at most `most_waiting` checks wait.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn start(threads: usize, most_waiting: usize) -> Result<Self> {
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
                .name("password".to_owned())
                .spawn(move || {
                    priority::lower_for_this_thread();
                    shared.work();
                })
                .map_err(|error| {
                    Error::new(
                        ErrorKind::Internal,
                        format!("no thread to verify passwords: {error}"),
                    )
                })?;
        }
        Ok(pool)
    }

    /// Runs `check` when its turn comes, and returns its outcome with the time at which it began.
    ///
    /// # Errors
    /// The line is full, or somebody else took the place in it; or the check panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        check: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, Instant), NotChecked> {
        let (answer, answered) = oneshot::channel();
        // Tells a check that panicked from one that lost its place.
        let has_begun = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&has_begun);
        let job: Job = Box::new(move |began| {
            begins.store(true, Ordering::Relaxed);
            let _ = answer.send((check(), began));
        });
        let (ticket, dropped) = self
            .0
            .lock()
            .queue
            .push(asker, job)
            .map_err(|_| NotChecked::Full)?;
        drop(dropped);
        self.0.changed.notify_one();
        let _place = Place {
            shared: &self.0,
            ticket,
        };
        answered
            .await
            .map_err(|_| match has_begun.load(Ordering::Relaxed) {
                true => NotChecked::Panicked,
                false => NotChecked::Full,
            })
    }
}

impl Drop for PasswordPool {
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
                log::error!("verifying a password panicked");
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, sync::atomic::AtomicUsize, sync::mpsc};

    use super::*;

    fn asker(last: u8) -> Asker {
        Asker::new(IpAddr::from([192, 0, 2, last]), "alice")
    }

    #[tokio::test]
    async fn no_more_than_so_many_run_at_once_and_a_panic_costs_nobody_else() {
        let pool = Arc::new(PasswordPool::start(2, 100).unwrap());
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let checks = (0..20).map(|number| {
            let (pool, running, most) = (pool.clone(), running.clone(), most.clone());
            tokio::spawn(async move {
                let check = move || {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    assert_ne!(number, 7, "one check panics");
                    number
                };
                pool.run(asker(number), check).await
            })
        });
        let checks: Vec<_> = checks.collect();
        let (mut done, mut failed) = (0, Vec::new());
        for check in checks {
            match check.await.unwrap() {
                Ok(_) => done += 1,
                Err(error) => failed.push(error),
            }
        }
        assert_eq!((done, failed), (19, vec![NotChecked::Panicked]));
        assert!(most.load(Ordering::SeqCst) <= 2);
    }

    #[tokio::test]
    async fn who_finds_the_line_full_or_loses_a_place_in_it_is_told_so_and_who_leaves_makes_room() {
        let pool = Arc::new(PasswordPool::start(1, 2).unwrap());
        let (hold, held) = mpsc::channel::<()>();
        let (started, has_started) = oneshot::channel();
        let run = |last, check: Box<dyn FnOnce() + Send>| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(asker(last), check).await.map(drop) })
        };
        let busy = run(
            9,
            Box::new(move || {
                started.send(()).unwrap();
                let _ = held.recv();
            }),
        );
        has_started.await.unwrap();
        let first = run(1, Box::new(|| ()));
        let second = run(1, Box::new(|| ()));
        tokio::task::yield_now().await;
        assert_eq!(
            run(1, Box::new(|| ())).await.unwrap(),
            Err(NotChecked::Full)
        );
        let other = run(2, Box::new(|| ()));
        assert_eq!(second.await.unwrap(), Err(NotChecked::Full));
        first.abort();
        assert!(first.await.is_err());
        let last = run(1, Box::new(|| ()));
        tokio::task::yield_now().await;
        drop(hold);
        for check in [busy, other, last] {
            assert_eq!(check.await.unwrap(), Ok(()));
        }
    }
}
