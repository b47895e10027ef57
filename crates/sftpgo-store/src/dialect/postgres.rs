//! PostgreSQL.

use std::time::Duration;

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    result::{Error as DieselError, QueryResult},
    sql_query,
    sql_types::{Integer, Text},
};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use sftpgo_core::UserId;

use super::{Column, Kind};
use crate::name_pattern;

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
pub(crate) const MIGRATES_IN_TRANSACTION: bool = true;
pub(crate) const IS_SHARED: bool = true;
pub(crate) const NOW: &str = "CAST(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP()) * 1000 AS bigint)";
pub(crate) const SENDS_ALL_ROWS: bool = true;
/// The number of connections unless an operator says otherwise. Each is a process of the database, which has 100 of them
/// unless told otherwise.
pub(crate) const DEFAULT_POOL_SIZE: u32 = 16;

/// Settings of every new connection. Who waits for a lock fails before the connection is given up, and a server that
/// vanished does not keep its locks.
const ON_CONNECT: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; \
     SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '10s';";

/// The number of the lock that is held while tables are changed: "sftpgo" as a number.
const MIGRATION_LOCK: i64 = 0x7366_7470_676f;

#[derive(QueryableByName)]
struct NameAndType {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    of_type: String,
}

pub(crate) fn on_connect(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(ON_CONNECT)
}

pub(crate) fn begin(connection: &mut PgConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction(connection)
}

/// Commits always are, unless the operator of the database wants otherwise.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other databases have something to do"
)]
pub(crate) fn be_durable(_: &mut PgConnection, _: bool) -> QueryResult<()> {
    Ok(())
}

pub(crate) fn lock_user(connection: &mut PgConnection, id: UserId) -> QueryResult<()> {
    sql_query("SELECT id FROM users WHERE id = $1 FOR UPDATE")
        .bind::<Integer, _>(id.0)
        .execute(connection)
        .map(drop)
}

/// The lock goes with the transaction.
pub(crate) fn lock_tables(connection: &mut PgConnection, limit: Duration) -> QueryResult<bool> {
    begin(connection)?;
    connection.batch_execute(&format!(
        "SET LOCAL lock_timeout = '{}s'; SET LOCAL idle_in_transaction_session_timeout = 0",
        limit.as_secs()
    ))?;
    match connection.batch_execute(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")) {
        Err(DieselError::DatabaseError(_, information))
            if information.message().contains("lock timeout") =>
        {
            AnsiTransactionManager::rollback_transaction(connection)?;
            Ok(false)
        }
        locked => locked.map(|()| true),
    }
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "other databases have something to do"
)]
pub(crate) fn unlock_tables(_: &mut PgConnection) -> QueryResult<()> {
    Ok(())
}

pub(crate) fn columns(connection: &mut PgConnection, table: &str) -> QueryResult<Vec<Column>> {
    let found: Vec<NameAndType> = sql_query(
        "SELECT column_name::text AS name, data_type::text AS of_type FROM information_schema.columns \
         WHERE table_schema = current_schema() AND table_name = $1",
    )
    .bind::<Text, _>(table)
    .load(connection)?;
    let column = |NameAndType { name, of_type }| Column { name, of_type };
    Ok(found.into_iter().map(column).collect())
}

pub(crate) fn holds(kind: Kind, of_type: &str) -> bool {
    match kind {
        Kind::Integer => of_type == "integer",
        Kind::BigInteger => of_type == "bigint",
        Kind::Name | Kind::Text => ["character varying", "text"].contains(&of_type),
    }
}

pub(crate) fn copy_users(connection: &mut PgConnection) -> QueryResult<()> {
    connection
        .batch_execute("CREATE TABLE IF NOT EXISTS users_before_takeover AS SELECT * FROM users")
}

/// A table has files of its own, which go with it.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other databases have something to do"
)]
pub(crate) fn erase_what_is_deleted(_: &mut PgConnection) -> QueryResult<()> {
    Ok(())
}

/// It is.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other databases have something to do"
)]
pub(crate) fn forget_what_was_deleted(_: &mut PgConnection) -> QueryResult<()> {
    Ok(())
}

/// The table stays as it is, only the index is made anew.
pub(crate) fn compare_bytes(connection: &mut PgConnection) -> QueryResult<()> {
    connection
        .batch_execute(r#"ALTER TABLE users ALTER COLUMN username TYPE varchar(255) COLLATE "C""#)
}

pub(crate) fn name_contains(text: &str) -> (&'static str, String) {
    ("users.username ~ ", name_pattern::regular_expression(text))
}

pub(crate) fn not_between(column: &str, least: i64, most: i64) -> String {
    format!("{column} NOT BETWEEN {least} AND {most}")
}
