//! Logging in by any protocol: which checks run where, and how long a refusal takes.

mod telling;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Authenticator, LoggedIn, LoginFailure, LoginFault, LoginSteps, Question, SentName,
    login::{KeyLogin, VerifiedLogin},
    steps::{self, Asked, Going, Needed, Step},
};
use crate::{
    credential::{public_key::KeyOptions, second_factor::WrongCodes},
    defender::Defender,
    error::Result,
    event::{ConnectionProtocol, Events, LoginMethod},
    fair_pool::{Aside, Asker, Bell, FairPool, NotDone, half_of_the_cores},
    user::LoginMethods,
};

/// A key that logs its user in once the client has proved to have it.
pub struct AcceptedKey(KeyLogin);

impl AcceptedKey {
    /// What the proof has to be like.
    pub fn options(&self) -> KeyOptions {
        self.0.options()
    }
}

/// What a request to log in comes to.
pub enum LoginOutcome {
    /// The user is in.
    LoggedIn(Box<LoggedIn>),
    /// The credential was good, and one of these is needed besides.
    Left(LoginMethods),
    /// The answer was good, and this is to be asked besides.
    Ask(Question),
    /// It was refused, or the connection has to close.
    Refused,
}

impl From<Needed> for LoginOutcome {
    fn from(needed: Needed) -> Self {
        match needed {
            Needed::Method(left) => Self::Left(left),
            Needed::Answer(question) => Self::Ask(question),
        }
    }
}

impl LoginOutcome {
    /// The user, where the login is over.
    pub fn logged_in(self) -> Option<LoggedIn> {
        match self {
            Self::LoggedIn(logged_in) => Some(*logged_in),
            _ => None,
        }
    }
}

/// How many passwords are verified, and wait to be.
#[derive(Debug, Clone)]
pub struct PasswordLimits {
    /// Logins that verify a password at the same time; the others wait their turn.
    pub checks: usize,
    /// Logins that wait for that; above it the login of who has most in the line fails.
    pub queued: usize,
}

impl Default for PasswordLimits {
    fn default() -> Self {
        Self {
            checks: half_of_the_cores(),
            queued: 512,
        }
    }
}

/// The logins of a process, by whatever protocol. Passwords are verified by a few threads, before which sources and names
/// take turns; refusals are told to the same observers, who count them.
pub struct Logins {
    authenticator: Arc<Authenticator>,
    events: Events,
    passwords: FairPool,
    aside: Aside,
    defender: Option<Arc<Defender>>,
    wrong_codes: WrongCodes,
}

