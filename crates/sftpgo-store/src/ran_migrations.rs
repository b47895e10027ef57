//! Which migrations a database has run, as its own table says.

use diesel::{QueryableByName, RunQueryDsl, result::QueryResult, sql_query, sql_types::Text};

use crate::{connection::Connection, dialect};

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Returns the versions of the migrations that were run, in order; none when none ever was.
pub(crate) fn versions(connection: &mut Connection) -> QueryResult<Vec<String>> {
    if dialect::columns(connection, "__diesel_schema_migrations")?.is_empty() {
        return Ok(Vec::new());
    }
    let versions = sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version");
    let versions = versions.load::<Version>(connection)?;
    Ok(versions.into_iter().map(|run| run.version).collect())
}
