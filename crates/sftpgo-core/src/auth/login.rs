//! The order of a login: user, status, expiry, credential, home, session.

use std::{fmt, sync::Arc, time::Instant};

use crate::{
    auth::refusal::RefusalTime,
    credential::{password::PasswordHash, public_key::AuthorizedKey},
    filesystem::{Filesystem, FilesystemFactory},
    provider::Provider,
    quota::{QuotaAccount, UsageManager},
    registry::{Connections, Login},
    user::{EffectiveUser, StoredUser, now_ms, rights},
};

/// Checks credentials against one provider. Calls block: verifying a password takes tens of milliseconds.
pub struct Authenticator {
    provider: Arc<dyn Provider>,
    homes: Arc<dyn FilesystemFactory>,
    connections: Arc<Connections>,
    quotas: Arc<UsageManager>,
    rehash_on_login: bool,
    refusal_time: Arc<RefusalTime>,
}

/// A login whose password is still to be verified.
pub struct PasswordLogin {
    found: Result<StoredUser, LoginFailure>,
    /// Nobody's where there is none, so that a check takes its time.
    hash: PasswordHash,
    /// Why the stored hash cannot be used.
    unusable: Option<LoginFailure>,
}

/// A login whose password was right.
pub struct VerifiedLogin {
    user: StoredUser,
    is_legacy: bool,
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

/// Why a login failed: for the operator's log, never for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginFailure(String);

impl fmt::Display for LoginFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl LoginFailure {
    /// A failure for `reason`.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl Authenticator {
    /// Logins of `provider`'s users into homes from `homes`.
    ///
    /// With `rehash_on_login` a hash that is not argon2id is replaced at the next successful password login.
    pub fn new(
        provider: Arc<dyn Provider>,
        homes: Arc<dyn FilesystemFactory>,
        connections: Arc<Connections>,
        quotas: Arc<UsageManager>,
        rehash_on_login: bool,
    ) -> Self {
        Self {
            provider,
            homes,
            connections,
            quotas,
            rehash_on_login,
            refusal_time: Arc::default(),
        }
    }

    /// The same with this time of refusals, which others tell of users.
    #[must_use]
    pub fn with_refusal_time(self, refusal_time: Arc<RefusalTime>) -> Self {
        Self {
            refusal_time,
            ..self
        }
    }

    /// The time that refused passwords take.
    pub fn refusal_time(&self) -> &RefusalTime {
        &self.refusal_time
    }

    /// Logs in with a password: looks for the user, verifies the password, and opens the home.
    ///
    /// # Errors
    /// The first condition that is not met; the work done for a wrong name and a wrong password is the same.
    pub fn with_password(&self, username: &str, sent: &[u8]) -> Result<LoggedIn, LoginFailure> {
        let verified = self.verify(self.begin_with_password(username), sent)?;
        self.admit_verified(verified, sent)
    }

    /// Looks for the user and the hash. Waits for the provider.
    pub fn begin_with_password(&self, username: &str) -> PasswordLogin {
        let found = self.find(username);
        let stored = found.as_ref().ok().and_then(|user| user.password.as_ref());
        let (hash, unusable) = match stored.map(|stored| PasswordHash::parse(stored)) {
            Some(Ok(hash)) => (hash, None),
            Some(Err(error)) => {
                let reason = format!("the stored hash cannot be used: {error}");
                (PasswordHash::of_nobody(), Some(LoginFailure(reason)))
            }
            None => (PasswordHash::of_nobody(), None),
        };
        self.refusal_time.saw(&hash);
        PasswordLogin {
            found,
            hash,
            unusable,
        }
    }

    /// Verifies the password, and waits for nothing but a processor.
    ///
    /// # Errors
    /// The first condition that is not met.
    pub fn verify(&self, login: PasswordLogin, sent: &[u8]) -> Result<VerifiedLogin, LoginFailure> {
        let started = Instant::now();
        let matches = login.hash.verify(sent);
        let expected = login.hash.expected_time();
        let ended = Instant::now();
        self.refusal_time.took(expected, ended - started, ended);
        if let Some(unusable) = login.unusable {
            return Err(unusable);
        }
        let user = login.found.and_then(check_conditions)?;
        if !matches {
            return Err(LoginFailure::new("wrong password"));
        }
        Ok(VerifiedLogin {
            user,
            is_legacy: login.hash.is_legacy(),
        })
    }