impl Logins {
    /// Logins by `authenticator`, told to `events`.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn new(
        authenticator: Arc<Authenticator>,
        events: Events,
        limits: PasswordLimits,
    ) -> Result<Self> {
        let passwords = FairPool::start("password", limits.checks.max(1), limits.queued)?;
        Ok(Self {
            authenticator,
            events,
            passwords,
            aside: Aside::default(),
            defender: None,
            wrong_codes: WrongCodes::default(),
        })
    }

    /// The same with failures counted by `defender`.
    #[must_use]
    pub fn with_defender(self, defender: Option<Arc<Defender>>) -> Self {
        Self { defender, ..self }
    }

    /// Takes a password when its turn to be verified comes. A refusal takes its time, unless the connection has to close.
    pub fn with_password(
        &self,
        steps: &mut LoginSteps,
        user: &SentName<'_>,
        password: &[u8],
        remote: SocketAddr,
        bell: &Arc<Bell>,
    ) -> LoginOutcome {
        let taken = self.take_password(steps, Step::Password, user, password, (remote, bell));
        over(steps, taken)
    }

    /// Takes the answer to the question that was asked last: a password, as [`Logins::with_password`] does, or a code of the
    /// second factor.
    pub fn with_answer(
        &self,
        steps: &mut LoginSteps,
        user: &SentName<'_>,
        answer: &[u8],
        remote: SocketAddr,
        bell: &Arc<Bell>,
    ) -> LoginOutcome {
        let taken = match steps.asked.take() {
            None => None,
            Some(Asked::Password) => {
                self.take_password(steps, Step::Answer, user, answer, (remote, bell))
            }
            Some(Asked::Code(verified)) => {
                let method = method_of(steps.before(), Step::Answer);
                if steps.may_answer() {
                    self.take_code(*verified, method, user, answer, (remote, bell))
                } else {
                    Some(self.refuse(user, method, remote, steps::not_left().into()))
                }
            }
        };
        over(steps, taken)
    }

    /// None is a connection that has to close.
    fn take_password(
        &self,
        steps: &mut LoginSteps,
        step: Step,
        user: &SentName<'_>,
        password: &[u8],
        (remote, bell): (SocketAddr, &Arc<Bell>),
    ) -> Option<LoginOutcome> {
        let method = method_of(steps.before(), step);
        let asked = Instant::now();
        let claim = user.claim(remote);
        let sent = password.to_vec();
        let login = self.aside(bell, move |authenticator| {
            Ok(authenticator.begin_with_password(&claim.as_claim(), &sent))
        })?;
        let login = match login {
            Ok(login) => login,
            Err(failure) => return Some(self.refuse(user, method, remote, failure)),
        };
        let (verified, waited) = if login.is_dear() {
            let authenticator = Arc::clone(&self.authenticator);
            let check = move || authenticator.verify(login);
            let (done, waited) = self.in_turn(user, remote, bell, check)?;
            (done.and_then(|verified| verified), waited)
        } else {
            (self.authenticator.verify(login), Duration::ZERO)
        };
        let outcome = verified.and_then(|verified| steps.go_on(step, verified));
        let outcome = match outcome {
            Ok(Going::In(verified)) => self.admit(*verified, bell)?,
            Ok(Going::On(needed)) => return Some(needed.into()),
            Err(failure) => Err(failure),
        };
        let outcome = self.tell(user, method, remote, outcome);
        if outcome.is_none() {
            bell.sleep_until(self.refused_at(asked, waited));
        }
        Some(logged_in(outcome))
    }

    /// None is a connection that has to close.
    fn take_code(
        &self,
        verified: VerifiedLogin,
        method: LoginMethod,
        user: &SentName<'_>,
        code: &[u8],
        (remote, bell): (SocketAddr, &Arc<Bell>),
    ) -> Option<LoginOutcome> {
        let asked = Instant::now();
        let name = verified.username().to_owned();
        let outcome = if self.wrong_codes.take_try(&name) {
            let code = code.to_vec();
            let check =
                move |authenticator: &Authenticator| authenticator.check_code(verified, &code);
            let checked = self.aside(bell, check);
            match &checked {
                Some(Ok(_)) => self.wrong_codes.forget(&name),
                Some(Err(failure)) if failure.fault() != LoginFault::Server => {}
                Some(Err(_)) | None => self.wrong_codes.give_back(&name),
            }
            match checked? {
                Ok(verified) => self.admit(verified, bell)?,
                Err(failure) => Err(failure),
            }
        } else {
            Err(LoginFailure::too_many_wrong_codes())
        };
        let outcome = self.tell(user, method, remote, outcome);
        if outcome.is_none() {
            bell.sleep_until(self.refused_at(asked, Duration::ZERO));
        }
        Some(logged_in(outcome))
    }

    fn admit(
        &self,
        verified: VerifiedLogin,
        bell: &Arc<Bell>,
    ) -> Option<Result<LoggedIn, LoginFailure>> {
        self.aside(bell, |authenticator| authenticator.admit(verified))
    }

    fn refuse(
        &self,
        user: &SentName<'_>,
        method: LoginMethod,
        remote: SocketAddr,
        failure: LoginFailure,
    ) -> LoginOutcome {
        logged_in(self.tell(user, method, remote, Err(failure)))
    }

    /// May this key log this user in, if the client has its private half? Told as a failed login when not.
    ///
    /// # Errors
    /// Whose fault it is that it may not.
    pub fn accepts_key(
        &self,
        user: &SentName<'_>,
        blob: &[u8],
        remote: SocketAddr,
        bell: &Arc<Bell>,
    ) -> Result<AcceptedKey, LoginFault> {
        let (claim, blob) = (user.claim(remote), blob.to_vec());
        let accepted = self.aside(bell, move |authenticator| {
            authenticator.accepts_key(&claim.as_claim(), &blob)
        });
        self.accepted(user, remote, accepted)
    }

    /// May a certificate that names this user log it in, if the client has the private half of its key? Told as a failed
    /// login when not.
    ///
    /// # Errors
    /// Whose fault it is that it may not.
    pub fn accepts_certificate(
        &self,
        user: &SentName<'_>,
        options: KeyOptions,
        remote: SocketAddr,
        bell: &Arc<Bell>,
    ) -> Result<AcceptedKey, LoginFault> {
        let claim = user.claim(remote);
        let accepted = self.aside(bell, move |authenticator| {
            authenticator.accepts_certificate(&claim.as_claim(), options)
        });
        self.accepted(user, remote, accepted)
    }

    /// That a key is accepted is no login yet, and nobody is told. None is a connection that has to close.
    fn accepted(
        &self,
        user: &SentName<'_>,
        remote: SocketAddr,
        accepted: Option<Result<KeyLogin, LoginFailure>>,
    ) -> Result<AcceptedKey, LoginFault> {
        match accepted.ok_or(LoginFault::Server)? {
            Ok(accepted) => Ok(AcceptedKey(accepted)),
            Err(failure) => {
                let fault = failure.fault();
                self.tell::<()>(user, LoginMethod::PublicKey, remote, Err(failure));
                Err(fault)
            }
        }
    }

    /// Takes a key whose signature was verified.
    pub fn with_public_key(
        &self,
        steps: &mut LoginSteps,
        user: &SentName<'_>,
        key: AcceptedKey,
        remote: SocketAddr,
        bell: &Arc<Bell>,
    ) -> LoginOutcome {
        let outcome = match steps.go_on(Step::PublicKey, key.0.proved()) {
            Ok(Going::In(verified)) => match self.admit(*verified, bell) {
                Some(outcome) => outcome,
                None => return LoginOutcome::Refused,
            },
            Ok(Going::On(needed)) => return needed.into(),
            Err(failure) => Err(failure),
        };
        let outcome = self.tell(user, LoginMethod::PublicKey, remote, outcome);
        over(steps, Some(logged_in(outcome)))
    }

    /// Verifies something that is as dear as a password when its turn comes, and tells how long it waited for that; nothing
    /// where the connection has to close.
    pub(crate) fn in_turn<T: Send + 'static>(
        &self,
        user: &SentName<'_>,
        remote: SocketAddr,
        bell: &Arc<Bell>,
        check: impl FnOnce() -> T + Send + 'static,
    ) -> Option<(Result<T, LoginFailure>, Duration)> {
        let queued = Instant::now();
        let asker = Asker::new(remote.ip(), user.shown());
        Some(match self.passwords.run(asker, bell, check) {
            Ok((done, began)) => (Ok(done), began.saturating_duration_since(queued)),
            Err(not_done) => (Err(failure_of(&not_done)?), queued.elapsed()),
        })
    }

    /// Returns when to answer the refusal of a request that came at `asked` and waited for its turn: what was checked then, and
    /// how long that took, makes no difference.
    pub(crate) fn refused_at(&self, asked: Instant, waited: Duration) -> Instant {
        asked + waited + self.authenticator.refusal_time().get()
    }

    /// Was the address banned since it connected?
    pub fn is_banned(&self, remote: SocketAddr) -> bool {
        self.ban_of(remote, ConnectionProtocol::Ssh)()
    }

    /// Says at any later time whether the address is banned by then: who waits for a turn may be.
    pub(crate) fn ban_of(
        &self,
        remote: SocketAddr,
        protocol: ConnectionProtocol,
    ) -> impl Fn() -> bool + Send + use<> {
        let defender = self.defender.clone();
        move || {
            let bans = |defender: &Arc<Defender>| defender.is_banned(remote.ip(), protocol);
            defender.as_ref().is_some_and(bans)
        }
    }

    /// Does what may have to wait for somebody else, on another thread where that may take long; none where the connection
    /// has to close meanwhile.
    fn aside<T: Send + 'static>(
        &self,
        bell: &Arc<Bell>,
        work: impl FnOnce(&Authenticator) -> Result<T, LoginFailure> + Send + 'static,
    ) -> Option<Result<T, LoginFailure>> {
        if !self.authenticator.may_take_long() {
            return Some(work(&self.authenticator));
        }
        let authenticator = Arc::clone(&self.authenticator);
        match self.aside.run("login", bell, move || work(&authenticator)) {
            Ok(done) => Some(done),
            Err(NotDone::Closing) => None,
            Err(_) => Some(Err(LoginFailure::of_server(
                "the login could not be checked",
            ))),
        }
    }
}

