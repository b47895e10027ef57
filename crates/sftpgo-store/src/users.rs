//! The stored users in a database.

use std::ops::ControlFlow;

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
    connection::DefaultLoadingMode,
    dsl::{AsSelect, IntoBoxed, Select},
    result::Error as DieselError,
};
use sftpgo_core::{
    Result, User, UserId,
    provider::{Order, UserQuery, Users},
    user::Usage,
};

#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::sharing;
use crate::{
    connection::{Backend, Connection},
    database::DatabaseProvider,
    dialect,
    error::{of_query, one_user_changed},
    everybody, limits,
    row::{Settings, UserRow},
    schema::{unsettled_users, users},
};

impl Users for DatabaseProvider {
    fn user_by_name(&self, username: &str) -> Result<Option<User>> {
        if cannot_be(username) {
            return Ok(None);
        }
        by_name(username)
            .get_result(&mut *self.pool.connection()?)
            .optional()
            .map(|found| found.map(UserRow::into_user))
            .map_err(of_query)
    }

    fn user_by_id(&self, id: UserId) -> Result<Option<User>> {
        users::table
            .find(id.0)
            .select(UserRow::as_select())
            .get_result(&mut *self.pool.connection()?)
            .optional()
            .map(|found| found.map(UserRow::into_user))
            .map_err(of_query)
    }

    fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<User>> {
        let ids = ids.iter().map(|id| id.0);
        let rows = users::table
            .filter(users::id.eq_any(ids))
            .select(UserRow::as_select())
            .load(&mut *self.pool.connection()?)
            .map_err(of_query)?;
        Ok(rows.into_iter().map(UserRow::into_user).collect())
    }

    fn list_users(&self, query: &UserQuery) -> Result<Vec<User>> {
        let mut connection = self.pool.connection()?;
        let Some(page) = page(&mut connection, query).map_err(of_query)? else {
            return Ok(Vec::new());
        };
        let rows = page
            .load_iter::<UserRow, DefaultLoadingMode>(&mut *connection)
            .map_err(of_query)?;
        let mut users = Vec::new();
        for row in rows.take(query.limit as usize) {
            match row {
                Ok(row) => users.push(UserRow::into_user(row)),
                // One such row must not hide all other users.
                Err(error @ DieselError::DeserializationError(_)) => {
                    log::warn!("a row of the table users cannot be read: {error}");
                }
                Err(error) => return Err(of_query(error)),
            }
        }
        Ok(users)
    }

    fn for_each_user(&self, see: &mut dyn FnMut(User) -> ControlFlow<()>) -> Result<()> {
        everybody::visit(&self.pool, |row| match row {
            Ok(row) => see(row.into_user()),
            // The report of flaws tells of it.
            Err(_) => ControlFlow::Continue(()),
        })
    }

    fn add_user(&self, user: &User) -> Result<User> {
        limits::check(user)?;
        let id = dialect::write(&mut *self.pool.connection()?, |connection| {
            insert(connection, user)
        })
        .map_err(of_query)?;
        Ok(User {
            id: UserId(id),
            usage: Usage::default(),
            last_login: 0,
            ..user.clone()
        })
    }

    fn update_user(&self, user: &User) -> Result<()> {
        limits::check(user)?;
        diesel::update(users::table.find(user.id.0))
            .set(Settings::of(user))
            .execute(&mut *self.pool.connection()?)
            .map_err(of_query)
            .and_then(one_user_changed)
    }

    fn replace_password_hash(&self, id: UserId, old: &str, new: &str) -> Result<bool> {
        diesel::update(users::table.find(id.0).filter(users::password.eq(old)))
            .set(users::password.eq(new))
            .execute(&mut *self.pool.connection()?)
            .map(|changed| changed > 0)
            .map_err(of_query)
    }

    fn delete_user(&self, id: UserId) -> Result<()> {
        dialect::write(&mut *self.pool.connection()?, |connection| {
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            if self.is_shared {
                dialect::lock_user(connection, id)?;
                sharing::forget(connection, id)?;
            }
            diesel::delete(unsettled_users::table.find(id.0)).execute(connection)?;
            diesel::delete(users::table.find(id.0)).execute(connection)
        })
        .map_err(of_query)
        .and_then(one_user_changed)
    }

    fn record_login(&self, id: UserId, at: i64) -> Result<()> {
        diesel::update(users::table.find(id.0))
            .set(users::last_login.eq(at))
            .execute(&mut *self.pool.connection()?)
            .map_err(of_query)
            .and_then(one_user_changed)
    }
}

/// PostgreSQL knows no text with NUL and would not look for one.
fn cannot_be(username: &str) -> bool {
    username.contains('\0')
}

#[diesel::dsl::auto_type]
fn by_name<'a>(username: &'a str) -> _ {
    let row: AsSelect<UserRow, Backend> = UserRow::as_select();
    users::table
        .filter(users::username.eq(username))
        .select(row)
}

type Page = IntoBoxed<'static, Select<users::table, AsSelect<UserRow, Backend>>, Backend>;

/// The rows from the first that is asked for, in order; none when there is none.
fn page(connection: &mut Connection, query: &UserQuery) -> QueryResult<Option<Page>> {
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
    Ok(match name_at(connection, query) {
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

/// The name that comes after as many as are to be skipped. They are counted in the index of names, for to walk along
/// the rows as well takes three times as long.
fn name_at(connection: &mut Connection, query: &UserQuery) -> QueryResult<String> {
    let mut names = names_from(query);
    if dialect::OFFSET_NEEDS_LIMIT {
        names = names.limit(1);
    }
    let mut names = names.load_iter::<String, DefaultLoadingMode>(connection)?;
    names.next().unwrap_or(Err(DieselError::NotFound))
}

fn names_from(
    query: &UserQuery,
) -> IntoBoxed<'static, Select<users::table, users::username>, Backend> {
    let names = users::table
        .select(users::username)
        .offset(query.offset.into())
        .into_boxed();
    match query.order {
        Order::Ascending => names.order(users::username.asc()),
        Order::Descending => names.order(users::username.desc()),
    }
}

fn insert(connection: &mut Connection, user: &User) -> QueryResult<i32> {
    diesel::insert_into(users::table)
        .values((
            Settings::of(user),
            users::used_quota_size.eq(0),
            users::used_quota_files.eq(0),
            users::last_quota_update.eq(0),
            users::last_login.eq(0),
        ))
        .execute(connection)?;
    // By its unique name: not every database returns the id of a new row.
    users::table
        .filter(users::username.eq(&user.username))
        .select(users::id)
        .get_result(connection)
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
            let mut query = UserQuery {
                offset: 0,
                limit: 100,
                order,
                username: None,
            };
            let page = page(&mut connection, &query).unwrap().unwrap();
            let page = debug_query::<Backend, _>(&page).to_string();
            assert_eq!(
                plan(&mut connection, &page),
                [format!("SCAN users {index}")]
            );
            query.offset = 7;
            let names = debug_query::<Backend, _>(&names_from(&query)).to_string();
            assert_eq!(
                plan(&mut connection, &names),
                ["SCAN users USING COVERING INDEX sqlite_autoindex_users_1"]
            );
        }
    }
}
