//! What differs from database to database: one file for each, with the same items.

#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use std::time::Duration;

use diesel::{
    RunQueryDsl,
    connection::TransactionManager,
    result::{DatabaseErrorKind, Error as DieselError, QueryResult},
};
use diesel_migrations::EmbeddedMigrations;
use sftpgo_core::{Error, ErrorKind, Result, UserId};

use crate::{connection::Connection, error::of_query};

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

type Transactions = <Connection as diesel::Connection>::TransactionManager;

/// A database may end a transaction so that another can go on; then it is begun again, this often at the most.
const TRIES: u32 = 5;

/// A column of a table, with its type as the database calls it.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) of_type: String,
}

/// What a column of `users` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number of 32 bits.
    Integer,
    /// A number of 64 bits.
    BigInteger,
    /// Text of at most 255 characters.
    Name,
    /// Text of any length.
    Text,
}

/// Prepares a new connection.
pub(crate) fn on_connect(connection: &mut Connection) -> QueryResult<()> {
    by_database!(connection, |inner, dialect| dialect::on_connect(inner))
}

/// Runs `work` in a transaction that writes. It may run more than once; only the last time counts. Nothing is committed
/// once nobody waits for it: who called does something else instead by then.
pub(crate) fn write<T>(
    connection: &mut Connection,
    is_waited_for: &dyn Fn() -> bool,
    mut work: impl FnMut(&mut Connection) -> QueryResult<T>,
) -> QueryResult<T> {
    let mut tries = 1;
    loop {
        by_database!(&mut *connection, |inner, dialect| dialect::begin(inner))?;
        let written = end_transaction(connection, |connection| {
            let done = work(connection)?;
            if is_waited_for() {
                Ok(done)
            } else {
                Err(DieselError::RollbackTransaction)
            }
        });
        match &written {
            Err(error) if tries < TRIES && was_in_the_way(error) => tries += 1,
            _ => return written,
        }
    }
}

/// As [`write`], and what was committed so far survives a power cut once this returns.
pub(crate) fn write_durably<T>(
    connection: &mut Connection,
    is_waited_for: &dyn Fn() -> bool,
    work: impl FnMut(&mut Connection) -> QueryResult<T>,
) -> QueryResult<T> {
    by_database!(&mut *connection, |inner, dialect| dialect::be_durable(
        inner, true
    ))?;
    let written = write(connection, is_waited_for, work);
    by_database!(connection, |inner, dialect| dialect::be_durable(
        inner, false
    ))?;
    written
}

/// Commits what `work` did in the transaction that was begun, or undoes it.
fn end_transaction<T, E: From<DieselError>>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    match work(connection) {
        Ok(done) => {
            Transactions::commit_transaction(connection)?;
            Ok(done)
        }
        Err(error) => match Transactions::rollback_transaction(connection) {
            // What failed first says more; a connection that is gone has undone it anyway.
            Ok(()) | Err(DieselError::BrokenTransactionManager) => Err(error),
            Err(_) => Err(error),
        },
    }
}

/// Was this transaction ended for another's sake?
fn was_in_the_way(error: &DieselError) -> bool {
    matches!(
        error,
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)
    ) || matches!(error, DieselError::DatabaseError(_, information) if information.message().starts_with("deadlock detected"))
}

/// Makes other transactions that lock the same user wait until this one ends. Inside of [`write`].
pub(crate) fn lock_user(connection: &mut Connection, id: UserId) -> QueryResult<()> {
    by_database!(connection, |inner, dialect| dialect::lock_user(inner, id))
}

/// The cheapest question that the database answers only when it can read its tables.
pub(crate) fn ping(connection: &mut Connection) -> QueryResult<()> {
    diesel::sql_query("SELECT 1 FROM users LIMIT 1")
        .execute(connection)
        .map(drop)
}

/// Is the database one that several servers use at a time?
pub(crate) fn is_shared(connection: &Connection) -> bool {
    by_database!(connection, |_inner, dialect| dialect::IS_SHARED)
}

/// SQL for the database's own time, in milliseconds.
pub(crate) fn now(connection: &Connection) -> &'static str {
    by_database!(connection, |_inner, dialect| dialect::NOW)
}

