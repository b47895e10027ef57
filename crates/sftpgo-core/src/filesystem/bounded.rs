//! Homes that answer in time or not at all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Filesystem, Homes};
use crate::{
    error::{Error, ErrorKind, Result},
    patience,
    user::{User, UserId},
};

/// A home that has not answered by then does not answer: a disk that has to start, and a server of files that is busy,
/// answer within seconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Threads that wait for one user's home without anybody waiting for them.
const MOST_OVERDUE: usize = 2;

/// Other homes, each asked in a thread of its own: one whose file system has gone fails the logins of its user after ten
/// seconds, and holds nothing but a thread or two.
pub struct BoundedHomes {
    homes: Arc<dyn Homes>,
    patience: Duration,
    overdue: Arc<Overdue>,
}

/// For whose homes threads still wait that were given up.
#[derive(Default)]
struct Overdue(Mutex<HashMap<UserId, usize>>);

/// What has become of a question.
#[derive(PartialEq, Eq)]
enum Question {
    Asked,
    GivenUp,
    Answered,
}

impl BoundedHomes {
    /// The same homes, each given up after ten seconds.
    pub fn new(homes: Arc<dyn Homes>) -> Self {
        Self::with_patience(homes, PATIENCE)
    }

    /// The same homes, each given up after `patience`.
    pub fn with_patience(homes: Arc<dyn Homes>, patience: Duration) -> Self {
        Self {
            homes,
            patience,
            overdue: Arc::default(),
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        user: &User,
        ask: fn(&dyn Homes, &User) -> Result<T>,
    ) -> Result<T> {
        if self.overdue.of(user.id) >= MOST_OVERDUE {
            return Err(no_answer(user, "still does not answer"));
        }
        let question = Arc::new(Mutex::new(Question::Asked));
        let (homes, asked_by) = (Arc::clone(&self.homes), user.clone());
        let (overdue, of_thread) = (Arc::clone(&self.overdue), Arc::clone(&question));
        let answer = patience::run("home", self.patience, move |_| {
            let answer = ask(homes.as_ref(), &asked_by);
            let mut question = lock(&of_thread);
            if *question == Question::GivenUp {
                overdue.answered(&asked_by);
            }
            *question = Question::Answered;
            answer
        })?;
        if let Some(answer) = answer {
            return answer;
        }
        let mut question = lock(&question);
        if *question == Question::Asked {
            *question = Question::GivenUp;
            self.overdue.given_up(user);
        }
        let seconds = self.patience.as_secs_f32();
        Err(no_answer(
            user,
            &format!("has not answered for {seconds} seconds"),
        ))
    }
}

impl Homes for BoundedHomes {
    /// # Errors
    /// [`Internal`](ErrorKind::Internal) when the home does not answer, too.
    fn open_home(&self, user: &User) -> Result<Box<dyn Filesystem>> {
        self.ask(user, |homes, user| homes.open_home(user))
    }

    /// # Errors
    /// [`Internal`](ErrorKind::Internal) when the home does not answer, too.
    fn existing_home(&self, user: &User) -> Result<Option<Box<dyn Filesystem>>> {
        self.ask(user, |homes, user| homes.existing_home(user))
    }
}

impl Overdue {
    fn of(&self, user: UserId) -> usize {
        lock(&self.0).get(&user).copied().unwrap_or(0)
    }

    fn given_up(&self, user: &User) {
        let mut overdue = lock(&self.0);
        let count = overdue.entry(user.id).or_default();
        *count += 1;
        if *count == 1 {
            log::warn!(
                "the home directory {} of the user {:?} does not answer, and the user cannot log in until it does",
                user.home_dir.display(),
                user.username
            );
        }
    }

    fn answered(&self, user: &User) {
        let mut overdue = lock(&self.0);
        if let Some(count) = overdue.get_mut(&user.id) {
            *count -= 1;
            if *count == 0 {
                overdue.remove(&user.id);
                log::info!(
                    "the home directory of the user {:?} answers again",
                    user.username
                );
            }
        }
    }
}

fn no_answer(user: &User, what: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("{} {what}", user.home_dir.display()),
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
