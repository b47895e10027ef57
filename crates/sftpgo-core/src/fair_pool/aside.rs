//! Work that waits for somebody else, such as a database, on a thread of its own.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use super::{Answer, Bell, NotDone};
use crate::sync::lock;

/// Threads at once: whoever leaves a connection behind whose thread hangs, and comes again, gets no more of them.
const MOST: usize = 256;

/// The threads of one process that wait for somebody else.
#[derive(Default)]
pub(crate) struct Aside {
    running: Arc<AtomicUsize>,
}

/// A thread beside the pool, counted until it ends.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Aside {
    /// Runs `work` on a thread of its own, and returns its outcome. The thread that calls waits by its connection's bell;
    /// once that has to close, `work` goes on alone. Where there is no thread for it, it is done by the one that calls.
    ///
    /// # Errors
    /// `work` panicked, or the connection has to close.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        name: &str,
        bell: &Arc<Bell>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let running = Running(Arc::clone(&self.running));
        if running.0.fetch_add(1, Ordering::Relaxed) >= MOST {
            return Ok(work());
        }
        let (answer, outcome) = Answer::new(bell);
        // Left here where no thread takes it.
        let left = Arc::new(Mutex::new(Some(work)));
        let taken = Arc::clone(&left);
        let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _running = running;
            let work = lock(&taken).take();
            if let Some(work) = work {
                answer.run(work, Instant::now());
            }
        });
        if let Err(error) = started {
            log::warn!(
                "a connection itself has to wait for its login, because no thread could be started: {error}"
            );
            let work = lock(&left).take();
            return work.map(|work| work()).ok_or(NotDone::Panicked);
        }
        outcome.wait(bell).map(|(done, _)| done)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_outcome_is_what_the_work_returns_and_a_panic_is_told() {
        let (aside, bell) = (Aside::default(), Arc::default());
        assert_eq!(aside.run("test", &bell, || 7), Ok(7));
        let panicked = aside.run::<()>("test", &bell, || panic!("as asked for"));
        assert_eq!(panicked, Err(NotDone::Panicked));
        assert_eq!(aside.run("test", &bell, || 8), Ok(8));
    }

    #[test]
    fn whoever_has_to_close_leaves_work_that_hangs_behind() {
        let (aside, bell) = (Aside::default(), Arc::new(Bell::default()));
        let (release, held) = mpsc::channel::<()>();
        bell.close();
        let left = aside.run("test", &bell, move || held.recv());
        assert_eq!(left, Err(NotDone::Closing));
        assert_eq!(aside.running.load(Ordering::Relaxed), 1);
        drop(release);
        while aside.running.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
    }

    #[test]
    fn beyond_the_most_threads_the_caller_does_it() {
        let (aside, bell) = (Aside::default(), Arc::default());
        aside.running.store(MOST, Ordering::Relaxed);
        let here = thread::current().id();
        let there = aside.run("test", &bell, || thread::current().id());
        assert_eq!(there, Ok(here));
        assert_eq!(aside.running.load(Ordering::Relaxed), MOST);
    }
}
