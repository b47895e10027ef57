//! What differs from database to database.

use diesel::{RunQueryDsl, connection::SimpleConnection, result::QueryResult};

use crate::connection::Connection;

/// Settings of every new connection.
///
/// The busy timeout comes first, so that the change to WAL waits for others too. With WAL, `NORMAL` cannot corrupt
/// the database; a power cut may cost the last commits, all but those of [`write_durably`].
const ON_CONNECT: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;";

/// Whether a connection may have ended since it was used last, so that it has to be asked first. One to a file does not.
pub(crate) const CONNECTIONS_BREAK: bool = false;

/// Prepares a new connection.
pub(crate) fn on_connect(connection: &mut Connection) -> QueryResult<()> {
    connection.batch_execute(ON_CONNECT)
}

/// Runs `work` in a transaction that writes.
///
/// It takes the write lock at its beginning: one that reads first and writes then fails at once, without waiting,
/// when another has written in between.
pub(crate) fn write<T, E: From<diesel::result::Error>>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    connection.immediate_transaction(work)
}

/// As [`write`], and what was committed so far survives a power cut once this returns.
pub(crate) fn write_durably<T, E: From<diesel::result::Error>>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    connection.batch_execute("PRAGMA synchronous = FULL")?;
    let written = write(connection, work);
    connection.batch_execute("PRAGMA synchronous = NORMAL")?;
    written
}

/// The cheapest question that the database answers only when it can read its tables.
pub(crate) fn ping(connection: &mut Connection) -> QueryResult<()> {
    diesel::sql_query("SELECT 1 FROM users LIMIT 1")
        .execute(connection)
        .map(drop)
}
