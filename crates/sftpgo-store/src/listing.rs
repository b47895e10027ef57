//! Users a page at a time: by the index of their names, or by a look at all rows.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryResult,
    RunQueryDsl, SelectableHelper,
    connection::DefaultLoadingMode,
    dsl::{AsSelect, IntoBoxed, Select, sql},
    result::Error as DieselError,
    sql_types::{BigInt, Bool, Integer, Text},
};
use sftpgo_core::{
    StoredUser,
    provider::{NameFilter, Order, PageStart, SortBy, UserCondition, UserQuery},
};

use crate::{
    column_limits::LONGEST,
    connection::{Backend, Connection},
    dialect,
    row::UserRow,
    schema::users,
};

/// The page that is asked for, as it is at one moment: it is one statement.
pub(crate) fn list(connection: &mut Connection, query: &UserQuery) -> QueryResult<Vec<StoredUser>> {
    if query.name.as_ref().is_some_and(finds_nobody) {
        return Ok(Vec::new());
    }
    let limit = query.limit as usize;
    let mut most = limit.saturating_add(passed_over(query));
    loop {
        let (users, is_cut_off) = load(connection, query, most)?;
        if !is_cut_off {
            return Ok(users);
        }
        most = most.saturating_add(limit.saturating_sub(users.len()));
    }
}

/// Reads the page, from so many rows at the most where the database is told a bound. A page that is not full is the last one, so
/// rows that cannot be read do not count: returns also whether the bound kept the page from being full.
fn load(
    connection: &mut Connection,
    query: &UserQuery,
    most: usize,
) -> QueryResult<(Vec<StoredUser>, bool)> {
    let mut page = page(connection, query);
    // SQLite makes rows as they are taken, and would plan a statement with a bound LIMIT anew each time. Only where it
    // sorts them it has to know how many to keep.
    let is_bounded = dialect::sends_all_rows(connection) || value(query).is_some();
    if is_bounded {
        page = page.limit(i64::try_from(most).unwrap_or(i64::MAX));
    }
    let limit = query.limit as usize;
    let mut passed_over = passed_over(query);
    let mut users = Vec::new();
    let mut count = 0;
    let mut rows = page.load_iter::<UserRow, DefaultLoadingMode>(connection)?;
    while users.len() < limit {
        match rows.next() {
            Some(Ok(_)) if passed_over > 0 => passed_over -= 1,
            Some(Ok(row)) => users.push(UserRow::into_user(row)),
            // One such row must not hide all other users.
            Some(Err(error @ DieselError::DeserializationError(_))) => {
                log::warn!(
                    "a row of the table users cannot be read and is left out of the list: {error}"
                );
            }
            Some(Err(error)) => return Err(error),
            None => return Ok((users, is_bounded && count >= most)),
        }
        count += 1;
    }
    Ok((users, false))
}

/// PostgreSQL knows no text with NUL and would not look for one.
pub(crate) fn cannot_be(username: &str) -> bool {
    username.contains('\0')
}

