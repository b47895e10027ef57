//! Users a page at a time, in the order of their names.

use diesel::{
    ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryResult, RunQueryDsl,
    SelectableHelper,
    connection::DefaultLoadingMode,
    dsl::{AsSelect, IntoBoxed, Select},
    result::Error as DieselError,
};
use sftpgo_core::{
    StoredUser,
    provider::{Order, PageStart, UserQuery},
};

use crate::{
    connection::{Backend, Connection},
    dialect,
    row::UserRow,
    schema::users,
};

/// The page that is asked for, as it is at one moment: it is one statement.
pub(crate) fn list(connection: &mut Connection, query: &UserQuery) -> QueryResult<Vec<StoredUser>> {
    let is_empty = match (&query.username, &query.start) {
        (None, _) => false,
        (Some(username), PageStart::Offset(0) | PageStart::After(_)) => cannot_be(username),
        (Some(_), PageStart::Offset(_)) => true,
    };
    if is_empty {
        return Ok(Vec::new());
    }
    load(connection, query)
}

fn load(connection: &mut Connection, query: &UserQuery) -> QueryResult<Vec<StoredUser>> {
    let mut page = page(query);
    // SQLite makes rows as they are taken, and would plan a statement with a bound LIMIT anew each time.
    if dialect::sends_all_rows(connection) {
        page = page.limit(query.limit.into());
    }
    let limit = query.limit as usize;
    let mut users = Vec::new();
    let mut rows = page.load_iter::<UserRow, DefaultLoadingMode>(connection)?;
    // A page that is not full is the last one, so rows that cannot be read do not count.
    while users.len() < limit {
        match rows.next() {
            Some(Ok(row)) => users.push(UserRow::into_user(row)),
            // One such row must not hide all other users.
            Some(Err(error @ DieselError::DeserializationError(_))) => {
                log::warn!(
                    "a row of the table users cannot be read and is left out of the list: {error}"
                );
            }
            Some(Err(error)) => return Err(error),
            None => break,
        }
    }
    Ok(users)
}

/// PostgreSQL knows no text with NUL and would not look for one.
pub(crate) fn cannot_be(username: &str) -> bool {
    username.contains('\0')
}

#[diesel::dsl::auto_type]
pub(crate) fn by_name<'a>(username: &'a str) -> _ {
    let row: AsSelect<UserRow, Backend> = UserRow::as_select();
    users::table
        .filter(users::username.eq(username))
        .select(row)
}

type Page = IntoBoxed<'static, Select<users::table, AsSelect<UserRow, Backend>>, Backend>;

/// The rows from the first that is asked for, in order.
fn page(query: &UserQuery) -> Page {
    let mut rows = users::table.select(UserRow::as_select()).into_boxed();
    if let Some(username) = &query.username {
        rows = rows.filter(users::username.eq(username.clone()));
    }
    rows = match query.order {
        Order::Ascending => rows.order(users::username.asc()),
        Order::Descending => rows.order(users::username.desc()),
    };
    match &query.start {
        PageStart::Offset(0) => rows,
        PageStart::Offset(offset) => from_offset(rows, *offset, query.order),
        PageStart::After(username) => after(rows, username, query.order),
    }
}

/// The names before the page are counted in their index alone: to pass over their rows takes three times as long.
fn from_offset(rows: Page, offset: u32, order: Order) -> Page {
    let names = diesel::alias!(users as names);
    let name = names.field(users::username);
    let skipped = names.select(name).limit(1).offset(offset.into());
    match order {
        Order::Ascending => {
            let first = skipped.order(name.asc()).single_value();
            rows.filter(users::username.nullable().ge(first))
        }
        Order::Descending => {
            let first = skipped.order(name.desc()).single_value();
            rows.filter(users::username.nullable().le(first))
        }
    }
}

/// PostgreSQL compares no text with NUL. No stored name has one, so what is before the NUL decides as well.
fn after(rows: Page, username: &str, order: Order) -> Page {
    let (name, has_nul) = match username.split_once('\0') {
        Some((before, _)) => (before.to_owned(), true),
        None => (username.to_owned(), false),
    };
    match order {
        Order::Ascending => rows.filter(users::username.gt(name)),
        Order::Descending if has_nul => rows.filter(users::username.le(name)),
        Order::Descending => rows.filter(users::username.lt(name)),
    }
}

#[cfg(test)]
#[cfg(not(any(feature = "postgres", feature = "mysql")))]
mod tests {
    use diesel::{Connection as _, QueryableByName, debug_query, sql_query, sql_types::Text};

    use super::*;
    use crate::migrate;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    fn plan(connection: &mut Connection, query: &str) -> Vec<String> {
        let (sql, _binds) = query.split_once(" -- binds").unwrap();
        let steps: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {sql}"))
            .load(connection)
            .unwrap();
        steps.into_iter().map(|step| step.detail).collect()
    }

    #[test]
    fn users_are_found_and_listed_by_the_index_of_their_names() {
        let mut connection = Connection::establish(":memory:").unwrap();
        migrate::bring_up_to_date(&mut connection).unwrap();
        let index = "USING INDEX sqlite_autoindex_users_1";
        let by_name = debug_query::<Backend, _>(&by_name("bob")).to_string();
        assert_eq!(
            plan(&mut connection, &by_name),
            [format!("SEARCH users {index} (username=?)")]
        );
        for (order, sign) in [(Order::Ascending, '>'), (Order::Descending, '<')] {
            let from_there = format!("SEARCH users {index} (username{sign}?)");
            let counted = "SCAN names USING COVERING INDEX sqlite_autoindex_users_1";
            for (start, expected) in [
                (PageStart::Offset(0), vec![format!("SCAN users {index}")]),
                (PageStart::After("bob".to_owned()), vec![from_there.clone()]),
                (
                    PageStart::Offset(7),
                    vec![
                        from_there,
                        "SCALAR SUBQUERY 1".to_owned(),
                        counted.to_owned(),
                    ],
                ),
            ] {
                let query = UserQuery {
                    start,
                    limit: 100,
                    order,
                    username: None,
                };
                let page = debug_query::<Backend, _>(&page(&query)).to_string();
                assert_eq!(plan(&mut connection, &page), expected, "{query:?}");
            }
        }
    }
}
