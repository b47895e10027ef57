//! Who one is to the server: what goes with each request.

use std::{env, fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    cli::Global,
    exit::{Failure, Result},
    profile::Profiles,
    values::server::ServerUrl,
};

/// A key, where no file is named.
const KEY_VARIABLE: &str = "SFTPGO_API_KEY";
/// The address of a server that nobody has named.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// What goes with each request.
// No Debug: it is a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Nothing goes with it: as long as the server has no admins, it needs nothing.
    Nobody,
    /// What the server gave at a login.
    Token(String),
    /// A key that was made for a program.
    ApiKey(String),
    /// A name and a password, encoded for basic authentication: only to ask for a token.
    Password(String),
    /// The code by which the first admin is made.
    SetupCode(String),
}

impl Identity {
    pub(crate) fn password(username: &str, password: &str) -> Self {
        Self::Password(STANDARD.encode(format!("{username}:{password}")))
    }

    /// The header that says so.
    pub(crate) fn header(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Nobody => None,
            Self::Password(encoded) => Some(("authorization", format!("Basic {encoded}"))),
            Self::Token(token) => Some(("authorization", format!("Bearer {token}"))),
            Self::ApiKey(key) => Some(("x-sftpgo-api-key", key.clone())),
            Self::SetupCode(code) => Some(("x-sftpgo-setup-code", code.clone())),
        }
    }
}

/// The server that is meant, and who one is there. A token goes only to the server that gave it.
///
/// # Errors
/// A profile or a key cannot be read.
pub(crate) fn of(global: &Global) -> Result<(ServerUrl, Identity)> {
    let profiles = Profiles::load()?;
    let profile = profiles.get(&global.profile);
    if profile.is_none() && global.profile != "default" && global.server.is_none() {
        return Err(Failure::Usage(format!(
            "there is no profile {:?}: make it with sftpgo-cli --profile {} --server URL login",
            global.profile, global.profile
        )));
    }
    let kept = profile
        .map(|profile| profile.server.parse::<ServerUrl>())
        .transpose()
        .map_err(|error| Failure::Usage(format!("the server of the profile: {error}")))?;
    let server = match (&global.server, &kept) {
        (Some(server), _) => server.clone(),
        (None, Some(server)) => server.clone(),
        (None, None) => DEFAULT_SERVER
            .parse()
            .map_err(|error: &str| Failure::Usage(error.to_owned()))?,
    };
    if let Some(key) = api_key(global.api_key.as_deref())? {
        return Ok((server, Identity::ApiKey(key)));
    }
    let token = profile
        .filter(|_| kept.as_ref() == Some(&server))
        .map(|profile| profile.token.clone())
        .filter(|token| !token.is_empty());
    Ok((server, token.map_or(Identity::Nobody, Identity::Token)))
}

fn api_key(file: Option<&Path>) -> Result<Option<String>> {
    let key = match file {
        Some(file) => fs::read_to_string(file)
            .map_err(|error| Failure::Usage(format!("cannot read {}: {error}", file.display())))?,
        None => env::var(KEY_VARIABLE).unwrap_or_default(),
    };
    let key = key.trim();
    if key.contains(|c: char| !c.is_ascii_graphic()) {
        return Err(Failure::Usage("this is not an API key".to_owned()));
    }
    if key.is_empty() && file.is_some() {
        return Err(Failure::Usage("the file holds no API key".to_owned()));
    }
    Ok(Some(key.to_owned()).filter(|key| !key.is_empty()))
}
