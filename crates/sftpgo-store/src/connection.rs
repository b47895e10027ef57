//! The one place that names the database's connection type.

/// A connection to the database.
pub(crate) type Connection = diesel::SqliteConnection;
