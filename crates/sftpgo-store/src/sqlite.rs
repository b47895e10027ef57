//! The provider over an SQLite file.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf, absolute},
};

use diesel::Connection as _;
use sftpgo_core::{Error, ErrorKind, Result, provider::Health};

use crate::{connection::Connection, dialect, error, migrate, pool::Pool};

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
}

impl SqliteProvider {
    /// Opens the database, and creates, takes over or migrates it as needed.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when the path cannot be used or a foreign table is in the way,
    /// [`Unavailable`](ErrorKind::Unavailable) when the file cannot be opened or read.
    pub fn open(config: &StoreConfig) -> Result<Self> {
        let path = prepare_file(&config.path)?;
        // A connection of its own: a pool would retry for its whole timeout before it says why it fails.
        let mut first = Connection::establish(&path).map_err(error::of_connecting)?;
        dialect::on_connect(&mut first).map_err(error::of_query)?;
        migrate::bring_up_to_date(&mut first)?;
        Ok(Self {
            pool: Pool::new(&path, config.pool_size),
        })
    }
}

impl Health for SqliteProvider {
    fn check(&self) -> Result<()> {
        dialect::ping(&mut *self.pool.connection()?).map_err(error::of_query)
    }
}

/// The absolute path of the database file, which exists from here on.
fn prepare_file(path: &Path) -> Result<String> {
    let unusable = |reason: &dyn std::fmt::Display| {
        Error::new(
            ErrorKind::Invalid,
            format!("the database file {path:?} cannot be used: {reason}"),
        )
    };
    // Absolute, so that no name is taken for a URI or a database in memory.
    let absolute = absolute(path).map_err(|error| unusable(&error))?;
    let text = absolute
        .to_str()
        .ok_or_else(|| unusable(&"its name is not UTF-8"))?
        .to_owned();
    // Made here and not by SQLite: it holds password hashes, so nobody else may read it.
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&absolute)
        .map_err(|error| unusable(&error).with_source(error))?;
    Ok(text)
}
