//! A database at start-up: new, ours, or another installation's.

use std::{error::Error as StdError, time::Duration};

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl,
    dsl::not,
    migration::{Migration, MigrationSource},
    result::QueryResult,
};
use diesel_migrations::MigrationHarness;
use sftpgo_core::{Error, ErrorKind, Result};

use crate::{
    connection::{Backend, Connection},
    dialect,
    error::of_query,
    legacy_import::{self, TakenOver},
    ran_migrations::versions,
    schema::{admins, api_keys, ip_lists, quota_shares, servers, users},
};

/// The time that another server's migrations are waited for. It may take over a large table; past this something is wrong
/// with it.
pub(crate) const WAIT_FOR_OTHERS: Duration = Duration::from_secs(60);

/// What was done to bring a database up to date.
pub(crate) struct Done {
    pub(crate) taken_over: Option<TakenOver>,
    /// Names of migrations, in order.
    pub(crate) ran: Vec<String>,
}

/// Takes over a table of SFTPGo 0.9.x and runs the migrations that are due. One server at a time does so; the others
/// wait and find it done.
pub(crate) fn bring_up_to_date(connection: &mut Connection) -> Result<Done> {
    dialect::alone(connection, WAIT_FOR_OTHERS, |connection| {
        let taken_over = legacy_import::take_over(connection)?;
        let mut ran = Vec::new();
        for migration in all(connection)? {
            if has_run(connection, migration.as_ref())? {
                continue;
            }
            connection
                .run_migration(migration.as_ref())
                .map_err(|error| failed("could not be migrated", error))?;
            ran.push(migration.name().to_string());
        }
        Ok(Done { taken_over, ran })
    })
}

/// Does the database have anything of servers that shared it, such as one that has not ended?
pub(crate) fn is_in_use(connection: &mut Connection) -> QueryResult<bool> {
    let server: Option<i64> = servers::table
        .select(servers::id)
        .first(connection)
        .optional()?;
    let share: Option<i64> = quota_shares::table
        .select(quota_shares::server_id)
        .first(connection)
        .optional()?;
    Ok(server.is_some() || share.is_some())
}

/// The result of taking back the last migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reverted {
    /// No migration has been run.
    Nothing,
    /// The one of this name was undone.
    Undone(String),
    /// Nothing was changed, because this many would be lost.
    WouldLose(Losses),
}

/// What is in tables that a migration made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Losses {
    /// So many users.
    Users(i64),
    /// Those who manage the server.
    Admins {
        /// So many admins.
        admins: i64,
        /// So many API keys, by which programs act for them.
        api_keys: i64,
    },
    /// So many entries of lists of addresses, without those that the migration itself makes.
    ListEntries(i64),
    /// What restricts the logins of so many users: who has a second factor would need none any more.
    Filters(i64),
}

/// What may be lost when a migration is taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MayLose {
    /// Users.
    pub users: bool,
    /// Admins and API keys.
    pub admins: bool,
    /// Lists of addresses.
    pub ip_lists: bool,
    /// What restricts the logins of users.
    pub filters: bool,
}

/// Undoes the migration that was run last.
///
/// # Errors
/// The database does not answer, or the migration fails.
pub(crate) fn undo_last(connection: &mut Connection, may_lose: MayLose) -> Result<Reverted> {
    dialect::alone(connection, WAIT_FOR_OTHERS, |connection| {
        let migrations = all(connection)?;
        let mut last = None;
        for migration in &migrations {
            if has_run(connection, migration.as_ref())? {
                last = Some(migration);
            }
        }
        let Some(last) = last else {
            return Ok(Reverted::Nothing);
        };
        let name = last.name().to_string();
        if let Some(losses) = losses(connection, &name, may_lose).map_err(of_query)? {
            return Ok(Reverted::WouldLose(losses));
        }
        connection
            .revert_migration(last.as_ref())
            .map_err(|error| failed("could not be taken back", error))?;
        Ok(Reverted::Undone(name))
    })
}

/// What taking back the migration of this name would lose and may not.
fn losses(
    connection: &mut Connection,
    migration: &str,
    may_lose: MayLose,
) -> QueryResult<Option<Losses>> {
    if migration.ends_with("_create_users") && !may_lose.users {
        let users = users::table.count().get_result(connection)?;
        return Ok((users > 0).then_some(Losses::Users(users)));
    }
    if migration.ends_with("_create_admins") && !may_lose.admins {
        let admins = admins::table.count().get_result(connection)?;
        let api_keys = api_keys::table.count().get_result(connection)?;
        return Ok((admins + api_keys > 0).then_some(Losses::Admins { admins, api_keys }));
    }
    if migration.ends_with("_create_ip_lists") && !may_lose.ip_lists {
        let made = ip_lists::list
            .eq(2)
            .and(ip_lists::network.eq_any(["127.0.0.0/8", "::1/128"]))
            .and(ip_lists::mode.eq(1))
            .and(ip_lists::created_at.eq(ip_lists::updated_at));
        let entries = ip_lists::table
            .filter(not(made))
            .count()
            .get_result(connection)?;
        return Ok((entries > 0).then_some(Losses::ListEntries(entries)));
    }
    if migration.ends_with("_add_user_filters") && !may_lose.filters {
        let restricted = users::table.filter(users::user_filters.is_not_null());
        let users = restricted.count().get_result(connection)?;
        return Ok((users > 0).then_some(Losses::Filters(users)));
    }
    Ok(None)
}

/// The migrations that are due by their names, and the versions of those that this program does not know. Nothing is
/// changed.
pub(crate) fn due_and_unknown(connection: &mut Connection) -> Result<(Vec<String>, Vec<String>)> {
    let mut unknown = versions(connection).map_err(of_query)?;
    let mut due = Vec::new();
    for migration in all(connection)? {
        let version = migration.name().version().to_string();
        let before = unknown.len();
        unknown.retain(|run| *run != version);
        if unknown.len() == before {
            due.push(migration.name().to_string());
        }
    }
    Ok((due, unknown))
}

/// Returns all migrations that there are, in order.
fn all(connection: &Connection) -> Result<Vec<Box<dyn Migration<Backend>>>> {
    let mut migrations = MigrationSource::<Backend>::migrations(&dialect::migrations(connection))
        .map_err(|error| failed("has no migrations", error))?;
    migrations.sort_by(|one, other| one.name().version().cmp(&other.name().version()));
    Ok(migrations)
}

fn has_run(connection: &mut Connection, migration: &dyn Migration<Backend>) -> Result<bool> {
    let run = connection
        .applied_migrations()
        .map_err(|error| failed("could not be read", error))?;
    Ok(run.contains(&migration.name().version()))
}

fn failed(what: &str, error: Box<dyn StdError + Send + Sync>) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("the database {what}: {error}"),
    )
    .with_source(error)
}
