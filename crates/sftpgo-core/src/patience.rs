//! Waiting for work that may never end, such as a call to a file system whose server is gone.
//!
//! A thread that the kernel holds in such a call cannot be ended. So the work has a thread of its own, and who waits for
//! it leaves it behind after a while: then it costs a thread, and nobody's time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, sync_channel},
    },
    thread,
    time::Duration,
};

use crate::error::{Error, ErrorKind, Result};

/// The progress of work.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<AtomicU64>);

impl Progress {
    /// The work goes on: who waits for it is patient anew.
    pub(crate) fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn steps(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs `work` in a thread that is called `name`, and returns its outcome; none when it has made no step and not ended
/// for `patience`. It goes on alone then.
///
/// # Errors
/// [`Internal`](ErrorKind::Internal) when the system gives no thread, or the work panics.
pub(crate) fn run<T: Send + 'static>(
    name: &str,
    patience: Duration,
    work: impl FnOnce(&Progress) -> T + Send + 'static,
) -> Result<Option<T>> {
    let progress = Progress::default();
    let of_work = progress.clone();
    let (tell, outcome) = sync_channel(1);
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // Who has left hears nothing.
            let _ = tell.send(work(&of_work));
        })
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "no thread can be started").with_source(error)
        })?;
    let mut steps = progress.steps();
    loop {
        match outcome.recv_timeout(patience) {
            Ok(outcome) => return Ok(Some(outcome)),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::new(
                    ErrorKind::Internal,
                    "the thread that did the work panicked",
                ));
            }
            Err(RecvTimeoutError::Timeout) if progress.steps() == steps => return Ok(None),
            Err(RecvTimeoutError::Timeout) => steps = progress.steps(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_outcome_is_what_the_work_returns_and_a_panic_is_an_error() {
        assert_eq!(run("test", LONG, |_| 7).unwrap(), Some(7));
        let panicked = run::<()>("test", LONG, |_| panic!("as asked for"));
        assert_eq!(panicked.unwrap_err().kind(), ErrorKind::Internal);
    }

    #[test]
    fn work_that_stands_still_is_left_behind_and_goes_on() {
        let (release, held) = mpsc::channel::<()>();
        let (tell, ended) = mpsc::channel();
        let outcome = run("test", SHORT, move |_| {
            let _ = held.recv();
            tell.send("ended").unwrap();
        });
        assert_eq!(outcome.unwrap(), None);
        drop(release);
        assert_eq!(ended.recv_timeout(LONG), Ok("ended"));
    }

    #[test]
    fn work_that_makes_steps_is_waited_for() {
        let outcome = run("test", SHORT * 10, |progress| {
            for _ in 0..50 {
                progress.step();
                thread::sleep(SHORT);
            }
            7
        });
        assert_eq!(outcome.unwrap(), Some(7));
    }
}
