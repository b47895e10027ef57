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

use crate::{
    all_users, column_limits,
    connection::Connection,
    database::DatabaseProvider,
    dialect,
    error::{no_such_user, one_user_changed},
    listing,
    row::{Settings, UserRow},
    schema::{dirty_users, users},
    sharing,
};

impl Users for DatabaseProvider {
    fn user_by_name(&self, username: &str) -> Result<Option<StoredUser>> {
        if listing::cannot_be(username) {
            return Ok(None);
        }
        let username = username.to_owned();
        self.pool.call(move |connection| {
            let found = listing::by_name(&username)
                .get_result(connection)
                .optional()?;
            Ok(found.map(UserRow::into_user))
        })
    }

    fn user_by_id(&self, id: UserId) -> Result<Option<StoredUser>> {
        self.pool.call(move |connection| {
            let found = users::table
                .find(id.0)
                .select(UserRow::as_select())
                .get_result(connection)
                .optional()?;
            Ok(found.map(UserRow::into_user))
        })
    }

    fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<StoredUser>> {
        let ids: Vec<i32> = ids.iter().map(|id| id.0).collect();
        self.pool.call(move |connection| {
            let rows = users::table
                .filter(users::id.eq_any(ids))
                .select(UserRow::as_select())
                .load(connection)?;
            Ok(rows.into_iter().map(UserRow::into_user).collect())
        })
    }

    fn list_users(&self, query: &UserQuery) -> Result<Vec<StoredUser>> {
        let query = query.clone();
        self.pool
            .call(move |connection| listing::list(connection, &query))
    }

    fn count_users(&self) -> Result<u64> {
        let count: i64 = self
            .pool
            .call(|connection| users::table.count().get_result(connection))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    fn for_each_user(&self, see: &mut dyn FnMut(StoredUser) -> ControlFlow<()>) -> Result<()> {
        all_users::visit(&self.pool, |row| match row {
            Ok(row) => see(row.into_user()),
            // The report of flaws tells of it.
            Err(_) => ControlFlow::Continue(()),
        })
    }

    fn add_user(&self, user: &StoredUser) -> Result<StoredUser> {
        column_limits::check(user, None)?;
        let user = StoredUser {
            spent_steps: 0,
            usage: Usage::default(),
            last_login: 0,
            ..user.clone()
        };
        self.pool.durable_transaction(move |connection| {
            Ok(StoredUser {
                id: UserId(insert(connection, &user)?),
                ..user.clone()
            })
        })
    }

    fn change_user(&self, before: &StoredUser, user: &StoredUser) -> Result<bool> {
        column_limits::check(user, Some(before))?;
        let (before, user) = (before.clone(), user.clone());
        let changed = self.pool.durable_transaction(move |connection| {
            dialect::lock_user(connection, user.id)?;
            let stored = users::table
                .find(user.id.0)
                .select(UserRow::as_select())
                .get_result(connection)
                .optional()?;
            let Some(stored) = stored.map(UserRow::into_user) else {
                return Ok(None);
            };
            if !stored.has_settings_of(&before) {
                return Ok(Some(false));
            }
            diesel::update(users::table.find(user.id.0))
                .set(Settings::of(&user))
                .execute(connection)
                .map(|_| Some(true))
        })?;
        changed.ok_or_else(no_such_user)
    }

    fn replace_password_hash(&self, id: UserId, old: &str, new: &str) -> Result<bool> {
        let (old, new) = (old.to_owned(), new.to_owned());
        let changed = self.pool.durable_transaction(move |connection| {
            diesel::update(users::table.find(id.0).filter(users::password.eq(&old)))
                .set(users::password.eq(&new))
                .execute(connection)
        })?;
        Ok(changed > 0)
    }

    fn replace_spent_steps(&self, id: UserId, before: i64, after: i64) -> Result<bool> {
        let changed = self.pool.durable_transaction(move |connection| {
            diesel::update(
                users::table
                    .find(id.0)
                    .filter(users::spent_steps.eq(before)),
            )
            .set(users::spent_steps.eq(after))
            .execute(connection)
        })?;
        Ok(changed > 0)
    }

    fn delete_user(&self, id: UserId) -> Result<()> {
        let deleted = self.pool.durable_transaction(move |connection| {
            dialect::lock_user(connection, id)?;
            sharing::forget(connection, id)?;
            diesel::delete(dirty_users::table.find(id.0)).execute(connection)?;
            diesel::delete(users::table.find(id.0)).execute(connection)
        })?;
        one_user_changed(deleted)
    }

    fn record_login(&self, id: UserId, at: i64) -> Result<()> {
        let changed = self.pool.write(move |connection| {
            diesel::update(users::table.find(id.0))
                .set(users::last_login.eq(at))
                .execute(connection)
        })?;
        one_user_changed(changed)
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
            users::spent_steps.eq(0),
        ))
        .execute(connection)?;
    // By its unique name: not every database returns the id of a new row.
    users::table
        .filter(users::username.eq(&user.username))
        .select(users::id)
        .get_result(connection)
}
