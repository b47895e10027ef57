//! Homes that answer in time or not at all.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Filesystem, FilesystemFactory};
use crate::{
    error::{Error, ErrorKind, Result},
    patience,
    sync::lock,
    user::{EffectiveUser, UserId},
};

/// A home that has not answered by then does not answer: a disk that has to start, and a server of files that is busy,
/// answer within seconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Threads that wait for one user's home without anybody waiting for them, when no more are begun.
const MOST_OVERDUE: usize = 2;
/// Threads that wait for one user's home at once; who comes then waits for one of them to end.
const MOST_AT_ONCE: usize = 8;

/// Other homes, each asked in a thread of its own: one whose file system has gone fails the logins of its user after ten
/// seconds, and holds nothing but a few threads.
pub struct BoundedHomes {
    homes: Arc<dyn FilesystemFactory>,
    patience: Duration,
    waiting: Arc<Waiting>,
}

/// The users whose homes threads wait for.
#[derive(Default)]
struct Waiting {
    threads: Mutex<HashMap<UserId, Threads>>,
    changed: Condvar,
}

#[derive(Default, Clone, Copy)]
struct Threads {
    all: usize,
    /// The number of threads that nobody waits for any more.
    given_up: usize,
}

/// A thread that waits for a home; it has ended when this is dropped.
struct Question {
    waiting: Arc<Waiting>,
    user: EffectiveUser,
    state: Arc<Mutex<State>>,
}

/// What has become of a question.
#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Asked,
    GivenUp,
    Ended,
}

impl BoundedHomes {
    /// Makes a factory of the same homes, each of which is given up after ten seconds.
    pub fn new(homes: Arc<dyn FilesystemFactory>) -> Self {
        Self::with_patience(homes, PATIENCE)
    }

    /// Makes a factory of the same homes, each of which is given up after `patience`.
    pub fn with_patience(homes: Arc<dyn FilesystemFactory>, patience: Duration) -> Self {
        Self {
            homes,
            patience,
            waiting: Arc::default(),
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        user: &EffectiveUser,
        ask: fn(&dyn FilesystemFactory, &EffectiveUser) -> Result<T>,
    ) -> Result<T> {
        let question = self.begin(user)?;
        let state = Arc::clone(&question.state);
        let homes = Arc::clone(&self.homes);
        let answer = patience::run("home", self.patience, move |_| {
            ask(homes.as_ref(), &question.user)
        })?;
        answer.unwrap_or_else(|| {
            self.waiting.give_up(user, &state);
            Err(self.not_answered(user))
        })
    }

    /// Waits until there may be one more thread that waits for this user's home.
    fn begin(&self, user: &EffectiveUser) -> Result<Question> {
        let until = Instant::now() + self.patience;
        let mut threads = lock(&self.waiting.threads);
        loop {
            let of_user = threads.get(&user.id).copied().unwrap_or_default();
            if of_user.given_up >= MOST_OVERDUE {
                return Err(no_answer(user, "still does not answer"));
            }
            if of_user.all < MOST_AT_ONCE {
                break;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.not_answered(user));
            }
            let changed = self.waiting.changed.wait_timeout(threads, left);
            threads = changed.unwrap_or_else(PoisonError::into_inner).0;
        }
        threads.entry(user.id).or_default().all += 1;
        Ok(Question {
            waiting: Arc::clone(&self.waiting),
            user: user.clone(),
            state: Arc::default(),
        })
    }

    fn not_answered(&self, user: &EffectiveUser) -> Error {
        let seconds = self.patience.as_secs_f32();
        no_answer(user, &format!("has not answered for {seconds} seconds"))
    }
}

impl FilesystemFactory for BoundedHomes {
    /// # Errors
    /// [`Internal`](ErrorKind::Internal) when the home does not answer, too.
    fn open_home(&self, user: &EffectiveUser) -> Result<Box<dyn Filesystem>> {
        self.ask(user, |homes, user| homes.open_home(user))
    }

    /// # Errors
    /// [`Internal`](ErrorKind::Internal) when the home does not answer, too.
    fn existing_home(&self, user: &EffectiveUser) -> Result<Option<Box<dyn Filesystem>>> {
        self.ask(user, |homes, user| homes.existing_home(user))
    }
}

impl Waiting {
    /// Gives up the thread of this question, unless it has ended.
    fn give_up(&self, user: &EffectiveUser, state: &Mutex<State>) {
        let mut threads = lock(&self.threads);
        let mut state = lock(state);
        if *state != State::Asked {
            return;
        }
        *state = State::GivenUp;
        let of_user = threads.entry(user.id).or_default();
        of_user.given_up += 1;
        if of_user.given_up == 1 {
            log::warn!(
                "the home directory {} of the user {:?} does not answer, and the user cannot log in until it does",
                user.home_dir.display(),
                user.username
            );
        }
        self.changed.notify_all();
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let mut threads = lock(&self.waiting.threads);
        let before = std::mem::replace(&mut *lock(&self.state), State::Ended);
        let Some(of_user) = threads.get_mut(&self.user.id) else {
            return;
        };
        of_user.all -= 1;
        if before == State::GivenUp {
            of_user.given_up -= 1;
            if of_user.given_up == 0 {
                log::info!(
                    "the home directory of the user {:?} answers again",
                    self.user.username
                );
            }
        }
        if of_user.all == 0 {
            threads.remove(&self.user.id);
        }
        self.waiting.changed.notify_all();
    }
}

fn no_answer(user: &EffectiveUser, what: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("{} {what}", user.home_dir.display()),
    )
}