/// Does the database send all rows of a result before the first is read?
pub(crate) fn sends_all_rows(connection: &Connection) -> bool {
    by_database!(connection, |_inner, dialect| dialect::SENDS_ALL_ROWS)
}

/// Returns the migrations that bring the tables up to date.
pub(crate) fn migrations(connection: &Connection) -> EmbeddedMigrations {
    by_database!(connection, |_inner, dialect| dialect::MIGRATIONS)
}

/// Runs `work` while no other server changes the tables, in one transaction where the database can do that.
///
/// # Errors
/// [`Unavailable`](ErrorKind::Unavailable) when another server is at it for longer than `limit`.
pub(crate) fn alone<T>(
    connection: &mut Connection,
    limit: Duration,
    work: impl FnOnce(&mut Connection) -> Result<T>,
) -> Result<T> {
    let taken = by_database!(&mut *connection, |inner, dialect| dialect::lock_tables(
        inner, limit
    ))
    .map_err(of_query)?;
    if !taken {
        return Err(Error::new(
            ErrorKind::Unavailable,
            format!(
                "another server has been migrating this database for {} seconds",
                limit.as_secs()
            ),
        ));
    }
    let in_transaction = by_database!(&*connection, |_inner, dialect| {
        dialect::MIGRATES_IN_TRANSACTION
    });
    let done = if in_transaction {
        end_transaction(connection, |connection| {
            work(connection).map_err(Failed::Work)
        })
        .map_err(Failed::into_error)
    } else {
        work(connection)
    };
    by_database!(connection, |inner, dialect| dialect::unlock_tables(inner)).map_err(of_query)?;
    done
}

/// Why a migration ended.
enum Failed {
    Work(Error),
    Query(DieselError),
}

impl Failed {
    fn into_error(self) -> Error {
        match self {
            Self::Work(error) => error,
            Self::Query(error) => of_query(error),
        }
    }
}

impl From<DieselError> for Failed {
    fn from(error: DieselError) -> Self {
        Self::Query(error)
    }
}

/// The columns of a table; none when there is no such table.
pub(crate) fn columns(connection: &mut Connection, table: &str) -> QueryResult<Vec<Column>> {
    by_database!(connection, |inner, dialect| dialect::columns(inner, table))
}

/// Can a column of this type be used for that?
pub(crate) fn holds(connection: &Connection, kind: Kind, of_type: &str) -> bool {
    by_database!(connection, |_inner, dialect| dialect::holds(kind, of_type))
}

/// Copies the table `users` to `users_before_takeover`, unless that is there.
pub(crate) fn copy_users(connection: &mut Connection) -> QueryResult<()> {
    by_database!(connection, |inner, dialect| dialect::copy_users(inner))
}

/// Deletes what is deleted next in a way that leaves nothing of it to be read. Outside of transactions.
pub(crate) fn erase_what_is_deleted(connection: &mut Connection) -> QueryResult<()> {
    by_database!(connection, |inner, dialect| dialect::erase_what_is_deleted(
        inner
    ))
}

/// Sees to it that what was deleted is in no file of the database any more. Outside of transactions.
pub(crate) fn forget_what_was_deleted(connection: &mut Connection) -> QueryResult<()> {
    by_database!(connection, |inner, dialect| {
        dialect::forget_what_was_deleted(inner)
    })
}

/// Makes the names of a table that was taken over be compared and sorted byte by byte.
pub(crate) fn compare_bytes(connection: &mut Connection) -> QueryResult<()> {
    by_database!(connection, |inner, dialect| dialect::compare_bytes(inner))
}

/// SQL for: the name of a user has this text in it, whatever the case of its letters. What is returned is the beginning of
/// the expression and the pattern that it ends with, to be bound.
pub(crate) fn name_contains(connection: &Connection, text: &str) -> (&'static str, String) {
    by_database!(connection, |_inner, dialect| dialect::name_contains(text))
}

/// SQL for: this column holds no whole number between these two.
pub(crate) fn not_between(connection: &Connection, column: &str, least: i64, most: i64) -> String {
    by_database!(connection, |_inner, dialect| dialect::not_between(
        column, least, most
    ))
}
