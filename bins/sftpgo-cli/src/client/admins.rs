//! Admins, their keys and their tokens.

use serde::Deserialize;
use serde_json::Value;
use ureq::http::{Method, StatusCode};

use super::{Client, encoded};
use crate::{
    exit::{Failure, Result},
    identity::Identity,
    wire::Answer,
};

/// What the server says to a password.
pub(crate) enum TokenAnswer {
    /// It is right.
    Token(String),
    /// It is right, and a code of the second factor is needed too.
    NeedsCode,
}

#[derive(Deserialize)]
struct GivenToken {
    access_token: String,
}

impl Client {
    /// A token for this admin.
    pub(crate) fn token(
        &self,
        username: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<TokenAnswer> {
        let asking = self.with_identity(Identity::password(username, password));
        let mut request = asking.request(Method::GET, "v2/token");
        if let Some(code) = code {
            request = request.header("x-sftpgo-otp", code);
        }
        let sent = request
            .body(())
            .map_err(ureq::Error::from)
            .and_then(|request| self.agent.run(request));
        if let Ok(response) = &sent
            && response.status() == StatusCode::UNAUTHORIZED
            && response.headers().contains_key("x-sftpgo-otp")
        {
            return Ok(TokenAnswer::NeedsCode);
        }
        let given: GivenToken = asking.answer(sent)?;
        if given.access_token.is_empty() {
            return Err(Failure::Unexpected(format!(
                "{} gave no token",
                self.server
            )));
        }
        Ok(TokenAnswer::Token(given.access_token))
    }

    pub(crate) fn admins(&self) -> Result<Vec<Value>> {
        self.get("v2/admins?limit=500")
    }

    pub(crate) fn admin(&self, username: &str) -> Result<Value> {
        self.get(&format!("v2/admins/{}", encoded(username)))
    }

    pub(crate) fn add_admin(&self, admin: &Value) -> Result<Value> {
        self.send(Method::POST, "v2/admins", admin)
    }

    pub(crate) fn replace_admin(&self, username: &str, admin: &Value) -> Result<Answer> {
        self.send(
            Method::PUT,
            &format!("v2/admins/{}", encoded(username)),
            admin,
        )
    }

    pub(crate) fn delete_admin(&self, username: &str) -> Result<Answer> {
        self.delete(&format!("v2/admins/{}", encoded(username)))
    }

    pub(crate) fn api_keys(&self) -> Result<Vec<Value>> {
        self.get("v2/apikeys?limit=500")
    }

    pub(crate) fn add_api_key(&self, key: &Value) -> Result<Value> {
        self.send(Method::POST, "v2/apikeys", key)
    }

    pub(crate) fn delete_api_key(&self, id: &str) -> Result<Answer> {
        self.delete(&format!("v2/apikeys/{}", encoded(id)))
    }
}
