//! Which names came and went, in the database: what every server that uses it has to know to count right.

use diesel::{ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl};

use crate::{
    connection::Connection,
    schema::{name_change_count, name_changes},
};

/// Changes that are kept. A server that has not looked for longer counts anew.
const KEPT: i64 = 10_000;
/// The one row that counts them.
const COUNT: i32 = 1;

/// Writes down that names came (1) or went (-1). Within the transaction that does it: until that ends, others who have
/// something to write down wait.
pub(crate) fn record(connection: &mut Connection, changes: &[(&str, i32)]) -> QueryResult<()> {
    for (username, delta) in changes {
        diesel::update(name_change_count::table.find(COUNT))
            .set(name_change_count::number.eq(name_change_count::number + 1))
            .execute(connection)?;
        let number = last(connection)?;
        diesel::insert_into(name_changes::table)
            .values((
                name_changes::number.eq(number),
                name_changes::username.eq(username),
                name_changes::delta.eq(delta),
            ))
            .execute(connection)?;
        diesel::delete(name_changes::table.filter(name_changes::number.le(number - KEPT)))
            .execute(connection)?;
    }
    Ok(())
}

/// The number of the last change.
pub(super) fn last(connection: &mut Connection) -> QueryResult<i64> {
    name_change_count::table
        .find(COUNT)
        .select(name_change_count::number)
        .get_result(connection)
}

/// The changes after one of them, in order; none when they are not all kept any more.
pub(super) fn after(
    connection: &mut Connection,
    known: i64,
) -> QueryResult<Option<Vec<(i64, String, i32)>>> {
    let changes: Vec<(i64, String, i32)> = name_changes::table
        .filter(name_changes::number.gt(known))
        .order(name_changes::number)
        .select((
            name_changes::number,
            name_changes::username,
            name_changes::delta,
        ))
        .load(connection)?;
    let is_whole = changes
        .first()
        .is_none_or(|(number, _, _)| *number == known + 1);
    Ok(Some(changes).filter(|_| is_whole))
}
