//! SQLite. One that writes keeps all others who write waiting; readers never wait.

use std::time::Duration;

use diesel::{
    QueryableByName, RunQueryDsl, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection},
    result::{Error as DieselError, QueryResult},
    sql_query,
    sql_types::Text,
};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use sftpgo_core::UserId;

use super::{Column, Kind};
use crate::name_pattern;

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
pub(crate) const MIGRATES_IN_TRANSACTION: bool = true;
/// One server, until another is about to follow it.
pub(crate) const IS_SHARED: bool = false;
pub(crate) const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
pub(crate) const SENDS_ALL_ROWS: bool = false;
/// Writes are one at a time, and reads of single rows are short: more connections would only wait.
pub(crate) const DEFAULT_POOL_SIZE: u32 = 8;

/// Settings of every new connection.
///
/// The busy timeout comes first, so that the change to WAL waits for others too. With WAL, `NORMAL` cannot corrupt
/// the database; a power cut may cost the last commits, all but those of [`super::write_durably`]. What is sorted stays in
/// memory: a server that is confined may write to no directory for it.
const ON_CONNECT: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";

#[derive(QueryableByName)]
struct NameAndType {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    of_type: String,
}

pub(crate) fn on_connect(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute(ON_CONNECT)
}

/// Begins a transaction that takes the write lock at its beginning: one that reads first and writes then fails at once,
/// without waiting, when another has written in between.
pub(crate) fn begin(connection: &mut SqliteConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
}

pub(crate) fn be_durable(connection: &mut SqliteConnection, durable: bool) -> QueryResult<()> {
    connection.batch_execute(if durable {
        "PRAGMA synchronous = FULL"
    } else {
        "PRAGMA synchronous = NORMAL"
    })
}

/// Whoever writes is alone.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other databases have something to do"
)]
pub(crate) fn lock_user(_: &mut SqliteConnection, _: UserId) -> QueryResult<()> {
    Ok(())
}

pub(crate) fn lock_tables(connection: &mut SqliteConnection, limit: Duration) -> QueryResult<bool> {
    connection.batch_execute(&format!(
        "PRAGMA busy_timeout = {}; PRAGMA synchronous = FULL",
        limit.as_millis()
    ))?;
    match begin(connection) {
        Err(DieselError::DatabaseError(_, information))
            if information.message().contains("locked") =>
        {
            Ok(false)
        }
        begun => begun.map(|()| true),
    }
}

pub(crate) fn unlock_tables(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute(ON_CONNECT)
}

pub(crate) fn columns(connection: &mut SqliteConnection, table: &str) -> QueryResult<Vec<Column>> {
    let found: Vec<NameAndType> =
        sql_query("SELECT lower(name) AS name, lower(type) AS of_type FROM pragma_table_info(?)")
            .bind::<Text, _>(table)
            .load(connection)?;
    let column = |NameAndType { name, of_type }| Column { name, of_type };
    Ok(found.into_iter().map(column).collect())
}

/// Says yes: any column holds any value, and [`not_between`] looks at each.
pub(crate) fn holds(_: Kind, _: &str) -> bool {
    true
}

pub(crate) fn copy_users(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection
        .batch_execute("CREATE TABLE IF NOT EXISTS users_before_takeover AS SELECT * FROM users")
}

/// Pages that become free keep what they held otherwise.
pub(crate) fn erase_what_is_deleted(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute("PRAGMA secure_delete = ON")
}

/// The log of changes has the pages as they were. While a server reads an old one, the log stays until it ends.
pub(crate) fn forget_what_was_deleted(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
}

/// They are.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other databases have something to do"
)]
pub(crate) fn compare_bytes(_: &mut SqliteConnection) -> QueryResult<()> {
    Ok(())
}

pub(crate) fn name_contains(text: &str) -> (&'static str, String) {
    ("users.username GLOB ", name_pattern::glob(text))
}

pub(crate) fn not_between(column: &str, least: i64, most: i64) -> String {
    format!("typeof({column}) <> 'integer' OR {column} NOT BETWEEN {least} AND {most}")
}
