//! The order of a login: user, status, expiry, credential, home, session.

use std::{sync::Arc, time::Instant};

use super::{
    backend::{Candidate, Claim, CredentialBackend, KeyCandidate, LoginFailure, PasswordCheck},
    refusal::RefusalTime,
    steps::{self, Next, Step},
};
use crate::{
    credential::{
        password::{MAX_PASSWORD_LEN, PasswordHash},
        public_key::KeyOptions,
    },
    filesystem::{Filesystem, FilesystemFactory},
    quota::{QuotaAccount, UsageManager},
    registry::{Connections, Login},
    user::{EffectiveUser, LoginMethods, UserFilters, now_ms, rights},
};

/// Lets users in whose credentials a backend finds good. Calls block: verifying a password takes tens of milliseconds.
pub struct Authenticator {
    backend: Arc<dyn CredentialBackend>,
    homes: Arc<dyn FilesystemFactory>,
    connections: Arc<Connections>,
    quotas: Arc<UsageManager>,
    refusal_time: Arc<RefusalTime>,
}

/// A login whose password is still to be verified.
pub struct PasswordLogin {
    found: Result<Candidate, LoginFailure>,
    /// The hash to compare with; nobody's where the login is refused already, so that a check takes its time; none where
    /// nothing is compared.
    hash: Option<PasswordHash>,
    password: Vec<u8>,
}

impl PasswordLogin {
    /// Does verifying it take a processor's time?
    pub fn is_dear(&self) -> bool {
        self.hash.is_some()
    }
}

/// A login whose credential was good.
#[derive(Clone)]
pub struct VerifiedLogin {
    candidate: Candidate,
    /// The password that fitted a hash.
    compared: Option<Vec<u8>>,
}

impl VerifiedLogin {
    pub(super) fn username(&self) -> &str {
        &self.candidate.stored.username
    }

    pub(super) fn filters(&self) -> &UserFilters {
        &self.candidate.stored.filters
    }

    /// Checks that the user, who took an earlier step as `before`, was not changed in between.
    ///
    /// # Errors
    /// It is another user by now, or as strict as it was no more.
    pub(super) fn check_same_user(&self, before: &Self) -> Result<(), LoginFailure> {
        let (before, now) = (&before.candidate, &self.candidate);
        if before.stored.id != now.stored.id {
            return Err(LoginFailure::of_server("the user was deleted meanwhile"));
        }
        check_unchanged(before, now)
    }
}

/// A login with a key that the client has not proved to have yet.
pub struct KeyLogin {
    candidate: Candidate,
    options: KeyOptions,
}

impl KeyLogin {
    fn of(candidate: Candidate, options: KeyOptions) -> Result<Self, LoginFailure> {
        let candidate = check_conditions(candidate)?;
        let filters = &candidate.stored.filters;
        // What the protocol offers for a second step is asked when the key is proved.
        match steps::after(filters, LoginMethods::OF_SSH, None, Step::PublicKey) {
            Next::Refused(reason) => Err(reason.into()),
            _ => Ok(Self { candidate, options }),
        }
    }

    /// What the proof has to be like.
    pub fn options(&self) -> KeyOptions {
        self.options
    }

    /// The client has proved it.
    pub fn proved(self) -> VerifiedLogin {
        VerifiedLogin {
            candidate: self.candidate,
            compared: None,
        }
    }
}

/// A user who is in.
pub struct LoggedIn {
    /// The effective user that the session enforces, as at login.
    pub user: Arc<EffectiveUser>,
    /// The user's files.
    pub filesystem: Arc<dyn Filesystem>,
    /// Shared by the user's sessions.
    pub quota: Arc<QuotaAccount>,
    /// The session taken; drop it to give it back.
    pub login: Login,
}

impl Authenticator {
    /// Logins of users whom `backend` knows, into homes from `homes`.
    pub fn new(
        backend: Arc<dyn CredentialBackend>,
        homes: Arc<dyn FilesystemFactory>,
        connections: Arc<Connections>,
        quotas: Arc<UsageManager>,
    ) -> Self {
        Self {
            backend,
            homes,
            connections,
            quotas,
            refusal_time: Arc::default(),
        }
    }

    /// Takes this time of refusals, which others tell of users.
    #[must_use]
    pub fn with_refusal_time(self, refusal_time: Arc<RefusalTime>) -> Self {
        Self {
            refusal_time,
            ..self
        }
    }

    /// Does a login wait for anything that may hang or take long?
    pub fn may_take_long(&self) -> bool {
        self.backend.may_take_long()
    }

    /// The time that refused passwords take.
    pub fn refusal_time(&self) -> &RefusalTime {
        &self.refusal_time
    }

    /// Logs in with a password alone: asks the backend, verifies the password, and opens the home.
    ///
    /// # Errors
    /// The first condition that is not met, or another step is needed; the work done for a wrong name and a wrong password is the same.
    pub fn with_password(&self, username: &str, sent: &[u8]) -> Result<LoggedIn, LoginFailure> {
        let login = self.begin_with_password(&without_address(username), sent);
        self.admit_alone(self.verify(login)?, Step::Password)
    }

    /// Lets in a user who takes no other step.
    fn admit_alone(&self, verified: VerifiedLogin, step: Step) -> Result<LoggedIn, LoginFailure> {
        match steps::after(verified.filters(), LoginMethods::OF_SSH, None, step) {
            Next::In => self.admit(verified),
            Next::Refused(reason) => Err(reason.into()),
            Next::Left(_) | Next::Code => Err("another step of the login is needed".into()),
        }
    }

