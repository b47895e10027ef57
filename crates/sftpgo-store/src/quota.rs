//! The stored usage in a database.

use diesel::{
    ExpressionMethods, IntoSql, OptionalExtension, QueryDsl, RunQueryDsl,
    dsl::case_when,
    sql_types::{BigInt, Integer},
};
use sftpgo_core::{
    Result, UserId,
    provider::{QuotaLedger, UsageDelta},
    user::Usage,
};

use crate::{
    error::{no_such_user, of_query, one_user_changed},
    schema::users,
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
            .first(&mut *self.pool.connection()?)
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
}
