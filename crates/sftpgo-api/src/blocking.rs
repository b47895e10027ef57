//! The bounded seam between asynchronous handlers and calls that block.

use std::sync::Arc;

use sftpgo_core::{Error, ErrorKind, Result};
use tokio::sync::Semaphore;

/// Runs a limited number of blocking calls at once.
#[derive(Clone)]
pub(crate) struct Blocking(Arc<Semaphore>);

impl Blocking {
    pub(crate) fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once)))
    }

    /// Runs `call` when its turn has come, and returns what it returns. A panic in it is an internal error and ends nothing
    /// else.
    pub(crate) async fn run<T, F>(&self, call: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let turn = Arc::clone(&self.0)
            .acquire_owned()
            .await
            .map_err(|closed| internal().with_source(closed))?;
        tokio::task::spawn_blocking(move || {
            // Moved in: a client that goes away does not end the call, and must not let another one start.
            let _turn = turn;
            call()
        })
        .await
        .map_err(|panicked| internal().with_source(panicked))?
    }
}

fn internal() -> Error {
    Error::new(ErrorKind::Internal, "internal error, see the server's log")
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_is_an_error_and_gives_the_turn_back() {
        let blocking = Blocking::new(1);
        for _ in 0..3 {
            let failed = blocking.run::<(), _>(|| panic!("on purpose")).await;
            assert_eq!(failed.unwrap_err().kind(), ErrorKind::Internal);
        }
        assert_eq!(blocking.run(|| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_calls_than_turns_run_at_once() {
        let blocking = Blocking::new(2);
        let running = Arc::new(AtomicUsize::new(0));
        let pair = Arc::new(Barrier::new(2));
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let (blocking, running, pair) =
                    (blocking.clone(), Arc::clone(&running), Arc::clone(&pair));
                tokio::spawn(async move {
                    blocking
                        .run(move || {
                            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                            // Both turns are taken here, so a third call would be seen.
                            pair.wait();
                            thread::yield_now();
                            running.fetch_sub(1, Ordering::SeqCst);
                            Ok(now)
                        })
                        .await
                        .unwrap()
                })
            })
            .collect();
        for call in calls {
            assert!(call.await.unwrap() <= 2);
        }
    }
}
