//! What every store takes alike, so that users can move from one to another.

use sftpgo_core::{Error, Result, StoredUser};

/// Characters in a `varchar(255)` of the table that all of SFTPGo's databases have.
pub(crate) const LONGEST: usize = 255;

/// Checks that `user` fits, who is in the place of `before`. A name that stays is none to refuse: SQLite has kept longer ones.
///
/// # Errors
/// [`Invalid`](sftpgo_core::ErrorKind::Invalid), naming the field that does not.
pub(crate) fn check(user: &StoredUser, before: Option<&StoredUser>) -> Result<()> {
    let home_dir = user.home_dir.to_string_lossy();
    let stays = before.is_some_and(|before| before.username == user.username);
    let username = if stays { "" } else { &user.username };
    let short = [
        ("username", username),
        ("password", user.password.as_deref().unwrap_or_default()),
        ("home_dir", &home_dir),
    ];
    for (field, text) in short {
        if text.chars().count() > LONGEST {
            return Err(Error::invalid(
                field,
                format_args!("must not be longer than {LONGEST} characters as it is stored"),
            ));
        }
    }
    let keys = user
        .public_keys
        .iter()
        .map(|key| ("public_keys", key.as_str()));
    // PostgreSQL stores it in no text.
    match short
        .into_iter()
        .chain(keys)
        .find(|(_, text)| text.contains('\0'))
    {
        Some((field, _)) => Err(Error::invalid(field, "must not contain NUL")),
        None => Ok(()),
    }
}