    /// Checks a code of the second factor, and uses it up.
    ///
    /// # Errors
    /// Why it does not pass.
    pub(super) fn check_code(
        &self,
        verified: VerifiedLogin,
        code: &[u8],
    ) -> Result<VerifiedLogin, LoginFailure> {
        let code = str::from_utf8(code).map_err(|_| "wrong code of the second factor")?;
        self.backend.check_code(&verified.candidate, code)?;
        Ok(verified)
    }

    /// Asks the backend. Waits for what that waits for.
    pub fn begin_with_password(&self, claim: &Claim<'_>, sent: &[u8]) -> PasswordLogin {
        // What is too long stays so, and does not fill the memory while it waits.
        let sent = sent.get(..=MAX_PASSWORD_LEN).unwrap_or(sent);
        let (found, hash, instead) = match self.backend.check_password(claim, sent) {
            PasswordCheck::Accepted(candidate) => (Ok(*candidate), None, None),
            PasswordCheck::Compare(comparison) => (
                Ok(comparison.candidate),
                Some(comparison.hash),
                comparison.instead,
            ),
            PasswordCheck::Refused(failure) => {
                (Err(failure), Some(PasswordHash::of_nobody()), None)
            }
        };
        if let Some(hash) = &hash {
            self.refusal_time.saw(hash);
        }
        PasswordLogin {
            found,
            hash,
            password: instead.unwrap_or_else(|| sent.to_vec()),
        }
    }

    /// Verifies the password, and waits for nothing but a processor.
    ///
    /// # Errors
    /// The first condition that is not met.
    pub fn verify(&self, login: PasswordLogin) -> Result<VerifiedLogin, LoginFailure> {
        let matches = login.hash.map(|hash| self.compare(&hash, &login.password));
        let candidate = login.found.and_then(check_conditions)?;
        if matches == Some(false) {
            return Err(LoginFailure::new("wrong password"));
        }
        Ok(VerifiedLogin {
            candidate,
            compared: matches.map(|_| login.password),
        })
    }

    fn compare(&self, hash: &PasswordHash, password: &[u8]) -> bool {
        let started = Instant::now();
        let matches = hash.verify(password);
        let ended = Instant::now();
        self.refusal_time
            .took(hash.expected_time(), ended - started, ended);
        matches
    }

    /// May the client log in with this key, once it has proved to have it? `blob` is the key as on the wire.
    ///
    /// # Errors
    /// The first condition that is not met.
    pub fn accepts_key(&self, claim: &Claim<'_>, blob: &[u8]) -> Result<KeyLogin, LoginFailure> {
        let KeyCandidate { candidate, options } = self.backend.check_public_key(claim, blob)?;
        KeyLogin::of(candidate, options)
    }

    /// May the client log in with a certificate that names the user, once it has proved to have its key, as `options` want
    /// it?
    ///
    /// # Errors
    /// The first condition that is not met.
    pub fn accepts_certificate(
        &self,
        claim: &Claim<'_>,
        options: KeyOptions,
    ) -> Result<KeyLogin, LoginFailure> {
        KeyLogin::of(self.backend.check_certificate(claim)?, options)
    }

    /// Logs in with nothing but a key that the client has proved to have.
    ///
    /// # Errors
    /// The first condition that is not met, or another step is needed.
    pub fn with_public_key(&self, username: &str, blob: &[u8]) -> Result<LoggedIn, LoginFailure> {
        let accepted = self.accepts_key(&without_address(username), blob)?;
        self.admit_alone(accepted.proved(), Step::PublicKey)
    }

    /// Lets in a user whose credential was good. Waits for the home and the backend.
    ///
    /// The home is that of the user as found first. A change of the user closes the sessions that there are, or it comes
    /// before this one is taken: then it is seen when the backend is asked again, and the login fails.
    ///
    /// # Errors
    /// The first condition that is not met.
    pub fn admit(&self, verified: VerifiedLogin) -> Result<LoggedIn, LoginFailure> {
        let before = verified.candidate;
        let filesystem = self.homes.open_home(&before.effective).map_err(|error| {
            LoginFailure::of_server(format!("the home directory cannot be used: {error}"))
        })?;
        let login = self
            .connections
            .log_in(&before.stored, &before.effective)
            .map_err(|error| LoginFailure::of_server(error.to_string()))?;
        let user = check_conditions(self.backend.current(&before)?)?;
        check_unchanged(&before, &user)?;
        let quota = self
            .quotas
            .account(&user.effective)
            .map_err(|error| LoginFailure::of_server(format!("the provider failed: {error}")))?;
        self.backend.logged_in(&user, verified.compared.as_deref());
        Ok(LoggedIn {
            user: Arc::new(user.effective),
            filesystem: Arc::from(filesystem),
            quota,
            login,
        })
    }
}

fn without_address(username: &str) -> Claim<'_> {
    Claim {
        username,
        remote: None,
    }
}

fn check_conditions(candidate: Candidate) -> Result<Candidate, LoginFailure> {
    match candidate.stored.check_may_log_in(now_ms()) {
        Ok(()) => Ok(candidate),
        Err(refused) => Err(LoginFailure::new(refused.to_string())),
    }
}

fn check_unchanged(before: &Candidate, now: &Candidate) -> Result<(), LoginFailure> {
    let changed = changed(before, now);
    changed.map_or(Ok(()), |field| {
        let reason = format!("{field} was changed meanwhile");
        Err(LoginFailure::of_server(reason))
    })
}

/// Returns the field that has changed since the user was found and that a session cannot begin with then, by its name on
/// the wire.
fn changed(before: &Candidate, now: &Candidate) -> Option<&'static str> {
    let home = |user: &Candidate| {
        let user = &user.effective;
        (user.home_dir.clone(), user.uid, user.gid)
    };
    rights::changed(&before.stored, &now.stored)
        .or_else(|| (home(before) != home(now)).then_some("home_dir"))
}
