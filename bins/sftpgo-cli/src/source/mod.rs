//! Users as other systems keep them, and what of them this server can hold. Nothing here does IO.
//!
//! Never a user with more rights than before: whoever says what this server cannot enforce is skipped, with the
//! reason. What is left out otherwise gives less, and is noted.

pub(crate) mod dump;
mod dump_user;
pub(crate) mod passwd;
mod password;
pub(crate) mod permissions;
#[cfg(test)]
mod properties;
mod restriction;
mod shadow;

use crate::{values::public_keys, wire::UserChange};

/// What one user of a source comes to.
pub(crate) type Entry = Result<Candidate, Skipped>;

/// A user this server can hold.
// No Debug: it may hold a password.
pub(crate) struct Candidate {
    pub(crate) name: String,
    /// What the source says besides the name; the rest it does not say.
    pub(crate) user: UserChange,
    /// Why there is no password, where the source has one that cannot be used.
    pub(crate) without_password: Option<String>,
    /// What was left out.
    pub(crate) notes: Vec<String>,
    /// Files are counted against a limit.
    pub(crate) has_usage: bool,
}

/// A user that this server cannot hold as it was.
#[derive(Debug, PartialEq)]
pub(crate) struct Skipped {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// The keys among lines of another server's, and a note for each line that is none here.
fn keys_of(lines: &[String]) -> (Vec<String>, Vec<String>) {
    let mut keys = Vec::new();
    let mut notes = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match public_keys::check(line) {
            Ok(()) => keys.push(line.trim().to_owned()),
            Err(reason) => notes.push(format!("public key {} is left out: {reason}", index + 1)),
        }
    }
    (keys, notes)
}
