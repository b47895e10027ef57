//! The ledger of servers that use one database at a time: each transaction locks the row of the user it is about.

mod shares;

use std::{collections::BTreeSet, time::Duration};

use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl,
    dsl::{exists, select, sql},
    sql_types::BigInt,
};
use sftpgo_core::{
    Error, ErrorKind, Result, UserId,
    provider::{ClusterStore, NodeId, Report, RescanStart, Share},
    storage_usage::{StorageUsage, Usage},
};

use self::shares::{
    StoredShare, another, demand_rescan, insert_share, needs_rescan, reserved_by_others, set_usage,
    stored_share, update_share, usage_locked,
};
use crate::{
    connection::Connection,
    database::DatabaseProvider,
    dialect,
    error::no_such_user,
    row::usage,
    schema::{open_sessions, quota_shares, servers, users},
};

/// The number of shares of expired nodes that are reclaimed in one transaction.
const RECLAIMED_AT_ONCE: i64 = 100;

impl ClusterStore for DatabaseProvider {
    fn keep_alive(&self, server: NodeId) -> Result<bool> {
        self.pool.transaction(move |connection| {
            let now = dialect::now(connection);
            let now = || sql::<BigInt>(now);
            let known = diesel::update(servers::table.find(server.0))
                .set(servers::seen_at.eq(now()))
                .execute(connection)?;
            if known == 0 {
                diesel::insert_into(servers::table)
                    .values((servers::id.eq(server.0), servers::seen_at.eq(now())))
                    .execute(connection)?;
            }
            Ok(known == 0)
        })
    }

    fn expire_silent(&self, server: NodeId, silent_for: Duration) -> Result<()> {
        self.pool
            .transaction(move |connection| {
                let silent_since =
                    format!("{} - {}", dialect::now(connection), silent_for.as_millis());
                diesel::delete(
                    servers::table
                        .filter(servers::id.ne(server.0))
                        .filter(servers::seen_at.le(sql::<BigInt>(&silent_since))),
                )
                .execute(connection)
            })
            .map(drop)
    }

    fn reclaim(&self, server: NodeId) -> Result<bool> {
        self.pool.transaction(move |connection| {
            diesel::delete(
                open_sessions::table
                    .filter(open_sessions::server_id.ne(server.0))
                    .filter(open_sessions::server_id.ne_all(known_servers())),
            )
            .execute(connection)
        })?;
        // Users who are active wait for few others at a time.
        self.pool
            .transaction(move |connection| reclaim_some(connection, server))
    }

    fn leave(&self, server: NodeId) -> Result<()> {
        self.pool.transaction(move |connection| {
            diesel::delete(open_sessions::table.filter(open_sessions::server_id.eq(server.0)))
                .execute(connection)?;
            // Shares that it could not end are taken over.
            diesel::delete(servers::table.find(server.0)).execute(connection)?;
            Ok(())
        })
    }

    fn take_session(&self, server: NodeId, number: i64, id: UserId, most: u32) -> Result<()> {
        let taken = self.pool.transaction(move |connection| {
            if usage_locked(connection, id)?.is_none() {
                return Ok(Err(no_such_user()));
            }
            let of_user: Vec<(i64, i64)> = open_sessions::table
                .filter(open_sessions::user_id.eq(id.0))
                .select((open_sessions::server_id, open_sessions::number))
                .load(connection)?;
            if of_user.contains(&(server.0, number)) {
                return Ok(Ok(()));
            }
            let open = of_user.len();
            if most > 0 && open >= most as usize {
                return Ok(Err(Error::new(
                    ErrorKind::LimitReached,
                    format!("too many open sessions: {open}"),
                )));
            }
            insert_session(connection, server, number, id)?;
            Ok(Ok(()))
        });
        taken?
    }

    fn sessions(&self, server: NodeId) -> Result<Vec<i64>> {
        self.pool.call(move |connection| {
            open_sessions::table
                .filter(open_sessions::server_id.eq(server.0))
                .select(open_sessions::number)
                .load(connection)
        })
    }