    /// Lets in a user whose password, `sent`, was right. Waits for the home and the provider.
    ///
    /// # Errors
    /// The first condition that is not met.
    pub fn admit_verified(
        &self,
        login: VerifiedLogin,
        sent: &[u8],
    ) -> Result<LoggedIn, LoginFailure> {
        let hash = login.user.password.clone();
        let logged_in = self.admit(login.user)?;
        if let Some(hash) = hash.filter(|_| login.is_legacy && self.rehash_on_login) {
            self.rehash(&logged_in.user, &hash, sent);
        }
        Ok(logged_in)
    }

    /// Does the user exist, may log in, and have this key? `blob` is the key as on the wire.
    pub fn accepts_key(&self, username: &str, blob: &[u8]) -> Result<(), LoginFailure> {
        self.find_with_key(username, blob).map(drop)
    }

    /// Logs in with a key whose signature the protocol has verified.
    ///
    /// # Errors
    /// The first condition that is not met.
    pub fn with_public_key(&self, username: &str, blob: &[u8]) -> Result<LoggedIn, LoginFailure> {
        self.find_with_key(username, blob)
            .and_then(|user| self.admit(user))
    }

    fn find(&self, username: &str) -> Result<StoredUser, LoginFailure> {
        match self.provider.user_by_name(username) {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(LoginFailure::new("no such user")),
            Err(error) => Err(LoginFailure::new(format!("the provider failed: {error}"))),
        }
    }

    fn find_again(&self, user: &StoredUser) -> Result<StoredUser, LoginFailure> {
        match self.provider.user_by_id(user.id) {
            Ok(Some(user)) => check_conditions(user),
            Ok(None) => Err(LoginFailure::new("the user was deleted meanwhile")),
            Err(error) => Err(LoginFailure::new(format!("the provider failed: {error}"))),
        }
    }

    fn find_with_key(&self, username: &str, blob: &[u8]) -> Result<StoredUser, LoginFailure> {
        let user = check_conditions(self.find(username)?)?;
        if has_key(&user, blob) {
            Ok(user)
        } else {
            Err(LoginFailure::new("unknown public key"))
        }
    }

    /// A password that was changed meanwhile stays as it is.
    fn rehash(&self, user: &EffectiveUser, old: &str, sent: &[u8]) {
        let stored = PasswordHash::rehash(sent, old)
            .and_then(|new| self.provider.replace_password_hash(user.id, old, &new));
        if let Err(error) = stored {
            log::warn!(
                "the password hash of user {:?} could not be replaced by a current one and stays as it is: {error}",
                user.username
            );
        }
    }

    /// Lets a user in whose credential was good.
    ///
    /// The home is that of the user as found first. A change of the user closes the sessions that there are, or it comes
    /// before this one is taken: then it is seen when the user is read again, and the login fails.
    fn admit(&self, user: StoredUser) -> Result<LoggedIn, LoginFailure> {
        let filesystem = self.homes.open_home(&user.effective()).map_err(|error| {
            LoginFailure::new(format!("the home directory cannot be used: {error}"))
        })?;
        let login = self
            .connections
            .log_in(&user)
            .map_err(|error| LoginFailure::new(error.to_string()))?;
        let before = user;
        let user = self.find_again(&before)?;
        if let Some(field) = rights::changed(&before, &user) {
            return Err(LoginFailure(format!("{field} was changed meanwhile")));
        }
        let effective = user.effective();
        let quota = self
            .quotas
            .account(&effective)
            .map_err(|error| LoginFailure::new(format!("the provider failed: {error}")))?;
        if let Err(error) = self.provider.record_login(user.id, now_ms()) {
            log::warn!(
                "the time of the login of user {:?} could not be stored: {error}",
                user.username
            );
        }
        Ok(LoggedIn {
            user: Arc::new(effective),
            filesystem: Arc::from(filesystem),
            quota,
            login,
        })
    }
}

fn has_key(user: &StoredUser, blob: &[u8]) -> bool {
    user.public_keys
        .iter()
        .filter_map(|line| AuthorizedKey::parse(line).ok())
        .any(|key| key.blob() == blob)
}

fn check_conditions(user: StoredUser) -> Result<StoredUser, LoginFailure> {
    match user.check_may_log_in(now_ms()) {
        Ok(()) => Ok(user),
        Err(refused) => Err(LoginFailure::new(refused.to_string())),
    }
}
