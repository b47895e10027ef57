//! A call of a storage that may take long, on a thread of its own: whoever has other work to do comes back for its outcome.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    sync::lock,
};

/// Calls that take no longer are waited for, so that a storage that is fast is not asked twice.
const AT_ONCE: Duration = Duration::from_millis(1);
/// When to look whether there is an outcome: soon at first, and seldom while a storage hangs.
const SOON: Duration = Duration::from_millis(5);
const SELDOM: Duration = Duration::from_millis(50);

/// How long a call is waited for whose caller does not come back.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// An operation that has begun, and that a storage may take long for. It goes on alone when this is dropped.
pub struct Pending<T>(Progress<T>);

enum Progress<T> {
    Done(Result<T>),
    Behind(Behind<Result<T>>),
}

impl<T: Send + 'static> Pending<T> {
    /// An operation that has come to its end.
    pub(crate) fn done(outcome: Result<T>) -> Self {
        Self(Progress::Done(outcome))
    }

    /// Begins `call` in a thread that is called `name`.
    pub(crate) fn start(name: &str, call: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        Self(Progress::Behind(Behind::start(name, call)))
    }

    /// When to come back; none when there is an outcome.
    pub fn wait(&self) -> Option<Duration> {
        match &self.0 {
            Progress::Done(_) => None,
            Progress::Behind(behind) => behind.wait(),
        }
    }

    /// Waits for the outcome, for 10 seconds at the most.
    ///
    /// # Errors
    /// Those of the operation; [`Unavailable`](ErrorKind::Unavailable) when the storage has not answered by then.
    pub fn outcome(self) -> Result<T> {
        match self.0 {
            Progress::Done(outcome) => outcome,
            Progress::Behind(behind) if behind.is_running_since(PATIENCE) => Err(does_not_answer()),
            Progress::Behind(behind) => behind
                .take()
                .unwrap_or_else(|| Err(Error::new(ErrorKind::Internal, "the storage panicked"))),
        }
    }
}

/// Returns the refusal of what is not waited for any longer.
pub(super) fn does_not_answer() -> Error {
    Error::new(ErrorKind::Unavailable, "the storage does not answer")
}

/// A call that runs, or has ended. It goes on alone when this is dropped.
pub(super) struct Behind<T> {
    outcome: Arc<Outcome<T>>,
    since: Instant,
}

struct Outcome<T> {
    state: Mutex<State<T>>,
    ended: Condvar,
}

enum State<T> {
    Running,
    Ended(T),
    /// The call panicked, or the outcome was taken.
    Gone,
}

/// Says that there will be no outcome, unless there is one.
struct Answers<T>(Arc<Outcome<T>>);

impl<T> Drop for Answers<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        if matches!(*state, State::Running) {
            *state = State::Gone;
        }
        self.0.ended.notify_all();
    }
}

impl<T: Send + 'static> Behind<T> {
    /// Begins `call` in a thread that is called `name`; where none can be started it is done here.
    pub(super) fn start(name: &str, call: impl FnOnce() -> T + Send + 'static) -> Self {
        let outcome = Arc::new(Outcome {
            state: Mutex::new(State::Running),
            ended: Condvar::new(),
        });
        // Left here where no thread takes it.
        let left = Arc::new(Mutex::new(Some(call)));
        let taken = Arc::clone(&left);
        let answers = Arc::clone(&outcome);
        let run = move || {
            let answers = Answers(answers);
            let call = lock(&taken).take();
            if let Some(call) = call {
                let done = call();
                *lock(&answers.0.state) = State::Ended(done);
            }
        };
        let started = thread::Builder::new().name(name.to_owned()).spawn(run);
        if let Err(error) = started {
            log::warn!(
                "a connection itself has to wait for the storage, because no thread could be started: {error}"
            );
            let call = lock(&left).take();
            *lock(&outcome.state) = call.map_or(State::Gone, |call| State::Ended(call()));
        }
        Self {
            outcome,
            since: Instant::now(),
        }
    }

    /// When to come back; none when [`Behind::take`] does not wait.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.is_running_since(AT_ONCE)
            .then(|| (self.since.elapsed() / 4).clamp(SOON, SELDOM))
    }

    /// Does the call run still when it has had so long?
    pub(super) fn is_running_since(&self, patience: Duration) -> bool {
        let patience = patience.saturating_sub(self.since.elapsed());
        let state = lock(&self.outcome.state);
        let is_running = |state: &mut State<T>| matches!(state, State::Running);
        let waited = self
            .outcome
            .ended
            .wait_timeout_while(state, patience, is_running);
        waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits for the outcome; none where the call panicked.
    pub(super) fn take(self) -> Option<T> {
        let state = lock(&self.outcome.state);
        let is_running = |state: &mut State<T>| matches!(state, State::Running);
        let ended = self.outcome.ended.wait_while(state, is_running);
        let mut state = ended.unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Gone) {
            State::Ended(outcome) => Some(outcome),
            State::Running | State::Gone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn whoever_comes_back_finds_the_outcome_and_a_panic_has_none() {
        let (release, held) = mpsc::channel::<()>();
        let behind = Behind::start("test", move || held.recv().is_ok());
        assert!(behind.wait().is_some() && behind.wait().is_some());
        release.send(()).unwrap();
        assert_eq!(behind.take(), Some(true));
        let panicked = Behind::<()>::start("test", || panic!("as asked for"));
        assert_eq!(panicked.take(), None);
    }
}
