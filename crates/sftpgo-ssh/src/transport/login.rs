//! Logging in: each method as the library asks for it, and what became of it.

use std::borrow::Cow;

use russh::{
    keys::Algorithm,
    server::{Auth, PublicKeyOffer, Response, VerifiedPublicKey},
};
use sftpgo_core::auth::LoggedIn;

use super::{client::Client, methods};
use crate::pending::Stage;

/// Gone before a signature came.
impl Drop for Client {
    fn drop(&mut self) {
        self.fail_unsigned();
    }
}

impl Client {
    /// Which methods there are.
    pub(super) fn methods_asked(&self) -> Auth {
        self.reach(Stage::LoggingIn);
        refuse()
    }

    pub(super) async fn try_password(&mut self, user: &str, password: &[u8]) -> Auth {
        self.begin_attempt();
        let logged_in = self
            .shared
            .logins
            .with_password(user, password, self.remote)
            .await;
        self.answer(logged_in)
    }

    /// Asks for the password, or takes what was answered.
    pub(super) async fn answer_question(
        &mut self,
        user: &str,
        response: Option<Response<'_>>,
    ) -> Auth {
        let Some(mut answers) = response else {
            self.reach(Stage::LoggingIn);
            return Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Borrowed(&[(Cow::Borrowed("Password: "), false)]),
            };
        };
        let (Some(password), None) = (answers.next(), answers.next()) else {
            self.begin_attempt();
            let logins = &self.shared.logins;
            logins.wrong_number_of_answers(user, self.remote);
            return refuse();
        };
        self.try_password(user, &password).await
    }

    pub(super) fn key_offered(&mut self, user: &str, offer: &PublicKeyOffer<'_>) -> Auth {
        self.reach(Stage::LoggingIn);
        self.state.set_tried();
        let logins = &self.shared.logins;
        if !is_acceptable(offer.algorithm) {
            self.fail_unsigned();
            logins.outdated_algorithm(user, offer.algorithm.as_str(), self.remote);
            return refuse();
        }
        let Ok(blob) = offer.public_key.to_bytes() else {
            return refuse();
        };
        if !self.unsigned.is_another_try(user, &blob) {
            self.fail_unsigned();
        }
        if !logins.accepts_key(user, &blob, self.remote) {
            self.fail_unsigned();
            return refuse();
        }
        self.unsigned.accepted(user, blob);
        Auth::Accept
    }

    /// The signature by it is valid.
    pub(super) fn key_verified(&mut self, user: &str, key: &VerifiedPublicKey<'_>) -> Auth {
        self.unsigned.signed();
        if !is_acceptable(key.algorithm) {
            return refuse();
        }
        let blob = key.public_key.to_bytes().ok();
        let logged_in =
            blob.and_then(|blob| self.shared.logins.with_public_key(user, &blob, self.remote));
        self.answer(logged_in)
    }

    /// Keeps a login, or refuses it with every method still open for the next try.
    fn answer(&mut self, logged_in: Option<LoggedIn>) -> Auth {
        let Some(logged_in) = logged_in else {
            return refuse();
        };
        self.place = None;
        self.state.set_logged_in(&logged_in);
        self.logged_in = Some(logged_in);
        self.set_queue();
        Auth::Accept
    }

    /// The connection is this far.
    pub(super) fn reach(&self, stage: Stage) {
        if let Some(place) = &self.place {
            place.reach(stage);
        }
    }

    /// A credential that is not a key was sent.
    fn begin_attempt(&self) {
        self.reach(Stage::LoggingIn);
        self.state.set_tried();
        self.fail_unsigned();
    }

    /// What was to be signed before and was not has failed.
    fn fail_unsigned(&self) {
        for username in self.unsigned.take() {
            self.shared.logins.unsigned(&username, self.remote);
        }
    }
}

fn refuse() -> Auth {
    Auth::Reject {
        proceed_with_methods: Some(methods()),
        partial_success: false,
    }
}

/// RSA keys sign with SHA-2 only.
fn is_acceptable(algorithm: &Algorithm) -> bool {
    !matches!(algorithm, Algorithm::Dsa | Algorithm::Rsa { hash: None })
}
