//! May a user do something, and which rule decides? The rules of login, permissions, names and quota answer here with the
//! same functions that a session enforces.
//!
//! The home is only looked at, for what those rules depend on: where a path leads, and what has the name that would be
//! written. What the disk would say to the operation itself is not told.

mod question;
mod requests;

use std::{sync::Arc, time::Duration};

pub use self::question::{Action, Question};
use self::requests::{Home, NeededRoom};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::FilesystemFactory,
    patience,
    quota::UsageManager,
    rule::Rule,
    session::UploadPolicy,
    user::{StoredUser, now_ms},
};

/// A home that has not answered a question by then does not answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Questions that are being answered at once, those included that nobody waits for any more.
const MOST_QUESTIONS: usize = 32;

/// Explains what stored users may do. Calls block, but not for a home that does not answer.
pub struct Explainer(Arc<Desk>);

struct Desk {
    homes: Arc<dyn FilesystemFactory>,
    quotas: Arc<UsageManager>,
    uploads: UploadPolicy,
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// May the user, as far as rules say?
    pub allowed: bool,
    /// The rule that decided: when allowed, [`Rule::Permission`] with all that were needed.
    pub rule: Rule,
    /// The reason, for a person.
    pub reason: String,
}

impl Explainer {
    /// Explains for users with homes from `homes` and usage in `quotas`, where uploads are stored as `uploads` says.
    pub fn new(
        homes: Arc<dyn FilesystemFactory>,
        quotas: Arc<UsageManager>,
        uploads: UploadPolicy,
    ) -> Self {
        Self(Arc::new(Desk {
            homes,
            quotas,
            uploads,
        }))
    }

    /// Says whether the rules let `user` do what `question` asks, as things stand now. Nothing is changed: a home that is
    /// not there yet is taken for the empty one that a login would make.
    ///
    /// # Errors
    /// A failure of the provider, which decides nothing; or the home does not answer.
    pub fn explain(&self, user: &StoredUser, question: &Question) -> Result<Verdict> {
        let no_answer = || Error::new(ErrorKind::Internal, "the home directory does not answer");
        // Each question that is being answered holds the desk.
        if Arc::strong_count(&self.0) > MOST_QUESTIONS {
            return Err(no_answer());
        }
        let (desk, user, question) = (Arc::clone(&self.0), user.clone(), question.clone());
        patience::run("explain", PATIENCE, move |_| desk.explain(&user, &question))?
            .unwrap_or_else(|| Err(no_answer()))
    }
}

impl Desk {
    fn explain(&self, user: &StoredUser, question: &Question) -> Result<Verdict> {
        if let Err(refused) = user.check_may_log_in(now_ms()) {
            return Verdict::refused(refused);
        }
        let user = user.effective();
        let home = match self.homes.existing_home(&user) {
            Ok(home) => Home::new(home, user.policy.clone(), self.uploads),
            Err(error) => return Ok(Verdict::without_home(&error)),
        };
        let decided = home.decide(question).and_then(|rule| {
            let needed = home.needed_room(question);
            match needed.filter(|_| self.quotas.tracking().covers(&user)) {
                Some(NeededRoom { taken, freed }) => {
                    let status = self.quotas.account(&user)?.status();
                    status.check(taken, freed).map(|()| rule)
                }
                None => Ok(rule),
            }
        });
        match decided {
            Ok(rule) => Ok(Verdict::allowed_by(rule)),
            Err(error) => Verdict::refused(error),
        }
    }
}

impl Verdict {
    fn allowed_by(rule: Rule) -> Self {
        let names = rule.permissions().names_on_wire().join(" and ");
        Self {
            allowed: true,
            rule,
            reason: format!("allowed by {names}"),
        }
    }

    /// # Errors
    /// The error itself, where it names no rule: then nothing was decided.
    fn refused(error: Error) -> Result<Self> {
        match error.rule() {
            Some(rule) => Ok(Self {
                allowed: false,
                rule,
                reason: error.to_string(),
            }),
            None => Err(error),
        }
    }

    fn without_home(error: &Error) -> Self {
        Self {
            allowed: false,
            rule: Rule::HomeUnusable,
            reason: format!("the home directory cannot be used: {error}"),
        }
    }
}
