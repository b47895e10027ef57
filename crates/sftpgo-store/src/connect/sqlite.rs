//! An SQLite file.

use std::{
    fs::OpenOptions,
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf, absolute},
};

use diesel::{Connection as _, ConnectionResult, SqliteConnection};
use sftpgo_core::{Error, ErrorKind, Result};

use crate::connection::{Connection, made_of};

/// The file, and what SQLite calls it.
pub(crate) struct File {
    path: PathBuf,
    url: String,
}

impl File {
    pub(super) fn of(path: &Path) -> Result<Self> {
        let path = absolute(path).map_err(|error| unusable(path, &error))?;
        let url = url_of(&path);
        Ok(Self { path, url })
    }

    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Makes the file if it is missing. SQLite does not: the file holds password hashes, so nobody else may read it.
    pub(super) fn create(&self) -> Result<()> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)
            .map(drop)
            .map_err(|error| unusable(&self.path, &error).with_source(error))
    }

    pub(crate) fn connect(&self) -> ConnectionResult<Connection> {
        SqliteConnection::establish(&self.url).map(made_of::sqlite)
    }
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("the database file {path:?} cannot be used: {reason}"),
    )
}

/// Opens the file only if it is there: one that is gone for a while must not be replaced by an empty one.
fn url_of(path: &Path) -> String {
    let mut url = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                url.push(char::from(*byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url + "?mode=rw"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_bytes_of_a_path_stand_for_themselves_in_a_url() {
        let path = Path::new("/srv/a-b_c.D9/%?#: é");
        assert_eq!(
            url_of(path),
            "file:/srv/a-b_c.D9/%25%3F%23%3A%20%C3%A9?mode=rw"
        );
    }
}
