//! The one user of `portable`.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, absolute},
};

use sftpgo_core::{UserDraft, credential::public_key::AuthorizedKey, random};

use super::Options;
use crate::config::Problem;

/// The letters and digits of a made-up password, without those that look like others.
const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const PASSWORD_LENGTH: usize = 16;

/// How the user logs in.
pub(super) struct Login {
    pub(super) draft: UserDraft,
    /// The password, and who knows it.
    pub(super) password: Password,
}

/// What the operator may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Password {
    /// Only keys log in.
    None,
    /// Whoever gave it knows it.
    Given(String),
    /// Nobody knows it yet.
    MadeUp(String),
}

impl Password {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Given(text) | Self::MadeUp(text) => Some(text),
        }
    }
}

impl Login {
    /// The user that the flags describe.
    ///
    /// # Errors
    /// Names the flag, and what is wrong.
    pub(super) fn of(options: &Options) -> Result<Self, Problem> {
        let public_keys = public_keys(&options.public_key)?;
        let password = match given_password(options)? {
            Some(password) => Password::Given(password),
            None if public_keys.is_empty() => Password::MadeUp(made_up()),
            None => Password::None,
        };
        let (home_dir, uid, gid) = home(&options.directory)?;
        let draft = UserDraft {
            username: options.username.clone(),
            password: password.text().map(str::to_owned),
            public_keys,
            home_dir,
            uid,
            gid,
            permissions: options.permissions.clone(),
            ..UserDraft::default()
        };
        Ok(Self { draft, password })
    }
}

fn given_password(options: &Options) -> Result<Option<String>, Problem> {
    let Some(path) = &options.password_file else {
        return Ok(Some(options.password.clone()).filter(|password| !password.is_empty()));
    };
    let problem =
        |reason: String| Problem::new("--password-file", format!("{}: {reason}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(problem("the first line is empty".to_owned()));
    }
    Ok(Some(line.to_owned()))
}

fn made_up() -> String {
    // As many of each letter as of each other.
    let most = 256 - 256 % LETTERS.len();
    let mut password = String::new();
    while password.len() < PASSWORD_LENGTH {
        let mut byte = [0];
        random::fill(&mut byte);
        let at = usize::from(byte[0]);
        if at < most
            && let Some(letter) = LETTERS.get(at % LETTERS.len())
        {
            password.push(char::from(*letter));
        }
    }
    password
}

/// Lines of authorized_keys: each value is one, or several with commas between them, or a file of them.
fn public_keys(values: &[String]) -> Result<Vec<String>, Problem> {
    let mut keys = Vec::new();
    for value in values {
        if is_key(value) {
            keys.push(value.clone());
        } else if value.split(',').all(is_key) {
            keys.extend(value.split(',').map(|key| key.trim().to_owned()));
        } else {
            keys.extend(keys_in_file(Path::new(value))?);
        }
    }
    Ok(keys)
}

fn is_key(text: &str) -> bool {
    AuthorizedKey::parse(text.trim()).is_ok()
}

fn keys_in_file(path: &Path) -> Result<Vec<String>, Problem> {
    let problem =
        |reason: String| Problem::new("--public-key", format!("{:?} {reason}", path.display()));
    let text = fs::read_to_string(path)
        .map_err(|error| problem(format!("is no public key, and no file of them: {error}")))?;
    let lines = text.lines().map(str::trim);
    let keys: Vec<_> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    if keys.is_empty() || !keys.iter().all(|key| is_key(key)) {
        return Err(problem(
            "is a file with other lines than public keys".to_owned(),
        ));
    }
    Ok(keys)
}

/// The directory, and who owns it: a server of root writes into it as its owner.
fn home(directory: &Path) -> Result<(String, i64, i64), Problem> {
    let problem =
        |reason: String| Problem::new("--directory", format!("{} {reason}", directory.display()));
    let found =
        fs::metadata(directory).map_err(|error| problem(format!("is not there: {error}")))?;
    if !found.is_dir() {
        return Err(problem("is not a directory".to_owned()));
    }
    let path = absolute(directory)
        .and_then(fs::canonicalize)
        .map_err(|error| problem(format!("cannot be served: {error}")))?;
    let path = path
        .into_os_string()
        .into_string()
        .map_err(|_| problem("has a name that is not UTF-8".to_owned()))?;
    let is_root = rustix::process::geteuid().is_root();
    let id = |id: u32| if is_root { i64::from(id) } else { 0 };
    Ok((path, id(found.uid()), id(found.gid())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_made_up_is_another_each_time() {
        let passwords: std::collections::BTreeSet<_> = (0..100).map(|_| made_up()).collect();
        assert_eq!(passwords.len(), 100);
        let mut letters: Vec<_> = passwords.iter().flat_map(|text| text.bytes()).collect();
        assert_eq!(letters.len(), 100 * PASSWORD_LENGTH);
        letters.sort_unstable();
        letters.dedup();
        let mut all = LETTERS.to_vec();
        all.sort_unstable();
        assert_eq!(letters, all);
    }
}
