//! The one place that names the database's types.

/// A connection to the database.
pub(crate) type Connection = diesel::SqliteConnection;

/// The database.
pub(crate) type Backend = diesel::sqlite::Sqlite;
