//! The stored users in a database. What somebody asked for and was told is done survives a power cut; when a user last
//! logged in need not.

use std::ops::ControlFlow;

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
};
use sftpgo_core::{
    Result, StoredUser, UserId,
    provider::{UserQuery, Users},
    storage_usage::Usage,
};

#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::sharing;
use crate::{
    connection::Connection,
    database::DatabaseProvider,
    dialect,
    error::{no_such_user, of_query, one_user_changed},
    everybody, limits, listing,
    row::{Settings, UserRow},
    schema::{unsettled_users, users},
};

impl Users for DatabaseProvider {
    fn user_by_name(&self, username: &str) -> Result<Option<StoredUser>> {
        if listing::cannot_be(username) {
            return Ok(None);
        }
        listing::by_name(username)
            .get_result(&mut *self.pool.connection()?)
            .optional()
            .map(|found| found.map(UserRow::into_user))
            .map_err(of_query)
    }

    fn user_by_id(&self, id: UserId) -> Result<Option<StoredUser>> {
        users::table
            .find(id.0)
            .select(UserRow::as_select())
            .get_result(&mut *self.pool.connection()?)
            .optional()
            .map(|found| found.map(UserRow::into_user))
            .map_err(of_query)
    }

    fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<StoredUser>> {
        let ids = ids.iter().map(|id| id.0);
        let rows = users::table
            .filter(users::id.eq_any(ids))
            .select(UserRow::as_select())
            .load(&mut *self.pool.connection()?)
            .map_err(of_query)?;
        Ok(rows.into_iter().map(UserRow::into_user).collect())
    }

    fn list_users(&self, query: &UserQuery) -> Result<Vec<StoredUser>> {
        listing::list(&mut *self.pool.connection()?, query)
    }

    fn for_each_user(&self, see: &mut dyn FnMut(StoredUser) -> ControlFlow<()>) -> Result<()> {
        everybody::visit(&self.pool, |row| match row {
            Ok(row) => see(row.into_user()),
            // The report of flaws tells of it.
            Err(_) => ControlFlow::Continue(()),
        })
    }

    fn add_user(&self, user: &StoredUser) -> Result<StoredUser> {
        limits::check(user)?;
        let id = dialect::write_durably(&mut *self.pool.to_write()?, |connection| {
            insert(connection, user)
        })
        .map_err(of_query)?;
        Ok(StoredUser {
            id: UserId(id),
            usage: Usage::default(),
            last_login: 0,
            ..user.clone()
        })
    }

    fn change_user(&self, before: &StoredUser, user: &StoredUser) -> Result<bool> {
        limits::check(user)?;
        dialect::write_durably(&mut *self.pool.to_write()?, |connection| {
            dialect::lock_user(connection, user.id)?;
            let stored = users::table
                .find(user.id.0)
                .select(UserRow::as_select())
                .get_result(connection)
                .optional()?;
            let Some(stored) = stored.map(UserRow::into_user) else {
                return Ok(None);
            };
            if !stored.has_settings_of(before) {
                return Ok(Some(false));
            }
            diesel::update(users::table.find(user.id.0))
                .set(Settings::of(user))
                .execute(connection)
                .map(|_| Some(true))
        })
        .map_err(of_query)?
        .ok_or_else(no_such_user)
    }

    fn replace_password_hash(&self, id: UserId, old: &str, new: &str) -> Result<bool> {
        dialect::write_durably(&mut *self.pool.to_write()?, |connection| {
            diesel::update(users::table.find(id.0).filter(users::password.eq(old)))
                .set(users::password.eq(new))
                .execute(connection)
        })
        .map(|changed| changed > 0)
        .map_err(of_query)
    }

    fn delete_user(&self, id: UserId) -> Result<()> {
        dialect::write_durably(&mut *self.pool.to_write()?, |connection| {
            dialect::lock_user(connection, id)?;
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            if self.is_shared {
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
            .execute(&mut *self.pool.to_write()?)
            .map_err(of_query)
            .and_then(one_user_changed)
    }
}

fn insert(connection: &mut Connection, user: &StoredUser) -> QueryResult<i32> {
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
