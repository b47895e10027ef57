//! May a user do something, and which rule decides? Answered by trying it in a [`Session`] whose home and quota
//! only pretend to change, so that the code that answers is the code that enforces.

mod attempt;
mod ledger;
mod question;
mod rehearsal;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

pub use self::question::{Action, Question};
use self::{attempt::attempt, ledger::Scratch, rehearsal::Rehearsal};
use crate::{
    auth::LoggedIn,
    error::{Error, ErrorKind, Result},
    event::{Events, Protocol},
    filesystem::{Filesystem, Homes},
    patience,
    permission::Permissions,
    quota::QuotaBook,
    registry::Connections,
    rule::Rule,
    session::{Session, UploadPolicy},
    user::{User, now_ms},
};

/// A home that has not answered a question by then does not answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Questions that are being answered at once, those included that nobody waits for any more.
const MOST_QUESTIONS: usize = 32;

/// Explains what stored users may do. Calls block, but not for a home that does not answer.
pub struct Explainer(Arc<Desk>);

struct Desk {
    homes: Arc<dyn Homes>,
    quotas: Arc<QuotaBook>,
    uploads: UploadPolicy,
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// May the user?
    pub allowed: bool,
    /// What decided: when allowed, [`Rule::Permission`] with all that were needed.
    pub rule: Rule,
    /// For a person; when refused, the words that the client or the log would get.
    pub reason: String,
}

impl Explainer {
    /// Answers for users with homes from `homes` and usage in `quotas`, where uploads are stored as `uploads` says.
    pub fn new(homes: Arc<dyn Homes>, quotas: Arc<QuotaBook>, uploads: UploadPolicy) -> Self {
        Self(Arc::new(Desk {
            homes,
            quotas,
            uploads,
        }))
    }

    /// Whether `user` may do what `question` asks, as things stand now. Nothing is changed: a home that is not
    /// there yet is taken for the empty one that a login would make.
    ///
    /// # Errors
    /// A failure of the provider or the storage, which decides nothing; or the home does not answer.
    pub fn explain(&self, user: &User, question: &Question) -> Result<Verdict> {
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
    fn explain(&self, user: &User, question: &Question) -> Result<Verdict> {
        if let Err(refused) = user.check_may_log_in(now_ms()) {
            return Ok(Verdict::refused(&refused));
        }
        let home = match self.homes.existing_home(user) {
            Ok(home) => home.map(Arc::from),
            Err(error) => return Ok(Verdict::without_home(&error)),
        };
        match self.rehearse(user, home.clone(), user.permissions, question) {
            Ok(()) => Ok(Verdict::allowed_by(self.needed(
                user,
                home.as_ref(),
                question,
            ))),
            Err(failed)
                if matches!(failed.kind(), ErrorKind::Internal | ErrorKind::Unavailable) =>
            {
                Err(failed)
            }
            Err(refused) => Ok(Verdict::refused(&refused)),
        }
    }

    /// The permissions without which the answer would be no: those that a user with none would be asked for in turn.
    fn needed(
        &self,
        user: &User,
        home: Option<&Arc<dyn Filesystem>>,
        question: &Question,
    ) -> Permissions {
        let mut needed = Permissions::empty();
        loop {
            let missing = self
                .rehearse(user, home.cloned(), needed, question)
                .map_or_else(|refused| refused.rule().permissions(), |()| needed);
            if needed.contains(missing) {
                return needed;
            }
            needed |= missing;
        }
    }

    /// Tries it with these permissions, in a session that nobody sees.
    fn rehearse(
        &self,
        user: &User,
        home: Option<Arc<dyn Filesystem>>,
        permissions: Permissions,
        question: &Question,
    ) -> Result<()> {
        let user = User {
            permissions,
            ..user.clone()
        };
        let logged_in = LoggedIn {
            filesystem: Arc::new(Rehearsal::of(home)),
            quota: Scratch::account(&self.quotas, &user)?,
            login: Connections::new(Events::default()).log_in(&user)?,
            user: Arc::new(user),
        };
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let connection =
            logged_in
                .login
                .start(&logged_in.user.username, Protocol::Sftp, nowhere, "");
        let uploads = UploadPolicy {
            sync: false,
            ..self.uploads
        };
        let session = Session::new(&logged_in, connection, Events::default(), uploads);
        attempt(&session, question)
    }
}

impl Verdict {
    fn allowed_by(permissions: Permissions) -> Self {
        Self {
            allowed: true,
            rule: Rule::Permission(permissions),
            reason: format!("allowed by {}", permissions.names_on_wire().join(" and ")),
        }
    }

    fn refused(refusal: &Error) -> Self {
        Self {
            allowed: false,
            rule: refusal.rule(),
            reason: refusal.to_string(),
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
