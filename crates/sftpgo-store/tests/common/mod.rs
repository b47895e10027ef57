//! A database of a test's own.
#![allow(dead_code)] // no test program uses all of it

#[cfg(any(feature = "postgres", feature = "mysql"))]
use sftpgo_databases::{Database, Kind, PASSWORD, USER};
use sftpgo_store::{DatabaseProvider, StoreConfig};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use sftpgo_store::{Secret, Server, Tls};
use tempfile::TempDir;

/// Where a test keeps its users.
pub(crate) enum Place {
    File(TempDir),
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    Server(Database),
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn server(kind: Kind) -> Self {
        Self::Server(Database::new(kind))
    }

    pub(crate) fn config(&self, pool_size: u32) -> StoreConfig {
        let place = match self {
            Self::File(directory) => {
                sftpgo_store::ConnectOptions::Sqlite(directory.path().join("users.db"))
            }
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            Self::Server(database) => place_of(database, &database.name),
        };
        StoreConfig {
            connect_options: place,
            pool_size,
        }
    }

    pub(crate) fn open(&self) -> sftpgo_core::Result<DatabaseProvider> {
        DatabaseProvider::open(&self.config(0))
    }
}

/// A database of a server.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn place_of(
    server: &sftpgo_databases::Server,
    database: &str,
) -> sftpgo_store::ConnectOptions {
    let place = address_of(server, database);
    match server.kind {
        Kind::Postgres => sftpgo_store::ConnectOptions::Postgres(place),
        Kind::Mariadb => sftpgo_store::ConnectOptions::Mysql(place),
    }
}

/// The same, to be changed.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn address_of(server: &sftpgo_databases::Server, database: &str) -> Server {
    Server {
        host: "127.0.0.1".to_owned(),
        port: server.port,
        database: database.to_owned(),
        username: USER.to_owned(),
        password: Secret(PASSWORD.to_owned()),
        tls: Tls::Off,
        root_certificates: None,
    }
}

/// A user called `username`.
pub(crate) fn user(username: &str) -> sftpgo_core::StoredUser {
    sftpgo_core::StoredUser {
        id: sftpgo_core::UserId(0),
        enabled: true,
        username: username.to_owned(),
        expiration_date: 0,
        password: Some("hash".to_owned()),
        public_keys: Vec::new(),
        home_dir: "/srv/home".into(),
        uid: 0,
        gid: 0,
        max_sessions: 0,
        quota_size: 0,
        quota_files: 0,
        permissions: sftpgo_core::Permissions::all(),
        upload_bandwidth: 0,
        download_bandwidth: 0,
        filters: sftpgo_core::user::UserFilters::default(),
        spent_steps: 0,
        usage: sftpgo_core::storage_usage::Usage::default(),
        last_login: 0,
    }
}

/// A provider there, and the place, which goes with its test.
pub(crate) fn provider(place: Place) -> (DatabaseProvider, Place) {
    (place.open().unwrap(), place)
}

/// No connection could be opened in time: on a busy machine that says nothing about the server.
pub(crate) fn took_too_long(error: &sftpgo_core::Error) -> bool {
    let too_slow = ["were busy for", "timeout expired", "(110", "error: 110"];
    too_slow.iter().any(|text| error.message().contains(text))
}

/// One module of tests for each database.
#[allow(unused_macros)]
macro_rules! on_each {
    ($($test:ident),* $(,)?) => {
        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[test] fn $test() { crate::$test(sftpgo_databases::Kind::Postgres); })*
        }
        #[cfg(feature = "mysql")]
        mod mariadb {
            $(#[test] fn $test() { crate::$test(sftpgo_databases::Kind::Mariadb); })*
        }
    };
}

#[allow(unused_imports)]
pub(crate) use on_each;
