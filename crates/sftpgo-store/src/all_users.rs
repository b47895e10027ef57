//! All users, a page at a time.

use std::ops::ControlFlow;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
    connection::DefaultLoadingMode, result::Error as DieselError,
};
use sftpgo_core::Result;

use crate::{connection::Connection, pool::Pool, row::UserRow, schema::users::dsl::*};

/// Rows in memory at once.
const PAGE: i64 = 500;

/// The result of reading one row, which may hold what cannot be read.
pub(crate) type Read = QueryResult<UserRow>;

/// Shows every row to `see` until it says to stop. Between pages no connection is held, and no state of the database
/// that others have to keep.
pub(crate) fn visit(pool: &Pool, mut see: impl FnMut(Read) -> ControlFlow<()>) -> Result<()> {
    let mut after = i32::MIN;
    loop {
        let page = pool.call(move |connection| page(connection, after))?;
        let Some((last, rows)) = page else {
            return Ok(());
        };
        for row in rows {
            if see(row).is_break() {
                return Ok(());
            }
        }
        after = last;
    }
}

/// The next rows by id, and the last id among them; none when there are no more.
fn page(connection: &mut Connection, after: i32) -> QueryResult<Option<(i32, Vec<Read>)>> {
    // The end is found by the ids alone, for the last row may be one that cannot be read. A larger id than these is
    // none, and no login takes it.
    let ids: Vec<i32> = users
        .select(id)
        .filter(id.gt(after).and(id.le(i32::MAX)))
        .order(id)
        .limit(PAGE)
        .load(connection)?;
    let Some(last) = ids.last().copied() else {
        return Ok(None);
    };
    let found = users
        .select(UserRow::as_select())
        .filter(id.gt(after).and(id.le(last)))
        .order(id)
        .load_iter::<UserRow, DefaultLoadingMode>(connection)?;
    let mut rows = Vec::new();
    for row in found {
        match row {
            Ok(_) | Err(DieselError::DeserializationError(_)) => rows.push(row),
            // After any other error SQLite would begin again with the first row.
            Err(error) => return Err(error),
        }
    }
    Ok(Some((last, rows)))
}