/// Is it true of no name, as can be seen without the database? SQLite takes no pattern of any length.
fn finds_nobody(filter: &NameFilter) -> bool {
    let is_pattern = matches!(
        filter,
        NameFilter::Contains(_) | NameFilter::ContainsLater(_)
    );
    cannot_be(filter.text()) || (is_pattern && filter.text().chars().count() > LONGEST)
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
fn page(connection: &Connection, query: &UserQuery) -> Page {
    let rows = users::table.select(UserRow::as_select()).into_boxed();
    let rows = with_condition(named(rows, connection, query), query.condition);
    match value(query) {
        Some(value) => sorted_by_value(rows, value, query),
        None => sorted_by_name(rows, query),
    }
}

fn named(rows: Page, connection: &Connection, query: &UserQuery) -> Page {
    let contains = |text: &str| {
        let (contains, pattern) = dialect::name_contains(connection, text);
        sql::<Bool>(contains).bind::<Text, _>(pattern)
    };
    match &query.name {
        None => rows,
        Some(NameFilter::Is(name)) => rows.filter(users::username.eq(name.clone())),
        Some(NameFilter::BeginsWith(text)) => beginning_with(rows, text, query),
        Some(NameFilter::Contains(text)) => rows.filter(contains(text)),
        Some(NameFilter::ContainsLater(text)) => {
            let length = i32::try_from(text.chars().count()).unwrap_or(i32::MAX);
            let beginning = sql::<Bool>("SUBSTR(users.username, 1, ").bind::<Integer, _>(length);
            rows.filter(contains(text))
                .filter(beginning.sql(") <> ").bind::<Text, _>(text.clone()))
        }
    }
}

/// The names are a range of their index. Where the page begins within it, that is one of its ends: of two on the same side
/// SQLite may take the one that is farther away.
fn beginning_with(rows: Page, text: &str, query: &UserQuery) -> Page {
    let start = match &query.start {
        PageStart::After(place) if value(query).is_none() => Some(place.username.as_str()),
        _ => None,
    };
    let (from, to) = (text.to_owned(), behind_all_with(text));
    let (begins_later, ends_earlier) = match query.order {
        Order::Ascending => (start.is_some_and(|start| start >= text), false),
        Order::Descending => (
            false,
            start.is_some_and(|start| to.as_deref().is_none_or(|to| start <= to)),
        ),
    };
    let rows = match begins_later {
        true => rows,
        false => rows.filter(users::username.ge(from)),
    };
    match to {
        Some(to) if !ends_earlier => rows.filter(users::username.lt(to)),
        _ => rows,
    }
}

/// The first text behind all those that begin with this one; none if there is none.
fn behind_all_with(text: &str) -> Option<String> {
    let beginning = text.trim_end_matches(char::MAX);
    let last = beginning.chars().next_back()?;
    // The letter behind the last one; there are none in the range of surrogates.
    let behind = (last..=char::MAX).nth(1)?;
    let rest = beginning.strip_suffix(last)?;
    Some(format!("{rest}{behind}"))
}

fn with_condition(rows: Page, condition: Option<UserCondition>) -> Page {
    match condition {
        None => rows,
        Some(UserCondition::Disabled) => rows.filter(users::status.ne(1)),
        Some(UserCondition::ExpiredAt(now)) => rows.filter(
            users::expiration_date
                .gt(0)
                .and(users::expiration_date.lt(now)),
        ),
        // MySQL divides to decimals and the others to whole numbers; both come to the same, and nothing is too large.
        Some(UserCondition::NearlyFull) => {
            let least_size = users::quota_size - (users::quota_size - 1) / 10;
            let least_files = users::quota_files - (users::quota_files - 1) / 10;
            let is_size = users::quota_size.gt(0);
            let is_files = users::quota_files.gt(0);
            rows.filter(
                is_size
                    .and(users::used_quota_size.ge(least_size))
                    .or(is_files.and(users::used_quota_files.ge(least_files))),
            )
        }
    }
}

/// SQL for the value by which rows are sorted before their name decides; none where they come by the index of names.
fn value(query: &UserQuery) -> Option<&'static str> {
    match query.sort_by {
        SortBy::Username if query.condition.is_none() => None,
        // The same for all, which databases do not see: so they look through the table once, instead of following the index
        // of names to another part of it for each row.
        SortBy::Username => Some("(0 * users.id)"),
        SortBy::UsedSize => Some("users.used_quota_size"),
        SortBy::LastLogin => Some("users.last_login"),
        SortBy::ExpirationDate => Some(
            "(CASE WHEN users.expiration_date > 0 THEN users.expiration_date \
             ELSE 9223372036854775807 END)",
        ),
    }
}

fn sorted_by_value(rows: Page, value: &str, query: &UserQuery) -> Page {
    let value = || sql::<BigInt>(value);
    let rows = match query.order {
        Order::Ascending => rows.order((value().asc(), users::username.asc())),
        Order::Descending => rows.order((value().desc(), users::username.desc())),
    };
    let PageStart::After(place) = &query.start else {
        return rows;
    };
    let start = match query.sort_by {
        SortBy::Username => 0,
        _ => place.value,
    };
    let name = comparable(&place.username, query.order);
    match query.order {
        Order::Ascending => {
            let is_same = value().eq(start).and(users::username.gt(name));
            rows.filter(value().gt(start).or(is_same))
        }
        Order::Descending => {
            let is_same = value().eq(start).and(users::username.lt(name));
            rows.filter(value().lt(start).or(is_same))
        }
    }
}

