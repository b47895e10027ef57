//! A database at start-up: new, ours, or another installation's.

use std::collections::HashSet;

use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use sftpgo_core::{Error, ErrorKind, Result};

use crate::{connection::Connection, takeover};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Takes over a table of SFTPGo 0.9.x and runs the migrations that are due; answers the names of users of whom the log
/// says already that they cannot log in.
pub(crate) fn bring_up_to_date(connection: &mut Connection) -> Result<HashSet<String>> {
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
    Ok(warned_of)
}
