//! The stored users in a database.

use std::ops::ControlFlow;

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl, SelectableHelper};
use sftpgo_core::{
    Result, User, UserId,
    provider::{Order, UserQuery, Users},
    user::Usage,
};

use crate::{
    connection::Connection,
    dialect,
    error::{of_query, one_user_changed},
    everybody,
    row::{Settings, UserRow},
    schema::{unsettled_users, users},
    sqlite::SqliteProvider,
};

impl Users for SqliteProvider {
    fn user_by_name(&self, username: &str) -> Result<Option<User>> {
        users::table
            .filter(users::username.eq(username))
            .select(UserRow::as_select())
            .first(&mut *self.pool.connection()?)
            .optional()
            .map(|found| found.map(UserRow::into_user))
            .map_err(of_query)
    }

    fn user_by_id(&self, id: UserId) -> Result<Option<User>> {
        users::table
            .find(id.0)
            .select(UserRow::as_select())
            .first(&mut *self.pool.connection()?)
            .optional()
            .map(|found| found.map(UserRow::into_user))
            .map_err(of_query)
    }

    fn list_users(&self, query: &UserQuery) -> Result<Vec<User>> {
        let mut page = users::table
            .select(UserRow::as_select())
            .offset(query.offset.into())
            .limit(query.limit.into())
            .into_boxed();
        if let Some(username) = &query.username {
            page = page.filter(users::username.eq(username));
        }
        page = match query.order {
            Order::Ascending => page.order(users::username.asc()),
            Order::Descending => page.order(users::username.desc()),
        };
        let mut connection = self.pool.connection()?;
        let rows = page.load_iter(&mut *connection).map_err(of_query)?;
        let mut users = Vec::new();
        for row in rows {
            match row {
                Ok(row) => users.push(UserRow::into_user(row)),
                // One such row must not hide all other users.
                Err(error @ diesel::result::Error::DeserializationError(_)) => {
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

fn insert(connection: &mut Connection, user: &User) -> diesel::QueryResult<i32> {
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
        .first(connection)
}
