//! Users a page at a time, in the order of their names.

mod buckets;
mod changes;
mod positions;

use std::sync::Arc;

use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
    connection::DefaultLoadingMode,
    dsl::{AsSelect, IntoBoxed, Select},
    result::Error as DieselError,
};
use sftpgo_core::{
    Result, User,
    provider::{Order, UserQuery},
};

use self::positions::{Answer, Known, NEAR};
pub(crate) use self::{changes::record, positions::Positions};
use crate::{
    connection::{Backend, Connection},
    dialect,
    error::of_query,
    row::UserRow,
    schema::users,
};

/// The page that is asked for, as it is at one moment while this runs.
pub(crate) fn list(
    connection: &mut Connection,
    positions: &Positions,
    query: &UserQuery,
) -> Result<Vec<User>> {
    if query.offset == 0 || query.username.is_some() {
        // That is one statement.
        return load(connection, positions, None, query).map_err(of_query);
    }
    let known = positions.known();
    dialect::read(connection, |connection| {
        load(connection, positions, known, query)
    })
    .map_err(of_query)
}

fn load(
    connection: &mut Connection,
    positions: &Positions,
    known: Option<Arc<Known>>,
    query: &UserQuery,
) -> QueryResult<Vec<User>> {
    let Some(page) = page(connection, positions, known, query)? else {
        return Ok(Vec::new());
    };
    let rows = page.load_iter::<UserRow, DefaultLoadingMode>(connection)?;
    let mut users = Vec::new();
    for row in rows.take(query.limit as usize) {
        match row {
            Ok(row) => users.push(UserRow::into_user(row)),
            // One such row must not hide all other users.
            Err(error @ DieselError::DeserializationError(_)) => {
                log::warn!("a row of the table users cannot be read: {error}");
            }
            Err(error) => return Err(error),
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

/// The rows from the first that is asked for, in order; none when there is none.
fn page(
    connection: &mut Connection,
    positions: &Positions,
    known: Option<Arc<Known>>,
    query: &UserQuery,
) -> QueryResult<Option<Page>> {
    let mut all = users::table.select(UserRow::as_select()).into_boxed();
    // SQLite makes rows as they are taken, and would plan a statement with a bound LIMIT anew each time.
    if dialect::sends_all_rows(connection) {
        all = all.limit(query.limit.into());
    }
    if let Some(username) = &query.username {
        let named = all.filter(users::username.eq(username.clone()));
        let possible = query.offset == 0 && !cannot_be(username);
        return Ok(Some(named).filter(|_| possible));
    }
    let ascending = query.order == Order::Ascending;
    let ordered = if ascending {
        all.order(users::username.asc())
    } else {
        all.order(users::username.desc())
    };
    if query.offset == 0 {
        return Ok(Some(ordered));
    }
    Ok(match first_name(connection, positions, known, query) {
        Ok(first) if ascending => Some(ordered.filter(users::username.ge(first))),
        Ok(first) => Some(ordered.filter(users::username.le(first))),
        Err(DieselError::NotFound) => None,
        // A name that cannot be read is skipped with its row.
        Err(DieselError::DeserializationError(_)) => Some(
            ordered
                .limit(query.limit.into())
                .offset(query.offset.into()),
        ),
        Err(error) => return Err(error),
    })
}

/// The first name of a page.
fn first_name(
    connection: &mut Connection,
    positions: &Positions,
    known: Option<Arc<Known>>,
    query: &UserQuery,
) -> QueryResult<String> {
    if query.offset <= NEAR {
        return name_at(connection, query, None, query.offset.into());
    }
    match positions.find(connection, known, query.offset, query.order)? {
        Answer::At(start) => {
            let skip = i64::try_from(start.skip).unwrap_or(i64::MAX);
            name_at(connection, query, start.bound, skip)
        }
        Answer::Nowhere => Err(DieselError::NotFound),
        Answer::Unknown => name_at(connection, query, None, query.offset.into()),
    }
}

/// The name that comes after as many as are to be skipped, from `bound` on. They are counted in the index of names, for
/// to walk along the rows as well takes three times as long.
fn name_at(
    connection: &mut Connection,
    query: &UserQuery,
    bound: Option<String>,
    skip: i64,
) -> QueryResult<String> {
    let mut names = names_from(query.order, bound, skip);
    if dialect::OFFSET_NEEDS_LIMIT {
        names = names.limit(1);
    }
    let mut names = names.load_iter::<String, DefaultLoadingMode>(connection)?;
    names.next().unwrap_or(Err(DieselError::NotFound))
}

fn names_from(
    order: Order,
    bound: Option<String>,
    skip: i64,
) -> IntoBoxed<'static, Select<users::table, users::username>, Backend> {
    let names = users::table
        .select(users::username)
        .offset(skip)
        .into_boxed();
    match (order, bound) {
        (Order::Ascending, None) => names.order(users::username.asc()),
        (Order::Descending, None) => names.order(users::username.desc()),
        (Order::Ascending, Some(bound)) => names
            .order(users::username.asc())
            .filter(users::username.ge(bound)),
        (Order::Descending, Some(bound)) => names
            .order(users::username.desc())
            .filter(users::username.lt(bound)),
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
        for order in [Order::Ascending, Order::Descending] {
            let query = UserQuery {
                offset: 0,
                limit: 100,
                order,
                username: None,
            };
            let page = page(&mut connection, &Positions::default(), None, &query)
                .unwrap()
                .unwrap();
            let page = debug_query::<Backend, _>(&page).to_string();
            assert_eq!(
                plan(&mut connection, &page),
                [format!("SCAN users {index}")]
            );
            let covering = "USING COVERING INDEX sqlite_autoindex_users_1";
            let names = |bound| names_from(order, bound, 7);
            let all = debug_query::<Backend, _>(&names(None)).to_string();
            assert_eq!(
                plan(&mut connection, &all),
                [format!("SCAN users {covering}")]
            );
            let some = debug_query::<Backend, _>(&names(Some("bob".to_owned()))).to_string();
            let plan = plan(&mut connection, &some);
            assert!(
                plan.len() == 1
                    && plan[0].starts_with(&format!("SEARCH users {covering} (username")),
                "{plan:?}"
            );
        }
    }
}
