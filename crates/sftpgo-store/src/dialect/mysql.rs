//! MySQL 8 and MariaDB from 10.2 on.

use std::time::Duration;

use diesel::{
    MysqlConnection, QueryableByName, RunQueryDsl,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    result::QueryResult,
    sql_query,
    sql_types::{BigInt, Integer, Nullable, Text},
};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use sftpgo_core::UserId;

use super::{Column, Kind};
use crate::name_pattern;

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/mysql");
/// Do migrations run in a transaction? Here every change of a table commits what was done before it.
pub(crate) const MIGRATES_IN_TRANSACTION: bool = false;
pub(crate) const IS_SHARED: bool = true;
pub(crate) const NOW: &str = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";
pub(crate) const SENDS_ALL_ROWS: bool = true;
/// The number of connections unless an operator says otherwise. Each is a thread of the database, which has 151 of them
/// unless told otherwise.
pub(crate) const DEFAULT_POOL_SIZE: u32 = 16;

/// Settings of every new connection: what does not fit is an error, a transaction sees what others have committed, the
/// clock does not jump with daylight saving, who waits for a lock fails before the connection is given up, and whoever
/// stops within a transaction loses it. MySQL can end only connections for that, so the pool makes more there.
const ON_CONNECT: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
     SESSION time_zone = '+00:00', \
     SESSION innodb_lock_wait_timeout = 5, SESSION lock_wait_timeout = 5 \
     /*M!100300 , SESSION idle_transaction_timeout = 10 */ /*!80000 , SESSION wait_timeout = 30 */; \
     SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;";

/// The name of the lock that is held while tables are changed. Such names are one server's, so the database is in it.
const MIGRATION_LOCK: &str = "CONCAT('sftpgo-', SHA1(DATABASE()))";

#[derive(QueryableByName)]
struct NameAndType {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    of_type: String,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Nullable<BigInt>)]
    taken: Option<i64>,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

pub(crate) fn on_connect(connection: &mut MysqlConnection) -> QueryResult<()> {
    connection.batch_execute(ON_CONNECT)
}

pub(crate) fn begin(connection: &mut MysqlConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction(connection)
}

/// Commits always are, unless the operator of the database wants otherwise.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other databases have something to do"
)]
pub(crate) fn be_durable(_: &mut MysqlConnection, _: bool) -> QueryResult<()> {
    Ok(())
}

pub(crate) fn lock_user(connection: &mut MysqlConnection, id: UserId) -> QueryResult<()> {
    sql_query("SELECT id FROM users WHERE id = ? FOR UPDATE")
        .bind::<Integer, _>(id.0)
        .execute(connection)
        .map(drop)
}

pub(crate) fn lock_tables(connection: &mut MysqlConnection, limit: Duration) -> QueryResult<bool> {
    let seconds = limit.as_secs();
    connection.batch_execute(&format!("SET SESSION lock_wait_timeout = {seconds}"))?;
    let lock = format!("SELECT GET_LOCK({MIGRATION_LOCK}, {seconds}) AS taken");
    let Taken { taken } = sql_query(lock).get_result(connection)?;
    Ok(taken == Some(1))
}

pub(crate) fn unlock_tables(connection: &mut MysqlConnection) -> QueryResult<()> {
    connection.batch_execute(&format!("SELECT RELEASE_LOCK({MIGRATION_LOCK})"))
}

pub(crate) fn columns(connection: &mut MysqlConnection, table: &str) -> QueryResult<Vec<Column>> {
    let found: Vec<NameAndType> = sql_query(
        "SELECT LOWER(column_name) AS name, LOWER(data_type) AS of_type FROM information_schema.columns \
         WHERE table_schema = DATABASE() AND table_name = ?",
    )
    .bind::<Text, _>(table)
    .load(connection)?;
    let column = |NameAndType { name, of_type }| Column { name, of_type };
    Ok(found.into_iter().map(column).collect())
}

pub(crate) fn holds(kind: Kind, of_type: &str) -> bool {
    match kind {
        Kind::Integer => of_type == "int",
        Kind::BigInteger => of_type == "bigint",
        Kind::Name | Kind::Text => ["varchar", "text", "mediumtext", "longtext"].contains(&of_type),
    }
}

/// Under another name until it is whole: being cut off half-way leaves no half a copy.
pub(crate) fn copy_users(connection: &mut MysqlConnection) -> QueryResult<()> {
    if !columns(connection, "users_before_takeover")?.is_empty() {
        return Ok(());
    }
    connection.batch_execute(
        "DROP TABLE IF EXISTS users_before_takeover_unfinished; \
         CREATE TABLE users_before_takeover_unfinished AS SELECT * FROM users; \
         RENAME TABLE users_before_takeover_unfinished TO users_before_takeover;",
    )
}

/// A table has files of its own, which go with it.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other databases have something to do"
)]
pub(crate) fn erase_what_is_deleted(_: &mut MysqlConnection) -> QueryResult<()> {
    Ok(())
}

/// It is.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other databases have something to do"
)]
pub(crate) fn forget_what_was_deleted(_: &mut MysqlConnection) -> QueryResult<()> {
    Ok(())
}

/// A password hash is compared byte by byte too, so this is for the whole table; and what has transactions is InnoDB.
pub(crate) fn compare_bytes(connection: &mut MysqlConnection) -> QueryResult<()> {
    let Version { version } = sql_query("SELECT VERSION() AS version").get_result(connection)?;
    let collation = if version.contains("MariaDB") {
        "utf8mb4_nopad_bin"
    } else {
        "utf8mb4_0900_bin"
    };
    connection.batch_execute(&format!(
        "ALTER TABLE users ENGINE = InnoDB, ROW_FORMAT = DYNAMIC, \
         CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}"
    ))
}

pub(crate) fn name_contains(text: &str) -> (&'static str, String) {
    (
        "users.username REGEXP ",
        name_pattern::regular_expression(text),
    )
}

pub(crate) fn not_between(column: &str, least: i64, most: i64) -> String {
    format!("{column} NOT BETWEEN {least} AND {most}")
}
