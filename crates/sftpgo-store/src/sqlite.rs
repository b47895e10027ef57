//! The provider over an SQLite file.

use std::{
    fs::OpenOptions,
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf, absolute},
    sync::Mutex,
};

use diesel::Connection as _;
use sftpgo_core::{Error, ErrorKind, Result, provider::Health};

use crate::{
    connection::Connection, dialect, error, flaws, flaws::AlreadyTold, migrate, pool::Pool,
};

/// Where the database is and how many connections it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The database file; created when it is missing.
    pub path: PathBuf,
    /// Connections at the most; 0 is the default number.
    pub pool_size: u32,
}

/// Users in an SQLite database.
pub struct SqliteProvider {
    pub(crate) pool: Pool,
    already_told: AlreadyTold,
}

impl SqliteProvider {
    /// Opens the database, and creates, takes over or migrates it as needed.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when the path cannot be used or a foreign table is in the way,
    /// [`Unavailable`](ErrorKind::Unavailable) when the file cannot be opened or read.
    pub fn open(config: &StoreConfig) -> Result<Self> {
        let url = url_of(&prepare_file(&config.path)?);
        // A connection of its own: a pool would retry for its whole timeout before it says why it fails.
        let mut first = Connection::establish(&url).map_err(error::of_connecting)?;
        dialect::on_connect(&mut first).map_err(error::of_query)?;
        let already_told = migrate::bring_up_to_date(&mut first)?;
        Ok(Self {
            pool: Pool::new(&url, config.pool_size),
            already_told: Mutex::new(already_told),
        })
    }
}

impl Health for SqliteProvider {
    fn check(&self) -> Result<()> {
        dialect::ping(&mut *self.pool.connection()?).map_err(error::of_query)
    }

    fn report_flaws(&self) -> Result<()> {
        flaws::report(&self.pool, &self.already_told)
    }
}

/// The absolute path of the database file, which exists from here on.
fn prepare_file(path: &Path) -> Result<PathBuf> {
    let unusable = |reason: &dyn std::fmt::Display| {
        Error::new(
            ErrorKind::Invalid,
            format!("the database file {path:?} cannot be used: {reason}"),
        )
    };
    let absolute = absolute(path).map_err(|error| unusable(&error))?;
    // Made here and not by SQLite: it holds password hashes, so nobody else may read it.
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&absolute)
        .map_err(|error| unusable(&error).with_source(error))?;
    Ok(absolute)
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