/// Returns what a request came to, none being a connection that has to close.
fn over(steps: &mut LoginSteps, taken: Option<LoginOutcome>) -> LoginOutcome {
    if let Some(LoginOutcome::LoggedIn(_)) = taken {
        steps.forget();
    }
    taken.unwrap_or(LoginOutcome::Refused)
}

fn logged_in(outcome: Option<LoggedIn>) -> LoginOutcome {
    outcome.map_or(LoginOutcome::Refused, |logged_in| {
        LoginOutcome::LoggedIn(Box::new(logged_in))
    })
}

/// The method as the operator hears of it: that of both steps.
fn method_of(before: Option<Step>, step: Step) -> LoginMethod {
    match (before, step) {
        (_, Step::PublicKey) => LoginMethod::PublicKey,
        (Some(Step::PublicKey), Step::Password) => LoginMethod::PublicKeyAndPassword,
        (Some(Step::PublicKey), Step::Answer) => LoginMethod::PublicKeyAndKeyboardInteractive,
        _ => LoginMethod::Password,
    }
}

/// Returns what the operator hears; none where the connection has to close.
fn failure_of(not_done: &NotDone) -> Option<LoginFailure> {
    let reason = match not_done {
        NotDone::Full => {
            "the password was not verified, because too many others wait to be verified"
        }
        NotDone::Panicked => "the password could not be verified",
        NotDone::Closing => return None,
    };
    Some(LoginFailure::of_server(reason))
}
