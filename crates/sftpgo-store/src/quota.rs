//! The stored usage in a database.

use diesel::{
    ExpressionMethods, Insertable, IntoSql, OptionalExtension, QueryDsl, RunQueryDsl,
    dsl::case_when,
    sql_types::{BigInt, Integer},
};
use sftpgo_core::{
    Result, UserId,
    provider::{QuotaLedger, UsageDelta},
    user::Usage,
};

use crate::{
    dialect,
    error::{no_such_user, of_query, one_user_changed},
    schema::{unsettled_users, users},
    sqlite::SqliteProvider,
};

impl QuotaLedger for SqliteProvider {
    fn usage(&self, id: UserId) -> Result<Usage> {
        let (size, files, updated_at) = users::table
            .find(id.0)
            .select((
                users::used_quota_size,
                users::used_quota_files,
                users::last_quota_update,
            ))
            .get_result(&mut *self.pool.connection()?)
            .optional()
            .map_err(of_query)?
            .ok_or_else(no_such_user)?;
        Ok(Usage {
            size,
            files,
            updated_at,
        })
    }

    fn add_usage(&self, id: UserId, delta: UsageDelta, at: i64) -> Result<()> {
        // One statement, so that no other change comes between reading and writing. What would pass a column's
        // largest value stays there: SQLite would store a fraction, the others would fail.
        let size_with_room = i64::MAX - delta.size.max(0);
        let files_with_room = i32::MAX - delta.files.max(0);
        diesel::update(users::table.find(id.0))
            .set((
                users::used_quota_size.eq(case_when(
                    users::used_quota_size.gt(size_with_room),
                    i64::MAX.into_sql::<BigInt>(),
                )
                .when(
                    (users::used_quota_size + delta.size).gt(0),
                    users::used_quota_size + delta.size,
                )
                .otherwise(0_i64)),
                users::used_quota_files.eq(case_when(
                    users::used_quota_files.gt(files_with_room),
                    i32::MAX.into_sql::<Integer>(),
                )
                .when(
                    (users::used_quota_files + delta.files).gt(0),
                    users::used_quota_files + delta.files,
                )
                .otherwise(0_i32)),
                users::last_quota_update.eq(at),
            ))
            .execute(&mut *self.pool.connection()?)
            .map_err(of_query)
            .and_then(one_user_changed)
    }

    fn set_usage(&self, id: UserId, usage: Usage) -> Result<()> {
        diesel::update(users::table.find(id.0))
            .set((
                users::used_quota_size.eq(usage.size),
                users::used_quota_files.eq(usage.files),
                users::last_quota_update.eq(usage.updated_at),
            ))
            .execute(&mut *self.pool.connection()?)
            .map_err(of_query)
            .and_then(one_user_changed)
    }

    fn set_unsettled(&self, id: UserId, unsettled: bool) -> Result<()> {
        let connection = &mut *self.pool.connection()?;
        if !unsettled {
            return diesel::delete(unsettled_users::table.find(id.0))
                .execute(connection)
                .map(drop)
                .map_err(of_query);
        }
        dialect::write_durably(connection, |connection| {
            diesel::delete(unsettled_users::table.find(id.0)).execute(connection)?;
            users::table
                .find(id.0)
                .select(users::id)
                .insert_into(unsettled_users::table)
                .into_columns(unsettled_users::user_id)
                .execute(connection)
        })
        .map(drop)
        .map_err(of_query)
    }

    fn unsettled_users(&self) -> Result<Vec<UserId>> {
        unsettled_users::table
            .select(unsettled_users::user_id)
            .order(unsettled_users::user_id)
            .load(&mut *self.pool.connection()?)
            .map(|ids| ids.into_iter().map(UserId).collect())
            .map_err(of_query)
    }
}
