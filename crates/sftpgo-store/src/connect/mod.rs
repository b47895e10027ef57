//! From a place to a connection: each database has its own words for the same settings.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod roots;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;

use diesel::ConnectionResult;
use sftpgo_core::Result;

#[cfg(feature = "sqlite")]
pub(crate) use self::sqlite::File;
use crate::{ConnectOptions, connection::Connection};

/// What a database's own library needs to know to connect.
pub(crate) enum Target {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::File),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Conninfo),
    #[cfg(feature = "mysql")]
    Mysql(mysql::Url),
}

impl Target {
    /// Makes the target for these options.
    ///
    /// # Errors
    /// [`Invalid`](sftpgo_core::ErrorKind::Invalid) when it cannot be one, or this build has no such database.
    pub(crate) fn of(options: &ConnectOptions) -> Result<Self> {
        match options {
            #[cfg(feature = "sqlite")]
            ConnectOptions::Sqlite(path) => sqlite::File::of(path).map(Self::Sqlite),
            #[cfg(feature = "postgres")]
            ConnectOptions::Postgres(server) => postgres::Conninfo::of(server).map(Self::Postgres),
            #[cfg(feature = "postgres")]
            ConnectOptions::PostgresText(text) => {
                postgres::Conninfo::parse(&text.0).map(Self::Postgres)
            }
            #[cfg(feature = "mysql")]
            ConnectOptions::Mysql(server) => mysql::Url::of(server).map(Self::Mysql),
            #[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
            _ => Err(sftpgo_core::Error::new(
                sftpgo_core::ErrorKind::Invalid,
                "this build has no driver for this database",
            )),
        }
    }

    /// Makes the database if it is one that can be made by connecting to it.
    ///
    /// # Errors
    /// [`Invalid`](sftpgo_core::ErrorKind::Invalid) when it cannot be.
    pub(crate) fn prepare(&self) -> Result<()> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(file) => file.create(),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            _ => Ok(()),
        }
    }

    /// Is there a database to connect to, as far as can be told before?
    pub(crate) fn exists(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(file) => file.exists(),
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            _ => true,
        }
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> ConnectionResult<Connection> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(file) => file.connect(),
            #[cfg(feature = "postgres")]
            Self::Postgres(conninfo) => conninfo.connect(),
            #[cfg(feature = "mysql")]
            Self::Mysql(url) => url.connect(),
        }
    }

    /// Connections at the most unless somebody says otherwise.
    pub(crate) fn default_pool_size(&self) -> u32 {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => crate::dialect::sqlite::DEFAULT_POOL_SIZE,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => crate::dialect::postgres::DEFAULT_POOL_SIZE,
            #[cfg(feature = "mysql")]
            Self::Mysql(_) => crate::dialect::mysql::DEFAULT_POOL_SIZE,
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target")
    }
}
