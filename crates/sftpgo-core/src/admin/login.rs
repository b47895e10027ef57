//! Logins of admins: by password and second factor, and by API key. They are refused, delayed and told to observers as
//! logins of users are.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Admin, Admins, ApiKey, api_key::SentKey};
use crate::{
    auth::{LoginFailure, Logins, SentName},
    credential::{password::PasswordHash, second_factor::WrongCodes},
    error::{Error, Result},
    event::{Actor, ConnectionProtocol, LoginMethod},
    fair_pool::Bell,
    user::now_ms,
};

/// The last use of a key is written this often.
const KEY_USE: i64 = 60_000;

/// The logins of admins in a process.
pub struct AdminLogins {
    admins: Arc<Admins>,
    logins: Arc<Logins>,
    wrong_codes: WrongCodes,
}

/// The outcome of checking a password.
pub enum PasswordVerdict {
    /// The admin, who has no second factor, is logged in.
    LoggedIn(Box<Admin>),
    /// The password is right, and a code of the second factor is needed too.
    NeedsCode(Box<Admin>),
    /// Something is wrong, and the refusal is to be answered at this time, whatever it is.
    Refused(Instant),
    /// The connection has to close.
    Closing,
}

/// Why a key does not pass.
#[derive(Debug)]
pub enum RefusedAdmin {
    /// What was sent is no key, or nobody's.
    Unknown,
    /// The secret is not that of the key, or the key has expired.
    Wrong,
    /// The admin may not be acted for by a key.
    NotAllowed,
    /// The store does not answer.
    Failed(Error),
}

impl AdminLogins {
    /// Logins of `admins`, counted by `logins`.
    pub fn new(admins: Arc<Admins>, logins: Arc<Logins>) -> Self {
        Self {
            admins,
            logins,
            wrong_codes: WrongCodes::default(),
        }
    }

    /// The admins.
    pub fn admins(&self) -> &Arc<Admins> {
        &self.admins
    }

    /// Checks a password when its turn comes. What is done for a wrong name and for a wrong password is the same. Where it was
    /// found before that the name [has another password elsewhere](Self::verify_in_turn), `elsewhere` is how long that took: the
    /// refusal comes no later for it, and is none of a name that nobody has.
    ///
    /// # Errors
    /// The store does not answer.
    pub fn check_password(
        &self,
        username: &str,
        password: &[u8],
        remote: SocketAddr,
        bell: &Arc<Bell>,
        elsewhere: Option<Duration>,
    ) -> Result<PasswordVerdict> {
        let asked = Instant::now();
        let name = SentName::new(username.as_bytes());
        let admin = self.admins.store().admin(username)?;
        let hash = admin
            .as_ref()
            .and_then(|admin| PasswordHash::parse(&admin.password).ok());
        let hash = hash.unwrap_or_else(PasswordHash::of_nobody);
        let password = password.to_vec();
        let is_banned = self.logins.ban_of(remote, ConnectionProtocol::Http);
        // Whoever was banned meanwhile is not worth a check, which others wait for.
        let check = move || (!is_banned()).then(|| hash.verify(&password));
        let Some((matches, waited)) = self.logins.in_turn(&name, remote, bell, check) else {
            return Ok(PasswordVerdict::Closing);
        };
        let failure = match (matches, admin) {
            (Err(failure), _) => failure,
            (Ok(None), _) => LoginFailure::of_server(
                "the address was banned meanwhile, and the password was not checked",
            ),
            (_, None) if elsewhere.is_some() => "wrong password".into(),
            (_, None) => LoginFailure::unknown_user("no such admin"),
            (Ok(Some(matches)), Some(admin)) => match refusal(&admin, remote) {
                Some(reason) => reason.into(),
                None if !matches => "wrong password".into(),
                None if admin.totp.is_some() => {
                    return Ok(PasswordVerdict::NeedsCode(Box::new(admin)));
                }
                None => {
                    return Ok(PasswordVerdict::LoggedIn(Box::new(
                        self.enter(admin, remote),
                    )));
                }
            },
        };
        self.logins
            .failed(&name, LoginMethod::Admin, remote, failure);
        let at = self.logins.refused_at(asked, waited);
        let at = at.checked_sub(elsewhere.unwrap_or_default()).unwrap_or(at);
        Ok(PasswordVerdict::Refused(at))
    }

    /// Verifies something else than an admin's password, in turn with them, and tells how long that took once it began; none
    /// where the connection has to close.
    pub fn verify_in_turn(
        &self,
        username: &str,
        remote: SocketAddr,
        bell: &Arc<Bell>,
        check: impl FnOnce() -> bool + Send + 'static,
    ) -> Option<(bool, Duration)> {
        let name = SentName::new(username.as_bytes());
        let is_banned = self.logins.ban_of(remote, ConnectionProtocol::Http);
        let check = move || !is_banned() && check();
        let asked = Instant::now();
        let (verified, waited) = self.logins.in_turn(&name, remote, bell, check)?;
        let took = asked.elapsed().saturating_sub(waited);
        Some((verified.unwrap_or(false), took))
    }

    /// Checks the code of an admin whose password was right; when a refusal is to be answered if it does not pass.
    ///
    /// # Errors
    /// The store does not answer.
    pub fn check_code(
        &self,
        admin: &Admin,
        code: &str,
        remote: SocketAddr,
    ) -> Result<Result<Admin, Instant>> {
        let passed = self.prove_again(admin, code, remote)?;
        Ok(passed.map(|admin| self.enter(admin, remote)))
    }

