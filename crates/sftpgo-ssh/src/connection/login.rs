//! Logging in: each method as the client asks for it, and what became of it.

use std::time::Instant;

use sftpgo_core::{
    auth::{AcceptedKey, LoggedIn, LoginFault, LoginOutcome, Question, SentName},
    event::{self, Protocol},
    user::LoginMethods,
};
use sftpgo_ssh_proto::{
    Answers, AuthMethod, InvalidLogin, Login, LoginAnswer, LoginMethod, PublicKey, SignedLogin,
    VerifiedKey,
};

use super::host::Host;
use crate::{config::ServerConfig, unauthenticated_limiter::Stage};

/// Methods by their names in the protocol and in core.
const METHODS: [(AuthMethod, LoginMethods); 3] = [
    (AuthMethod::PublicKey, LoginMethods::PUBLIC_KEY),
    (AuthMethod::Password, LoginMethods::PASSWORD),
    (
        AuthMethod::KeyboardInteractive,
        LoginMethods::KEYBOARD_INTERACTIVE,
    ),
];

/// Returns the methods that a server with this configuration offers.
pub(super) fn offered(config: &ServerConfig) -> LoginMethods {
    let mut offered = LoginMethods::OF_SSH;
    offered.set(LoginMethods::PASSWORD, config.password_authentication);
    offered.set(
        LoginMethods::KEYBOARD_INTERACTIVE,
        config.keyboard_interactive_authentication,
    );
    offered
}

impl Host {
    /// Decides about a request to log in, and returns what the client hears of it.
    pub(super) fn answer_login(&mut self, login: Login<'_>) -> LoginAnswer {
        self.reach(Stage::LoggingIn);
        if self.server.logins.is_banned(self.remote) {
            self.control.close("too many failed logins");
            return LoginAnswer::Refuse;
        }
        let user = SentName::new(&login.user);
        if !matches!(login.method, LoginMethod::Answers(_)) {
            self.steps.abandon();
        }
        match login.method {
            // Clients ask so for the methods there are.
            LoginMethod::None => LoginAnswer::Refuse,
            LoginMethod::Password(password) => self.try_password(&user, password),
            LoginMethod::KeyboardInteractive => ask(self.steps.ask()),
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
        let (remote, bell) = (self.remote, &self.control.bell);
        let logins = &self.server.logins;
        let outcome = logins.with_password(&mut self.steps, user, password, remote, bell);
        self.answer_to(outcome, None)
    }

    /// Takes the answer to the one question that was asked.
    fn take_answers(&mut self, user: &SentName<'_>, mut answers: Answers<'_>) -> LoginAnswer {
        let (Some(answer), None) = (answers.next(), answers.next()) else {
            self.steps.abandon();
            return self.invalid(user, InvalidLogin::NumberOfAnswers);
        };
        self.has_tried = true;
        self.conduct.credential_shown();
        let (remote, bell) = (self.remote, &self.control.bell);
        let logins = &self.server.logins;
        let outcome = logins.with_answer(&mut self.steps, user, answer, remote, bell);
        self.answer_to(outcome, None)
    }

    /// What the client hears of what became of a request, with its key where it was verified.
    fn answer_to(&mut self, outcome: LoginOutcome, key: Option<VerifiedKey>) -> LoginAnswer {
        match outcome {
            LoginOutcome::LoggedIn(logged_in) => {
                self.admit(*logged_in);
                key.map_or(LoginAnswer::Accept, LoginAnswer::AcceptKey)
            }
            LoginOutcome::Left(left) => LoginAnswer::Partial {
                methods: METHODS
                    .iter()
                    .filter(|(_, method)| left.contains(*method))
                    .map(|(method, _)| *method)
                    .collect(),
                key,
            },
            LoginOutcome::Ask(question) => ask(question),
            LoginOutcome::Refused => LoginAnswer::Refuse,
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
        let outcome = logins.with_public_key(&mut self.steps, user, accepted, self.remote, bell);
        self.answer_to(outcome, Some(verified))
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

/// One question in a dialogue (RFC 4256 section 3.2).
fn ask(question: Question) -> LoginAnswer {
    let prompt = match question {
        Question::Password => "Password: ",
        Question::Code => "Authentication code: ",
    };
    LoginAnswer::Ask {
        name: String::new(),
        instruction: String::new(),
        prompts: vec![(prompt.to_owned(), false)],
    }
}