    fn take_sessions_again(&self, server: NodeId, sessions: &[(i64, UserId)]) -> Result<()> {
        let sessions = sessions.to_vec();
        self.pool.transaction(move |connection| {
            // Before anything is read: whoever logs in now may be among them, and takes the same session.
            let users: BTreeSet<UserId> = sessions.iter().map(|(_, id)| *id).collect();
            for id in users {
                dialect::lock_user(connection, id)?;
            }
            let ids = sessions.iter().map(|(_, id)| id.0);
            let there: Vec<i32> = users::table
                .filter(users::id.eq_any(ids))
                .select(users::id)
                .load(connection)?;
            for (number, id) in &sessions {
                let session = || open_sessions::table.find((server.0, *number));
                let taken = select(exists(session())).get_result::<bool>(connection)?;
                if !taken && there.contains(&id.0) {
                    insert_session(connection, server, *number, *id)?;
                }
            }
            Ok(())
        })
    }

    fn give_back_sessions(&self, server: NodeId, numbers: &[i64]) -> Result<()> {
        let numbers = numbers.to_vec();
        self.pool.transaction(move |connection| {
            for number in &numbers {
                diesel::delete(open_sessions::table.find((server.0, *number)))
                    .execute(connection)?;
            }
            Ok(())
        })
    }

    fn share(&self, server: NodeId, id: UserId) -> Result<Share> {
        self.pool
            .transaction(move |connection| {
                let Some(usage) = usage(connection, id)? else {
                    return Ok(None);
                };
                let share = stored_share(connection, server, id)?.unwrap_or_default();
                Ok(Some(Share {
                    usage: StorageUsage::of(usage),
                    contributed: share.contributed,
                    reserved: share.reserved,
                    reserved_by_others: reserved_by_others(connection, server, id)?,
                    was_lost: false,
                }))
            })?
            .ok_or_else(no_such_user)
    }

    fn begin_share(
        &self,
        server: NodeId,
        id: UserId,
        contributed: StorageUsage,
        late: bool,
    ) -> Result<()> {
        self.pool.durable_transaction(move |connection| {
            let exists = usage_locked(connection, id)?.is_some();
            if exists && stored_share(connection, server, id)?.is_none() {
                let share = StoredShare {
                    contributed,
                    ..StoredShare::default()
                };
                insert_share(connection, server, id, share, late)?;
            }
            Ok(())
        })
    }

    fn report(&self, server: NodeId, id: UserId, report: &Report) -> Result<Share> {
        let report = *report;
        self.pool
            .transaction(move |connection| {
                let Some(before) = usage_locked(connection, id)? else {
                    return Ok(None);
                };
                let share = stored_share(connection, server, id)?;
                let others = reserved_by_others(connection, server, id)?;
                let (after, stored, answer) = report.apply(before, share, others);
                if after != before {
                    set_usage(connection, id, after)?;
                }
                match share {
                    None => insert_share(connection, server, id, stored, true)?,
                    Some(known) if known != stored => {
                        update_share(connection, server, id, stored)?;
                    }
                    Some(_) => {}
                }
                Ok(Some(answer))
            })?
            .ok_or_else(no_such_user)
    }

    fn users_to_rescan(&self, server: NodeId) -> Result<Vec<UserId>> {
        let due: Vec<i32> = self.pool.call(move |connection| {
            quota_shares::table
                .filter(quota_shares::server_id.eq(server.0))
                .filter(quota_shares::to_count)
                .select(quota_shares::user_id)
                .load(connection)
        })?;
        Ok(due.into_iter().map(UserId).collect())
    }

    fn begin_rescan(&self, server: NodeId, id: UserId) -> Result<RescanStart> {
        self.pool
            .transaction(move |connection| {
                if usage_locked(connection, id)?.is_none() {
                    return Ok(None);
                }
                let is_alone = another(connection, server, id)?.is_none();
                let is_due = needs_rescan(connection, server, id)?;
                if is_due.is_none() {
                    insert_share(connection, server, id, StoredShare::default(), true)?;
                }
                diesel::update(quota_shares::table.find((server.0, id.0)))
                    .set(quota_shares::counts_alone.eq(is_alone))
                    .execute(connection)?;
                Ok(Some(RescanStart {
                    is_alone,
                    is_due: is_due.unwrap_or(true),
                }))
            })?
            .ok_or_else(no_such_user)
    }

