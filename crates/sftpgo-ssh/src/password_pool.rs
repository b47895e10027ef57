//! The threads that verify passwords: so many and no more.
//!
//! A storm of logins waits here and leaves the transfers their share: the threads are few and go behind those of the
//! connections. The memory that hashing needs (19 MiB for argon2id) is taken once a thread, not once a connection.

use std::sync::{
    Arc, Mutex, PoisonError,
    mpsc::{Receiver, Sender, channel},
};

use sftpgo_core::{Error, ErrorKind, Result, priority};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads; they end when the pool is dropped.
pub(crate) struct PasswordPool(Sender<Job>);

impl PasswordPool {
    /// Starts `threads` threads.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn start(threads: usize) -> Result<Self> {
        let (sender, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads {
            let receiver = Arc::clone(&receiver);
            std::thread::Builder::new()
                .name("password".to_owned())
                .spawn(move || {
                    priority::lower_for_this_thread();
                    work(&receiver);
                })
                .map_err(|error| {
                    Error::new(
                        ErrorKind::Internal,
                        format!("no thread to verify passwords: {error}"),
                    )
                })?;
        }
        Ok(Self(sender))
    }

    /// Runs `check` when its turn comes; none when the check panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        check: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            // A client that has left is not checked any more.
            if !answer.is_closed() {
                let _ = answer.send(check());
            }
        });
        self.0.send(job).ok()?;
        answered.await.ok()
    }
}

fn work(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let job = receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(job) = job else { return };
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
            log::error!("verifying a password panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn no_more_than_so_many_run_at_once_and_a_panic_costs_nobody_else() {
        let pool = PasswordPool::start(2).unwrap();
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let checks = (0..20).map(|number| {
            let (running, most) = (running.clone(), most.clone());
            pool.run(move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                std::thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
                assert_ne!(number, 7, "one check panics");
                number
            })
        });
        let mut done = Vec::new();
        for check in checks {
            done.extend(check.await);
        }
        assert_eq!(done.len(), 19);
        assert!(most.load(Ordering::SeqCst) <= 2);
    }
}