    /// Checks a code of an admin who is logged in, for what an open session is not enough for. Wrong ones count as at a login;
    /// when a refusal is to be answered if it does not pass.
    ///
    /// # Errors
    /// The store does not answer.
    pub fn prove_again(
        &self,
        admin: &Admin,
        code: &str,
        remote: SocketAddr,
    ) -> Result<Result<Admin, Instant>> {
        let asked = Instant::now();
        let refused = |failure: LoginFailure| {
            self.tell_failed(&admin.username, remote, failure);
            Ok(Err(self.logins.refused_at(asked, Duration::ZERO)))
        };
        if !self.wrong_codes.take_try(&admin.username) {
            return refused(LoginFailure::too_many_wrong_codes());
        }
        let passed = self.admins.pass_second_factor(&admin.username, code);
        let passed = passed.inspect_err(|_| self.wrong_codes.give_back(&admin.username))?;
        let Some(passed) = passed else {
            return refused("wrong code of the second factor".into());
        };
        self.wrong_codes.forget(&admin.username);
        if refusal(&passed, remote).is_some() {
            return refused("the admin may not log in any more".into());
        }
        Ok(Ok(passed))
    }

    /// Changes the password of the admin who asks. Whoever logged in before has to log in again. A wrong current one counts as
    /// at a login: whoever has come by a session does not guess on.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when the current one is wrong, or the new one is not acceptable.
    pub fn change_password(
        &self,
        by: &Actor,
        current: &str,
        new: &str,
        remote: SocketAddr,
    ) -> Result<Admin> {
        let username = by.admin_name();
        let Some(stored) = self.admins.with_password(username, current)? else {
            self.tell_failed(username, remote, "wrong current password".into());
            return Err(Error::invalid("current_password", "is wrong"));
        };
        self.admins.replace_password(by, &stored, current, new)
    }

    fn tell_failed(&self, username: &str, remote: SocketAddr, failure: LoginFailure) {
        let name = SentName::new(username.as_bytes());
        self.logins
            .failed(&name, LoginMethod::Admin, remote, failure);
    }

    /// The admin for whom this key may be used, and the key.
    ///
    /// # Errors
    /// See [`RefusedAdmin`].
    pub fn with_api_key(
        &self,
        text: &str,
        remote: SocketAddr,
    ) -> Result<(Admin, ApiKey), RefusedAdmin> {
        let refused = |shown: &str, reason: &str, refusal| {
            let name = SentName::new(shown.as_bytes());
            let failure = match &refusal {
                RefusedAdmin::Unknown => LoginFailure::unknown_user(reason),
                _ => reason.into(),
            };
            self.logins
                .failed(&name, LoginMethod::Admin, remote, failure);
            Err(refusal)
        };
        let store = self.admins.store();
        let Some(sent) = SentKey::parse(text) else {
            return refused("", "not an API key", RefusedAdmin::Unknown);
        };
        let key = store.api_key(sent.id).map_err(RefusedAdmin::Failed)?;
        let Some(key) = key else {
            return refused("", "unknown API key", RefusedAdmin::Unknown);
        };
        let now = now_ms();
        if !key.passes(sent.secret, now) {
            return refused(&key.admin, "wrong or expired API key", RefusedAdmin::Wrong);
        }
        let username = match (key.admin.as_str(), sent.admin) {
            (bound, "") if !bound.is_empty() => bound,
            ("", named) if !named.is_empty() => named,
            (bound, named) if bound == named && !bound.is_empty() => bound,
            _ => {
                return refused(
                    sent.admin,
                    "the API key is not for this admin",
                    RefusedAdmin::NotAllowed,
                );
            }
        };
        let admin = store.admin(username).map_err(RefusedAdmin::Failed)?;
        match admin {
            Some(admin) if admin.allow_api_key_auth && refusal(&admin, remote).is_none() => {
                if now - key.last_use_at >= KEY_USE
                    && let Err(error) = store.record_api_key_use(&key.id, now)
                {
                    log::warn!("the use of an API key could not be written down: {error}");
                }
                Ok((admin, key))
            }
            _ => refused(
                username,
                "API keys may not be used for this admin",
                RefusedAdmin::NotAllowed,
            ),
        }
    }

    /// The admin who logged in at `sessions_since`, if that still holds; `None` for any time.
    ///
    /// # Errors
    /// The store does not answer.
    pub fn current(
        &self,
        username: &str,
        sessions_since: Option<i64>,
        remote: SocketAddr,
    ) -> Result<Option<Admin>> {
        let admin = self.admins.store().admin(username)?;
        Ok(admin.filter(|admin| {
            refusal(admin, remote).is_none()
                && sessions_since.is_none_or(|since| since == admin.sessions_since)
        }))
    }

    fn enter(&self, admin: Admin, remote: SocketAddr) -> Admin {
        let name = SentName::new(admin.username.as_bytes());
        self.logins.succeeded(&name, LoginMethod::Admin, remote);
        let now = now_ms();
        let recorded = self.admins.store().record_admin_login(&admin.username, now);
        if let Err(error) = recorded {
            log::warn!(
                "the last login of the admin {:?} could not be written down: {error}",
                admin.username
            );
        }
        Admin {
            last_login: now,
            ..admin
        }
    }
}

/// Returns why the admin may do nothing from this address, or at all.
fn refusal(admin: &Admin, remote: SocketAddr) -> Option<&'static str> {
    if !admin.enabled {
        Some("the admin is disabled")
    } else if !admin.allows(remote.ip()) {
        Some("the admin may not come from this address")
    } else {
        None
    }
}
