//! `sftpgo-cli login`: a token for a password and a second factor, kept in the profile.

use super::credentials;
use crate::{
    cli::{Global, Login},
    client::{Client, TokenAnswer},
    exit::{Failure, Result},
    profile::{Profile, Profiles},
    prompt,
    values::text::visible,
};

pub(super) fn run(client: &Client, global: &Global, login: &Login) -> Result<()> {
    client.warn_before_a_password();
    let username = match &login.username {
        Some(username) => username.clone(),
        None => prompt::line("Name of the admin: ")?,
    };
    let password = match credentials::password(&login.password)? {
        Some(password) => password,
        None => prompt::secret(&format!("Password for {}: ", visible(&username)))?,
    };
    let mut answer = client.token(&username, &password, login.otp.as_deref())?;
    if matches!(answer, TokenAnswer::NeedsCode) {
        if login.otp.is_some() {
            return Err(Failure::Refused("the code is wrong".to_owned()));
        }
        let code = prompt::secret("Code of the second factor: ")?;
        answer = client.token(&username, &password, Some(&code))?;
    }
    let TokenAnswer::Token(token) = answer else {
        return Err(Failure::Refused("the code is wrong".to_owned()));
    };
    let profile = Profile {
        server: client.server().to_string(),
        username: username.clone(),
        token,
    };
    Profiles::load()?.keep(&global.profile, profile)?;
    let words = format!("Logged in at {} as {username}.", client.server());
    global
        .output
        .print(&serde_json::json!({"username": username}), |_| {
            format!("{}\n", visible(&words))
        })
}
