//! The stored usage in a database.

use std::sync::{Arc, atomic::Ordering};

use diesel::{ExpressionMethods, Insertable, QueryDsl, RunQueryDsl};
use sftpgo_core::{
    Result, UserId,
    provider::{ClusterStore, QuotaLedger},
    storage_usage::Usage,
};

use crate::{
    database::DatabaseProvider,
    dialect,
    error::{no_such_user, one_user_changed},
    row,
    schema::{dirty_users, users},
};

impl QuotaLedger for DatabaseProvider {
    fn usage(&self, id: UserId) -> Result<Usage> {
        let found = self
            .pool
            .call(move |connection| row::usage(connection, id))?;
        found.ok_or_else(no_such_user)
    }

    fn set_usage(&self, id: UserId, usage: Usage) -> Result<()> {
        let changed = self.pool.write(move |connection| {
            diesel::update(users::table.find(id.0))
                .set((
                    users::used_quota_size.eq(usage.size),
                    users::used_quota_files.eq(usage.files),
                    users::last_quota_update.eq(usage.updated_at),
                ))
                .execute(connection)
        })?;
        one_user_changed(changed)
    }

    fn set_dirty(&self, id: UserId, dirty: bool) -> Result<()> {
        if !dirty {
            return self.pool.write(move |connection| {
                diesel::delete(dirty_users::table.find(id.0))
                    .execute(connection)
                    .map(drop)
            });
        }
        self.pool.durable_transaction(move |connection| {
            dialect::lock_user(connection, id)?;
            diesel::delete(dirty_users::table.find(id.0)).execute(connection)?;
            users::table
                .find(id.0)
                .select(users::id)
                .insert_into(dirty_users::table)
                .into_columns(dirty_users::user_id)
                .execute(connection)
                .map(drop)
        })
    }

    fn dirty_users(&self) -> Result<Vec<UserId>> {
        let ids: Vec<i32> = self.pool.call(|connection| {
            dirty_users::table
                .select(dirty_users::user_id)
                .order(dirty_users::user_id)
                .load(connection)
        })?;
        Ok(ids.into_iter().map(UserId).collect())
    }

    fn shared(self: Arc<Self>) -> Option<Arc<dyn ClusterStore>> {
        let is_shared = self.is_shared.load(Ordering::Acquire);
        is_shared.then_some(self as Arc<dyn ClusterStore>)
    }

    fn begin_sharing(self: Arc<Self>) -> Option<Arc<dyn ClusterStore>> {
        self.is_shared.store(true, Ordering::Release);
        self.shared()
    }
}
