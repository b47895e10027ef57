//! A database at start-up: new, ours, or another installation's.

use std::collections::HashSet;

use diesel::{QueryDsl, RunQueryDsl, SelectableHelper, result::Error as DieselError};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use sftpgo_core::{Error, ErrorKind, Result};

use crate::{connection::Connection, error::of_query, row::UserRow, schema::users, takeover};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Takes over a table of SFTPGo 0.9.x, runs the migrations that are due, and warns of users who cannot log in.
pub(crate) fn bring_up_to_date(connection: &mut Connection) -> Result<()> {
    let warned_of = takeover::take_over(connection)?;
    connection
        .run_pending_migrations(MIGRATIONS)
        .map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                format!("the database could not be migrated: {error}"),
            )
            .with_source(error)
        })?;
    warn_of_flaws(connection, &warned_of)
}

fn warn_of_flaws(connection: &mut Connection, warned_of: &HashSet<String>) -> Result<()> {
    let rows = users::table
        .select(UserRow::as_select())
        .load_iter(connection)
        .map_err(of_query)?;
    for row in rows {
        match row {
            Ok(row) if warned_of.contains(row.username()) => {}
            Ok(row) => {
                if let Some(flaw) = row.flaw() {
                    log::warn!("the user {:?} cannot log in: {flaw}", row.username());
                }
            }
            Err(error @ DieselError::DeserializationError(_)) => {
                log::warn!("a row of the table users cannot be read: {error}");
            }
            Err(error) => return Err(of_query(error)),
        }
    }
    Ok(())
}