    fn replace_usage(
        &self,
        server: NodeId,
        id: UserId,
        usage: Usage,
        contributed: StorageUsage,
        even_roughly: bool,
    ) -> Result<bool> {
        self.pool
            .transaction(move |connection| {
                if usage_locked(connection, id)?.is_none() {
                    return Ok(None);
                }
                if needs_rescan(connection, server, id)?.is_none() {
                    let share = StoredShare {
                        contributed,
                        ..StoredShare::default()
                    };
                    insert_share(connection, server, id, share, true)?;
                }
                let share = || quota_shares::table.find((server.0, id.0));
                let alone: bool = share()
                    .select(quota_shares::counts_alone)
                    .get_result(connection)?;
                diesel::update(share())
                    .set((
                        quota_shares::to_count.eq(!alone),
                        quota_shares::counts_alone.eq(false),
                    ))
                    .execute(connection)?;
                if alone || even_roughly {
                    diesel::update(share())
                        .set((
                            quota_shares::contributed_size.eq(contributed.size_to_store()),
                            quota_shares::contributed_files.eq(contributed.files),
                        ))
                        .execute(connection)?;
                    set_usage(connection, id, usage)?;
                }
                Ok(Some(alone))
            })?
            .ok_or_else(no_such_user)
    }

    fn end_share(&self, server: NodeId, id: UserId) -> Result<bool> {
        self.pool.transaction(move |connection| {
            let usage = usage_locked(connection, id)?;
            let another = another(connection, server, id)?;
            let is_due = needs_rescan(connection, server, id)? == Some(true);
            match (another, usage) {
                (None, Some(_)) if is_due => return Ok(false),
                (Some(other), _) if is_due => demand_rescan(connection, other, id)?,
                (None, Some(usage)) => {
                    let committed = StorageUsage::of(usage).as_usage_at(usage.updated_at);
                    if committed != usage {
                        set_usage(connection, id, committed)?;
                    }
                }
                _ => {}
            }
            diesel::delete(quota_shares::table.find((server.0, id.0))).execute(connection)?;
            Ok(true)
        })
    }
}

/// Removes what servers keep of a user who is deleted.
pub(crate) fn forget(connection: &mut Connection, id: UserId) -> QueryResult<()> {
    diesel::delete(quota_shares::table.filter(quota_shares::user_id.eq(id.0)))
        .execute(connection)?;
    diesel::delete(open_sessions::table.filter(open_sessions::user_id.eq(id.0)))
        .execute(connection)?;
    Ok(())
}

#[diesel::dsl::auto_type]
fn known_servers() -> _ {
    servers::table.select(servers::id)
}

/// Reclaims some shares of nodes that are not known; false when there are none.
fn reclaim_some(connection: &mut Connection, by: NodeId) -> QueryResult<bool> {
    let left: Vec<(i64, i32)> = quota_shares::table
        .filter(quota_shares::server_id.ne(by.0))
        .filter(quota_shares::server_id.ne_all(known_servers()))
        .order((quota_shares::user_id, quota_shares::server_id))
        .select((quota_shares::server_id, quota_shares::user_id))
        .limit(RECLAIMED_AT_ONCE)
        .load(connection)?;
    for (expired, id) in &left {
        let id = UserId(*id);
        let exists = usage_locked(connection, id)?.is_some();
        let of_expired = quota_shares::table
            .filter(quota_shares::server_id.eq(*expired))
            .filter(quota_shares::user_id.eq(id.0))
            .filter(quota_shares::server_id.ne_all(known_servers()));
        let gone = diesel::delete(of_expired).execute(connection)?;
        // Otherwise another server that looks now has it, or it is alive again.
        if gone > 0 && exists {
            demand_rescan(connection, by, id)?;
        }
    }
    Ok(!left.is_empty())
}

fn insert_session(
    connection: &mut Connection,
    server: NodeId,
    number: i64,
    id: UserId,
) -> QueryResult<()> {
    diesel::insert_into(open_sessions::table)
        .values((
            open_sessions::server_id.eq(server.0),
            open_sessions::number.eq(number),
            open_sessions::user_id.eq(id.0),
        ))
        .execute(connection)
        .map(drop)
}
