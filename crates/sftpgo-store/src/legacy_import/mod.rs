//! The `users` table of SFTPGo 0.9.x, taken over in place.
//!
//! Two generations are known: the older lacks `expiration_date`, `last_login` and `status`; the newer has `filters`,
//! `filesystem` and `virtual_folders`, and permissions as an object from directory to names. A row of the newer that
//! says what this server cannot enforce keeps its object, which no login accepts.

mod meaning;

use std::collections::HashSet;

use diesel::{
    Connection as _, ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    result::QueryResult,
    sql_query,
    sql_types::{BigInt, Bool, Integer, Nullable, Text},
};
use sftpgo_core::{Error, ErrorKind, Result};

use crate::{
    connection::Connection,
    dialect::{self, Column, Kind},
    error::of_query,
    ran_migrations::versions,
    row::parse_permissions,
    schema::users,
};

const COLUMNS: [(&str, Kind); 16] = [
    ("id", Kind::Integer),
    ("username", Kind::Name),
    ("password", Kind::Name),
    ("public_keys", Kind::Text),
    ("home_dir", Kind::Name),
    ("uid", Kind::Integer),
    ("gid", Kind::Integer),
    ("max_sessions", Kind::Integer),
    ("quota_size", Kind::BigInteger),
    ("quota_files", Kind::Integer),
    ("permissions", Kind::Text),
    ("used_quota_size", Kind::BigInteger),
    ("used_quota_files", Kind::Integer),
    ("last_quota_update", Kind::BigInteger),
    ("upload_bandwidth", Kind::Integer),
    ("download_bandwidth", Kind::Integer),
];

/// Columns that there are since 2019-11-12, with what an older row means.
const ADDED: [(&str, Kind, &str); 3] = [
    (
        "expiration_date",
        Kind::BigInteger,
        "bigint NOT NULL DEFAULT 0",
    ),
    ("last_login", Kind::BigInteger, "bigint NOT NULL DEFAULT 0"),
    ("status", Kind::Integer, "integer NOT NULL DEFAULT 1"),
];

/// Columns of 0.9.5 and 0.9.6 that cannot be enforced unless they are empty.
const EXTRA: [&str; 3] = ["filters", "filesystem", "virtual_folders"];

/// Rows in memory at once.
const PAGE: usize = 1000;

#[derive(QueryableByName)]
struct OldRow {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Text)]
    username: String,
    #[diesel(sql_type = Text)]
    permissions: String,
    #[diesel(sql_type = Nullable<Text>)]
    filters: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    filesystem: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    virtual_folders: Option<String>,
    #[diesel(sql_type = Bool)]
    out_of_range: bool,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// What was taken over.
pub(crate) struct TakenOver {
    pub(crate) users: usize,
    /// Names of those whose rows stay as they were.
    pub(crate) shut_out: HashSet<String>,
}

/// What an operator should know of the rows.
#[derive(Default)]
struct Told {
    users: usize,
    /// The users whose rows are left as they were, and why.
    left: Vec<(String, String)>,
}

/// Is there a table that another installation made?
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) when it is not one of SFTPGo 0.9.x.
pub(crate) fn is_due(connection: &mut Connection) -> Result<bool> {
    Ok(foreign_columns(connection)?.is_some())
}

/// Converts a table that another installation made.
///
/// Every step may be taken twice: where the database cannot undo them all, one that was cut off is begun anew.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) when the table is not one of SFTPGo 0.9.x; nothing has changed then.
pub(crate) fn take_over(connection: &mut Connection) -> Result<Option<TakenOver>> {
    let Some(columns) = foreign_columns(connection)? else {
        return Ok(None);
    };
    let told = convert(connection, &columns).map_err(of_query)?;
    log::info!(
        "the table of an SFTPGo 0.9 database was taken over: {} users, {} of whom cannot log in; the old rows are in users_before_takeover",
        told.users,
        told.left.len()
    );
    for (username, reason) in &told.left {
        log::warn!("the user {username:?} was not taken over and cannot log in: {reason}");
    }
    let shut_out = told.left.into_iter().map(|(username, _)| username);
    Ok(Some(TakenOver {
        users: told.users,
        shut_out: shut_out.collect(),
    }))
}

/// Drops the copy of the old rows, and returns how many they were; none when there is no copy.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) when a take-over is still to be done.
pub(crate) fn drop_copy(connection: &mut Connection) -> Result<Option<i64>> {
    if is_due(connection)? {
        return Err(Error::new(
            ErrorKind::Invalid,
            "the users of an SFTPGo 0.9 database are not taken over yet: start the server or migrate first",
        ));
    }
    let columns = dialect::columns(connection, "users_before_takeover").map_err(of_query)?;
    if columns.is_empty() {
        return Ok(None);
    }
    let rows = sql_query("SELECT COUNT(*) AS number FROM users_before_takeover")
        .get_result::<Number>(connection)
        .map_err(of_query)?;
    connection
        .batch_execute("DROP TABLE users_before_takeover")
        .map_err(of_query)?;
    log::info!("the table users_before_takeover, the copy that a take-over left, was dropped");
    Ok(Some(rows.number))
}