fn sorted_by_name(rows: Page, query: &UserQuery) -> Page {
    let rows = match query.order {
        Order::Ascending => rows.order(users::username.asc()),
        Order::Descending => rows.order(users::username.desc()),
    };
    match (&query.start, query.order) {
        (PageStart::Offset(0), _) => rows,
        (PageStart::Offset(offset), order) if query.name.is_none() => {
            from_offset(rows, *offset, order)
        }
        (PageStart::Offset(_), _) => rows,
        (PageStart::After(place), Order::Ascending) => {
            rows.filter(users::username.gt(comparable(&place.username, query.order)))
        }
        (PageStart::After(place), Order::Descending) => {
            rows.filter(users::username.lt(comparable(&place.username, query.order)))
        }
    }
}

/// How many rows are read before the page begins: those before an offset, where [`from_offset`] does not find it.
fn passed_over(query: &UserQuery) -> usize {
    let is_by_index = value(query).is_none() && query.name.is_none();
    match query.start {
        PageStart::Offset(offset) if !is_by_index => offset as usize,
        _ => 0,
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

/// The name behind which a page begins, as all databases can compare it. PostgreSQL compares no text with NUL. No stored name
/// has one, so what is before the NUL decides as well: it is behind the same names, and before what begins with it.
fn comparable(username: &str, order: Order) -> String {
    match (username.split_once('\0'), order) {
        (None, _) => username.to_owned(),
        (Some((before, _)), Order::Ascending) => before.to_owned(),
        (Some((before, _)), Order::Descending) => format!("{before}\u{1}"),
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

    fn plan_of(connection: &mut Connection, query: &UserQuery) -> Vec<String> {
        let page = debug_query::<Backend, _>(&page(connection, query)).to_string();
        plan(connection, &page)
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
        let contains = NameFilter::Contains("o".to_owned());
        let later = NameFilter::ContainsLater("o".to_owned());
        let beginning = NameFilter::BeginsWith("b".to_owned());
        for (order, sign) in [(Order::Ascending, '>'), (Order::Descending, '<')] {
            let all = vec![format!("SCAN users {index}")];
            let from_there = vec![format!("SEARCH users {index} (username{sign}?)")];
            let range = vec![format!("SEARCH users {index} (username>? AND username<?)")];
            let counted = [
                "SCALAR SUBQUERY 1".to_owned(),
                "SCAN names USING COVERING INDEX sqlite_autoindex_users_1".to_owned(),
            ];
            for (start, name, expected) in [
                (PageStart::Offset(0), None, all.clone()),
                (PageStart::after_name("bob"), None, from_there.clone()),
                (
                    PageStart::Offset(7),
                    None,
                    [&from_there[..], &counted].concat(),
                ),
                (PageStart::Offset(7), Some(&contains), all.clone()),
                (PageStart::Offset(0), Some(&later), all.clone()),
                (
                    PageStart::after_name("bob"),
                    Some(&later),
                    from_there.clone(),
                ),
                (PageStart::Offset(0), Some(&beginning), range.clone()),
                (PageStart::after_name("bob"), Some(&beginning), range),
            ] {
                let query = UserQuery {
                    start,
                    limit: 100,
                    order,
                    name: name.cloned(),
                    ..UserQuery::default()
                };
                assert_eq!(plan_of(&mut connection, &query), expected, "{query:?}");
            }
        }
    }

    #[test]
    fn what_has_no_index_is_one_look_through_the_table() {
        let mut connection = Connection::establish(":memory:").unwrap();
        migrate::bring_up_to_date(&mut connection).unwrap();
        let conditions = [
            Some(UserCondition::Disabled),
            Some(UserCondition::ExpiredAt(1)),
            Some(UserCondition::NearlyFull),
        ];
        let by_name = conditions.map(|condition| (SortBy::Username, condition));
        let by_value =
            [SortBy::UsedSize, SortBy::LastLogin, SortBy::ExpirationDate].map(|by| (by, None));
        for (sort_by, condition) in by_name.into_iter().chain(by_value) {
            for start in [PageStart::default(), PageStart::after_name("bob")] {
                let query = UserQuery {
                    start,
                    sort_by,
                    condition,
                    ..UserQuery::default()
                };
                assert_eq!(
                    plan_of(&mut connection, &query),
                    ["SCAN users", "USE TEMP B-TREE FOR ORDER BY"],
                    "{query:?}"
                );
            }
        }
    }

    #[test]
    fn names_that_begin_so_end_before_the_next_letter() {
        for (text, behind) in [
            ("bob", Some("boc")),
            ("b\u{10ffff}\u{10ffff}", Some("c")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(behind_all_with(text).as_deref(), behind, "{text:?}");
        }
    }
}
