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

/// Evaluates an expression with the inner connection and the dialect of its database.
#[cfg(not(any(feature = "postgres", feature = "mysql")))]
macro_rules! by_database {
    ($connection:expr, |$inner:ident, $dialect:ident| $body:expr) => {{
        use $crate::dialect::sqlite as $dialect;
        let $inner = $connection;
        $body
    }};
}

/// Evaluates an expression with the inner connection and the dialect of its database.
#[cfg(any(feature = "postgres", feature = "mysql"))]
macro_rules! by_database {
    ($connection:expr, |$inner:ident, $dialect:ident| $body:expr) => {
        match $connection {
            #[cfg(feature = "sqlite")]
            $crate::connection::Connection::Sqlite($inner) => {
                use $crate::dialect::sqlite as $dialect;
                $body
            }
            #[cfg(feature = "postgres")]
            $crate::connection::Connection::Postgres($inner) => {
                use $crate::dialect::postgres as $dialect;
                $body
            }
            #[cfg(feature = "mysql")]
            $crate::connection::Connection::Mysql($inner) => {
                use $crate::dialect::mysql as $dialect;
                $body
            }
        }
    };
}

pub(crate) use by_database;
