//! A database at start-up: new, ours, or another installation's.

use std::{collections::HashSet, time::Duration};

use diesel_migrations::MigrationHarness;
use sftpgo_core::{Error, ErrorKind, Result};

use crate::{connection::Connection, dialect, takeover};

/// Another server that starts may take over a large table; past this something is wrong with it.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(60);

/// Takes over a table of SFTPGo 0.9.x and runs the migrations that are due; answers the names of users of whom the log
/// says already that they cannot log in. One server at a time does so; the others wait and find it done.
pub(crate) fn bring_up_to_date(connection: &mut Connection) -> Result<HashSet<String>> {
    dialect::alone(connection, WAIT_FOR_OTHERS, |connection| {
        let warned_of = takeover::take_over(connection)?;
        let migrations = dialect::migrations(connection);
        connection
            .run_pending_migrations(migrations)
            .map_err(|error| failed("could not be migrated", error))?;
        Ok(warned_of)
    })
}

fn failed(what: &str, error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("the database {what}: {error}"),
    )
    .with_source(error)
}