/// The columns of a table `users` that no migration of ours has seen.
fn foreign_columns(connection: &mut Connection) -> Result<Option<Vec<Column>>> {
    let columns = dialect::columns(connection, "users").map_err(of_query)?;
    if columns.is_empty() || !versions(connection).map_err(of_query)?.is_empty() {
        return Ok(None);
    }
    check_is_known(connection, &columns)?;
    Ok(Some(columns))
}

fn check_is_known(connection: &mut Connection, columns: &[Column]) -> Result<()> {
    let refused = |reason: String| {
        Error::new(
            ErrorKind::Invalid,
            format!("the table users is not one of SFTPGo 0.9.x and is left alone: {reason}"),
        )
    };
    if let Some((missing, _)) = COLUMNS.iter().find(|(name, _)| !has(columns, name)) {
        return Err(refused(format!("its column {missing} is missing")));
    }
    for Column { name, of_type } in columns {
        // What a later release says in a column of its own could be a restriction.
        let Some(kind) = kind_of(name) else {
            return Err(refused(format!("its column {name} is unknown")));
        };
        if !dialect::holds(connection, kind, of_type) {
            return Err(refused(format!("its column {name} is of type {of_type}")));
        }
    }
    let folders = dialect::columns(connection, "folders_mapping").map_err(of_query)?;
    if !folders.is_empty() {
        return Err(refused("there is a table folders_mapping".to_owned()));
    }
    Ok(())
}

fn has(columns: &[Column], name: &str) -> bool {
    columns.iter().any(|column| column.name == name)
}

fn kind_of(column: &str) -> Option<Kind> {
    let added = ADDED.map(|(name, kind, _)| (name, kind));
    let extra = EXTRA.map(|name| (name, Kind::Text));
    let mut known = COLUMNS.iter().chain(&added).chain(&extra);
    known
        .find(|(name, _)| *name == column)
        .map(|(_, kind)| *kind)
}

fn convert(connection: &mut Connection, columns: &[Column]) -> QueryResult<Told> {
    // It exists when an earlier start was cut off after it was made.
    dialect::copy_users(connection)?;
    for (name, _, definition) in ADDED {
        if !has(columns, name) {
            connection
                .batch_execute(&format!("ALTER TABLE users ADD COLUMN {name} {definition}"))?;
        }
    }
    dialect::compare_bytes(connection)?;
    let mut told = Told::default();
    let mut after = i32::MIN;
    loop {
        let rows = old_rows(connection, columns, after)?;
        let Some(last) = rows.last() else {
            return Ok(told);
        };
        after = last.id;
        told.users += rows.len();
        connection.transaction(|connection| {
            rows.iter()
                .try_for_each(|row| convert_row(connection, row, &mut told))
        })?;
    }
}

fn convert_row(connection: &mut Connection, row: &OldRow, told: &mut Told) -> QueryResult<()> {
    match meaning::of(row) {
        Ok(permissions) => set_permissions(connection, row, &permissions),
        Err(reason) => {
            told.left.push((row.username.clone(), reason));
            if parse_permissions(&row.permissions).is_none() {
                return Ok(());
            }
            // The same in the newer form, so that no login accepts it.
            let object = format!("{{\"/\":{}}}", row.permissions);
            set_permissions(connection, row, &object)
        }
    }
}

/// The next rows by id.
fn old_rows(
    connection: &mut Connection,
    columns: &[Column],
    after: i32,
) -> QueryResult<Vec<OldRow>> {
    let extra = EXTRA.map(|name| {
        if has(columns, name) {
            name.to_owned()
        } else {
            format!("NULL AS {name}")
        }
    });
    // SQLite keeps any value in any column, and a limit cut to 32 bits may become none.
    let out_of_range = [
        ("uid", 0, i64::from(i32::MAX)),
        ("gid", 0, i32::MAX.into()),
        ("max_sessions", 0, i32::MAX.into()),
        ("quota_size", 0, i64::MAX),
        ("quota_files", 0, i32::MAX.into()),
        ("used_quota_size", i64::MIN, i64::MAX),
        ("used_quota_files", i32::MIN.into(), i32::MAX.into()),
        ("upload_bandwidth", 0, i32::MAX.into()),
        ("download_bandwidth", 0, i32::MAX.into()),
        ("expiration_date", 0, i64::MAX),
        ("status", i32::MIN.into(), i32::MAX.into()),
    ]
    .map(|(name, least, most)| dialect::not_between(connection, name, least, most))
    .join(" OR ");
    sql_query(format!(
        "SELECT id, username, permissions, {}, ({out_of_range}) AS out_of_range FROM users \
         WHERE id > {after} ORDER BY id LIMIT {PAGE}",
        extra.join(", ")
    ))
    .load(connection)
}

fn set_permissions(connection: &mut Connection, row: &OldRow, json: &str) -> QueryResult<()> {
    if json == row.permissions {
        return Ok(());
    }
    diesel::update(users::table.find(row.id))
        .set(users::permissions.eq(json))
        .execute(connection)
        .map(drop)
}
