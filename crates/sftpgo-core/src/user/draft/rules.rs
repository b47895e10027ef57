//! What each field has to be.

use std::path::{Path, PathBuf};

use super::TotpDraft;
use crate::{
    credential::second_factor::TotpConfig,
    error::{Error, Result},
    user::{LoginMethods, TotpProtocols, UserTotp},
};

/// Refuses what a new name may not be: no path, no line, and nothing that a program takes for an option, as actions get the name
/// as an argument. Who has such a name already keeps it: a user whom nobody can change cannot be disabled either.
pub(super) fn check_username(username: &str) -> Result<()> {
    if username.is_empty() {
        return Err(Error::invalid("username", "must not be empty"));
    }
    if username.len() > 255 {
        return Err(Error::invalid(
            "username",
            "must not be longer than 255 bytes",
        ));
    }
    if username.starts_with('-') {
        return Err(Error::invalid("username", "must not begin with \"-\""));
    }
    if username == "." || username == ".." {
        return Err(Error::invalid("username", "must not be \".\" or \"..\""));
    }
    if let Some(bad) = username
        .chars()
        .find(|c| matches!(c, '/' | '\\') || c.is_control())
    {
        return Err(Error::invalid(
            "username",
            format_args!("must not contain {bad:?}"),
        ));
    }
    Ok(())
}

pub(super) fn home_dir(
    asked: &str,
    username: &str,
    users_base_dir: Option<&Path>,
) -> Result<PathBuf> {
    let home = match users_base_dir {
        Some(base) if asked.is_empty() => base.join(username),
        _ => PathBuf::from(asked),
    };
    if !home.is_absolute() {
        return Err(Error::invalid("home_dir", "must be an absolute path"));
    }
    if asked.contains('\0') {
        return Err(Error::invalid("home_dir", "must not contain NUL"));
    }
    if home.as_os_str().len() > 255 {
        return Err(Error::invalid(
            "home_dir",
            "must not be longer than 255 bytes",
        ));
    }
    Ok(home)
}

pub(super) fn denied_login_methods(names: &[String]) -> Result<LoginMethods> {
    let denied = LoginMethods::from_names(names)?;
    if denied.is_all() {
        return Err(Error::invalid(
            "denied_login_methods",
            "not all login methods may be denied",
        ));
    }
    Ok(denied)
}

/// Whether the server offers its kind is not known here.
pub(super) fn totp(draft: TotpDraft) -> Result<UserTotp> {
    let secret = &draft.secret.secret;
    if secret.is_empty() {
        return Err(Error::invalid("totp_config.secret", "is needed"));
    }
    TotpConfig::default().check_secret(secret).map_err(|_| {
        Error::invalid(
            "totp_config.secret",
            "is not a secret in Base32 of at least 16 bytes",
        )
    })?;
    Ok(UserTotp {
        protocols: TotpProtocols::from_names(&draft.protocols)?,
        secret: draft.secret,
    })
}

pub(super) fn within(field: &str, value: i64, most: u32) -> Result<u32> {
    u32::try_from(value)
        .ok()
        .filter(|value| *value <= most)
        .ok_or_else(|| Error::invalid(field, format_args!("{value} is not between 0 and {most}")))
}
