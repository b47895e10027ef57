//! The one place that names the databases' types.
//!
//! With SQLite alone a connection is SQLite's own; with another database built in it is one of several, and which is
//! told at run time.

#[cfg(not(any(feature = "postgres", feature = "mysql")))]
mod kinds {
    pub(crate) use diesel::{SqliteConnection as AnyConnection, sqlite::Sqlite as MultiBackend};
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
#[allow(
    missing_docs,
    unreachable_patterns,
    unreachable_pub,
    clippy::expect_used,
    reason = "what diesel's derive makes"
)]
mod kinds {
    #[derive(diesel::MultiConnection)]
    pub(crate) enum AnyConnection {
        #[cfg(feature = "sqlite")]
        Sqlite(diesel::SqliteConnection),
        #[cfg(feature = "postgres")]
        Postgres(diesel::PgConnection),
        #[cfg(feature = "mysql")]
        Mysql(diesel::MysqlConnection),
    }
}

/// A connection to the database.
pub(crate) type Connection = kinds::AnyConnection;

/// The database.
pub(crate) type Backend = kinds::MultiBackend;

/// What a connection is made from.
pub(crate) mod made_of {
    use super::Connection;

    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite(inner: diesel::SqliteConnection) -> Connection {
        #[cfg(not(any(feature = "postgres", feature = "mysql")))]
        return inner;
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        Connection::Sqlite(inner)
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn postgres(inner: diesel::PgConnection) -> Connection {
        Connection::Postgres(inner)
    }

    #[cfg(feature = "mysql")]
    pub(crate) fn mysql(inner: diesel::MysqlConnection) -> Connection {
        Connection::Mysql(inner)
    }
}
