//! What one user of a source comes to: a user that this server can hold, or why not.

use std::collections::HashSet;

use sftpgo_credential_formats::public_key::KeyLine;

use crate::UserChange;

/// What one user of a source comes to.
pub type Entry = Result<Candidate, Skipped>;

/// A user this server can hold.
// No Debug: it may hold a password.
pub struct Candidate {
    /// The name of the login.
    pub name: String,
    /// What the source says besides the name; the rest it does not say.
    pub user: UserChange,
    /// Why there is no password, where the source has one that cannot be used.
    pub without_password: Option<String>,
    /// What was left out.
    pub notes: Vec<String>,
    /// Files are counted against a limit.
    pub has_usage: bool,
}

/// A user that this server cannot hold as it was.
#[derive(Debug, PartialEq)]
pub struct Skipped {
    /// The name of the login, or where in the source it would be.
    pub name: String,
    /// Why it is skipped.
    pub reason: String,
}

/// Skips who comes a second time: which of the two was meant is not known.
pub fn once_each(entries: Vec<Entry>) -> Vec<Entry> {
    let mut names = HashSet::new();
    let once = |entry: Entry| {
        entry.and_then(|user| {
            if names.insert(user.name.clone()) {
                return Ok(user);
            }
            Err(Skipped {
                name: user.name,
                reason: "there is another user of this name before it".to_owned(),
            })
        })
    };
    entries.into_iter().map(once).collect()
}

/// The keys among lines of another server's, and a note for each line that is none here: one that says more than a key, such
/// as `from=`, must not become one that says less.
pub fn keys_of(lines: &[String]) -> (Vec<String>, Vec<String>) {
    let mut keys = Vec::new();
    let mut notes = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match KeyLine::parse(line) {
            Ok(_) => keys.push(line.trim().to_owned()),
            Err(fault) => notes.push(format!("public key {} is left out: {fault}", index + 1)),
        }
    }
    (keys, notes)
}
