//! Credentials as the provider keeps them.

use std::sync::Arc;

use super::backend::{
    Candidate, Claim, Comparison, CredentialBackend, KeyCandidate, LoginFailure, PasswordCheck,
};
use crate::{
    credential::{
        password::PasswordHash,
        public_key::AuthorizedKey,
        second_factor::{Passed, TotpConfig, pass},
    },
    error::{Error, Result as StoreResult},
    provider::Provider,
    user::{StoredUser, now_ms},
};

/// The use of a code is stored again so often when others store another one at the same time.
const TRIES: usize = 10;

/// The users of a provider, by the hashes and keys that are stored with them.
pub struct StoredCredentials {
    provider: Arc<dyn Provider>,
    totp_configs: Vec<TotpConfig>,
    rehash_on_login: bool,
    /// A database that others use too is another program, and may hang.
    is_shared: bool,
}

impl StoredCredentials {
    /// Makes the backend of the users of `provider`. With `rehash_on_login` a hash that is not argon2id is replaced at the
    /// next successful password login.
    pub fn new(provider: Arc<dyn Provider>, rehash_on_login: bool) -> Self {
        Self {
            is_shared: Arc::clone(&provider).shared().is_some(),
            provider,
            totp_configs: vec![TotpConfig::default()],
            rehash_on_login,
        }
    }

    /// The same with these kinds of second factors, in place of the default one.
    #[must_use]
    pub fn with_totp_configs(self, totp_configs: Vec<TotpConfig>) -> Self {
        Self {
            totp_configs,
            ..self
        }
    }

    fn find(&self, username: &str) -> Result<StoredUser, LoginFailure> {
        match self.provider.user_by_name(username) {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(LoginFailure::unknown_user("no such user")),
            Err(error) => Err(provider_failed(&error)),
        }
    }

    /// Remembers that a code was used; false where the user is another one by now.
    fn use_up(&self, user: &StoredUser, passed: Passed) -> StoreResult<bool> {
        match passed {
            Passed::ByStep(spent_steps) => {
                let before = user.spent_steps;
                self.provider
                    .replace_spent_steps(user.id, before, spent_steps)
            }
            Passed::ByRecoveryCode(position) => {
                let mut changed = user.clone();
                if let Some(code) = changed.filters.recovery_codes.get_mut(position) {
                    code.used = true;
                }
                self.provider.change_user(user, &changed)
            }
        }
    }

    /// A password that was changed meanwhile stays as it is.
    fn rehash(&self, user: &StoredUser, sent: &[u8]) {
        let Some(old) = user.password.as_deref() else {
            return;
        };
        if !PasswordHash::parse(old).is_ok_and(|hash| hash.is_legacy()) {
            return;
        }
        let stored = PasswordHash::rehash(sent, old)
            .and_then(|new| self.provider.replace_password_hash(user.id, old, &new));
        if let Err(error) = stored {
            log::warn!(
                "the password hash of user {:?} could not be replaced by a current one and stays as it is: {error}",
                user.username
            );
        }
    }
}

impl CredentialBackend for StoredCredentials {
    fn may_take_long(&self) -> bool {
        self.is_shared
    }

    fn check_password(&self, claim: &Claim<'_>, _: &[u8]) -> PasswordCheck {
        let user = match self.find(claim.username) {
            Ok(user) => user,
            Err(failure) => return PasswordCheck::Refused(failure),
        };
        let hash = match user.password.as_deref().map(PasswordHash::parse) {
            Some(Ok(hash)) => hash,
            Some(Err(error)) => {
                let reason = format!("the stored hash cannot be used: {error}");
                return PasswordCheck::Refused(LoginFailure::of_server(reason));
            }
            None => PasswordHash::of_nobody(),
        };
        PasswordCheck::Compare(Box::new(Comparison {
            candidate: user.into(),
            hash,
            instead: None,
        }))
    }

    fn check_public_key(
        &self,
        claim: &Claim<'_>,
        blob: &[u8],
    ) -> Result<KeyCandidate, LoginFailure> {
        let user = self.find(claim.username)?;
        match key(&user, blob) {
            Some(key) => Ok(KeyCandidate {
                candidate: user.into(),
                options: key.options(),
            }),
            // The account first: an operator looks there for why a user cannot log in.
            None => Err(match user.check_may_log_in(now_ms()) {
                Ok(()) => LoginFailure::new("unknown public key"),
                Err(refused) => LoginFailure::new(refused.to_string()),
            }),
        }
    }

    fn check_certificate(&self, claim: &Claim<'_>) -> Result<Candidate, LoginFailure> {
        self.find(claim.username).map(Candidate::from)
    }

    fn check_code(&self, user: &Candidate, code: &str) -> Result<(), LoginFailure> {
        for _ in 0..TRIES {
            let user = self.current(user)?.stored;
            let Some(totp) = user.filters.totp_for_ssh() else {
                let reason = "the second factor was removed meanwhile";
                return Err(LoginFailure::of_server(reason));
            };
            let codes = &user.filters.recovery_codes;
            let (configs, spent) = (&self.totp_configs, user.spent_steps);
            let passed = pass(totp, configs, codes, spent, code, now_ms())
                .ok_or("wrong code of the second factor")?;
            match self.use_up(&user, passed) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return Err(provider_failed(&error)),
            }
        }
        Err(LoginFailure::of_server(
            "the user is being changed by others",
        ))
    }

    fn current(&self, candidate: &Candidate) -> Result<Candidate, LoginFailure> {
        match self.provider.user_by_id(candidate.stored.id) {
            Ok(Some(user)) => Ok(user.into()),
            Ok(None) => Err(LoginFailure::of_server("the user was deleted meanwhile")),
            Err(error) => Err(provider_failed(&error)),
        }
    }

    fn logged_in(&self, user: &Candidate, compared: Option<&[u8]>) {
        let user = &user.stored;
        if let Err(error) = self.provider.record_login(user.id, now_ms()) {
            log::warn!(
                "the time of the login of user {:?} could not be stored: {error}",
                user.username
            );
        }
        if let Some(sent) = compared.filter(|_| self.rehash_on_login) {
            self.rehash(user, sent);
        }
    }
}

fn provider_failed(error: &Error) -> LoginFailure {
    LoginFailure::of_server(format!("the provider failed: {error}"))
}

/// The first line of the user with this key.
fn key(user: &StoredUser, blob: &[u8]) -> Option<AuthorizedKey> {
    user.public_keys
        .iter()
        .filter_map(|line| AuthorizedKey::parse(line).ok())
        .find(|key| key.blob() == blob)
}
