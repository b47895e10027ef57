//! Logging in: each method as the client asks for it, and what became of it.

use std::time::Instant;

use sftpgo_core::{
    auth::{AcceptedKey, LoggedIn, LoginFault, SentName},
    event::{self, Protocol},
};
use sftpgo_ssh_proto::{
    Answers, InvalidLogin, Login, LoginAnswer, LoginMethod, PublicKey, SignedLogin,
};

use super::host::Host;
use crate::unauthenticated_limiter::Stage;

impl Host {
    /// Decides about a request to log in, and returns what the client hears of it.
    pub(super) fn answer_login(&mut self, login: Login<'_>) -> LoginAnswer {
        self.reach(Stage::LoggingIn);
        if self.server.logins.is_banned(self.remote) {
            self.control.close("too many failed logins");
            return LoginAnswer::Refuse;
        }
        let user = SentName::new(&login.user);
        match login.method {
            // Clients ask so for the methods there are.
            LoginMethod::None => LoginAnswer::Refuse,
            LoginMethod::Password(password) => self.try_password(&user, password),
            LoginMethod::KeyboardInteractive => LoginAnswer::Ask {
                name: String::new(),
                instruction: String::new(),
                prompts: vec![("Password: ".to_owned(), false)],
            },
            LoginMethod::Answers(answers) => self.take_answers(&user, answers),
            LoginMethod::KeyOffered(offer) => {
                self.has_tried = true;
                match self.accepts_key(&login.user, &offer.key) {
                    Some(_) => LoginAnswer::KeyIsGood,
                    None => LoginAnswer::Refuse,
                }
            }
            LoginMethod::Key(signed) => self.try_key(&login.user, &signed),
            LoginMethod::NewPassword { .. } => self.invalid(&user, InvalidLogin::PasswordChange),
            LoginMethod::Invalid(why) => self.invalid(&user, why),
            _ => LoginAnswer::Refuse,
        }
    }

    fn try_password(&mut self, user: &SentName<'_>, password: &[u8]) -> LoginAnswer {
        self.has_tried = true;
        self.conduct.credential_shown();
        let logins = &self.server.logins;
        let logged_in = logins.with_password(user, password, self.remote, &self.control.bell);
        match logged_in {
            Some(logged_in) => {
                self.admit(logged_in);
                LoginAnswer::Accept
            }
            None => LoginAnswer::Refuse,
        }
    }

    /// Takes the answer to the one question that was asked, for the password.
    fn take_answers(&mut self, user: &SentName<'_>, mut answers: Answers<'_>) -> LoginAnswer {
        match (answers.next(), answers.next()) {
            (Some(password), None) => self.try_password(user, password),
            _ => self.invalid(user, InvalidLogin::NumberOfAnswers),
        }
    }

    /// May this key let `name` in? A certificate is asked itself, and the user's own keys do not matter then.
    fn accepts_key(&mut self, name: &[u8], key: &PublicKey<'_>) -> Option<AcceptedKey> {
        let (logins, bell) = (&self.server.logins, &self.control.bell);
        let user = SentName::new(name);
        let accepted = match key.certificate() {
            None => logins.accepts_key(&user, &key.plain_blob(), self.remote, bell),
            Some(certificate) => {
                let certificates = &self.server.config.user_certificates;
                match certificates.check(key, certificate, name, self.remote.ip()) {
                    Ok(options) => logins.accepts_certificate(&user, options, self.remote, bell),
                    Err(why) => {
                        logins.failed(&user, event::LoginMethod::PublicKey, self.remote, why);
                        Err(LoginFault::Credential)
                    }
                }
            }
        };
        accepted
            .inspect_err(|fault| self.conduct.key_refused(*fault))
            .ok()
    }

    /// The key first: who has none that is accepted costs no verification.
    fn try_key(&mut self, name: &[u8], signed: &SignedLogin<'_>) -> LoginAnswer {
        self.has_tried = true;
        let Some(accepted) = self.accepts_key(name, &signed.key) else {
            return LoginAnswer::Refuse;
        };
        let (logins, bell) = (&self.server.logins, &self.control.bell);
        let user = &SentName::new(name);
        let conduct = &mut self.conduct;
        let mut refuse = |why: &str| {
            logins.failed(user, event::LoginMethod::PublicKey, self.remote, why);
            conduct.key_refused(LoginFault::Credential);
            LoginAnswer::Refuse
        };
        let Ok(verified) = signed.verify() else {
            return refuse("the signature by a key that is accepted is not valid");
        };
        let (presence, options) = (verified.presence(), accepted.options());
        if presence.is_security_key {
            if !presence.user_present && !options.no_touch_required {
                return refuse("nobody touched the security key");
            }
            if !presence.user_verified && options.verify_required {
                return refuse(
                    "the security key has not verified its user, as verify-required asks",
                );
            }
        }
        conduct.credential_shown();
        match logins.with_public_key(user, accepted, self.remote, bell) {
            Some(logged_in) => {
                self.admit(logged_in);
                LoginAnswer::AcceptKey(verified)
            }
            None => LoginAnswer::Refuse,
        }
    }

    /// A request that cannot succeed.
    fn invalid(&mut self, user: &SentName<'_>, why: InvalidLogin<'_>) -> LoginAnswer {
        use event::LoginMethod::{Password, PublicKey};
        let (method, reason) = match why {
            InvalidLogin::Algorithm(name) => (
                PublicKey,
                format!("signatures of \"{}\" are not accepted", name.escape_ascii()),
            ),
            InvalidLogin::Key => (PublicKey, "the public key cannot be used".to_owned()),
            InvalidLogin::OtherHostKey => (
                PublicKey,
                "the login is bound to the host key of another server".to_owned(),
            ),
            InvalidLogin::PasswordChange => (
                Password,
                "a change of the password, which nobody asked for".to_owned(),
            ),
            InvalidLogin::NumberOfAnswers => {
                (Password, "not one answer to one question".to_owned())
            }
            // Nothing was shown that could be right or wrong.
            _ => return LoginAnswer::Refuse,
        };
        self.has_tried = true;
        match method {
            PublicKey => self.conduct.key_refused(LoginFault::Credential),
            _ => self.conduct.credential_shown(),
        }
        self.server.logins.failed(user, method, self.remote, reason);
        LoginAnswer::Refuse
    }

    /// Keeps a login.
    fn admit(&mut self, logged_in: LoggedIn) {
        self.until_login = None;
        self.control.set_logged_in(&logged_in);
        self.channels
            .set_account(std::sync::Arc::clone(&logged_in.quota));
        self.logged_in = Some(logged_in);
        if let Some(itself) = self.unlisted(Protocol::Sftp) {
            self.presence.begin(itself, Instant::now());
        }
    }
}
