//! The ledger of servers that use one database at a time: each transaction locks the row of the user it is about.

use std::time::Duration;

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, dsl::sql,
    sql_types::BigInt,
};
use sftpgo_core::{
    Error, ErrorKind, Result, UserId,
    provider::{Report, ServerId, Share, SharedStore, StoredShare},
    quota::Amount,
    user::Usage,
};

use crate::{
    connection::Connection,
    database::DatabaseProvider,
    dialect,
    error::{no_such_user, of_query},
    schema::{open_sessions, quota_shares, servers, users},
};

impl SharedStore for DatabaseProvider {
    fn keep_alive(&self, server: ServerId) -> Result<bool> {
        self.transaction(|connection| {
            let now = dialect::now(connection);
            let now = || sql::<BigInt>(now);
            let known = servers::table
                .find(server.0)
                .select(servers::id)
                .get_result::<i64>(connection)
                .optional()?;
            if known.is_some() {
                diesel::update(servers::table.find(server.0))
                    .set(servers::seen_at.eq(now()))
                    .execute(connection)?;
            } else {
                diesel::insert_into(servers::table)
                    .values((servers::id.eq(server.0), servers::seen_at.eq(now())))
                    .execute(connection)?;
            }
            Ok(known.is_none())
        })
    }

    fn take_over(&self, server: ServerId, silent_for: Duration) -> Result<Vec<UserId>> {
        self.transaction(|connection| {
            let silent_since = format!("{} - {}", dialect::now(connection), silent_for.as_millis());
            diesel::delete(
                servers::table
                    .filter(servers::id.ne(server.0))
                    .filter(servers::seen_at.le(sql::<BigInt>(&silent_since))),
            )
            .execute(connection)?;
            let mut taken = Vec::new();
            for dead in dead_servers(connection, server)? {
                taken.append(&mut take_over_from(connection, dead, server)?);
            }
            taken.sort_unstable();
            taken.dedup();
            Ok(taken)
        })
    }

    fn leave(&self, server: ServerId) -> Result<()> {
        self.transaction(|connection| {
            diesel::delete(open_sessions::table.filter(open_sessions::server_id.eq(server.0)))
                .execute(connection)?;
            // Shares that it could not end are taken over.
            diesel::delete(servers::table.find(server.0)).execute(connection)?;
            Ok(())
        })
    }

    fn take_session(&self, server: ServerId, number: i64, id: UserId, most: u32) -> Result<()> {
        let taken = self.transaction(|connection| {
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
            diesel::insert_into(open_sessions::table)
                .values((
                    open_sessions::server_id.eq(server.0),
                    open_sessions::number.eq(number),
                    open_sessions::user_id.eq(id.0),
                ))
                .execute(connection)?;
            Ok(Ok(()))
        });
        taken?
    }

    fn give_back_sessions(&self, server: ServerId, numbers: &[i64]) -> Result<()> {
        self.transaction(|connection| {
            for number in numbers {
                diesel::delete(open_sessions::table.find((server.0, *number)))
                    .execute(connection)?;
            }
            Ok(())
        })
    }

    fn share(&self, server: ServerId, id: UserId) -> Result<Share> {
        self.transaction(|connection| {
            let Some(usage) = usage(connection, id)? else {
                return Ok(None);
            };
            let share = stored_share(connection, server, id)?.unwrap_or_default();
            Ok(Some(Share {
                usage: Amount::of(usage),
                contributed: share.contributed,
                reserved: share.reserved,
                reserved_by_others: reserved_by_others(connection, server, id)?,
                was_lost: false,
            }))
        })?
        .ok_or_else(no_such_user)
    }

    fn begin_share(&self, server: ServerId, id: UserId) -> Result<()> {
        self.transaction(|connection| {
            let exists = usage_locked(connection, id)?.is_some();
            if exists && stored_share(connection, server, id)?.is_none() {
                insert_share(connection, server, id, StoredShare::default())?;
            }
            Ok(())
        })
    }

    fn report(&self, server: ServerId, id: UserId, report: &Report) -> Result<Share> {
        self.transaction(|connection| {
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
                None => insert_share(connection, server, id, stored)?,
                Some(known) if known != stored => {
                    update_share(connection, server, id, stored)?;
                }
                Some(_) => {}
            }
            Ok(Some(answer))
        })?
        .ok_or_else(no_such_user)
    }

    fn replace_usage(
        &self,
        server: ServerId,
        id: UserId,
        usage: Usage,
        contributed: Amount,
    ) -> Result<()> {
        self.transaction(|connection| {
            if usage_locked(connection, id)?.is_none() {
                return Ok(None);
            }
            set_usage(connection, id, usage)?;
            if let Some(known) = stored_share(connection, server, id)? {
                let stored = StoredShare {
                    contributed,
                    ..known
                };
                update_share(connection, server, id, stored)?;
            }
            Ok(Some(()))
        })?
        .ok_or_else(no_such_user)
    }

    fn end_share(&self, server: ServerId, id: UserId) -> Result<()> {
        self.transaction(|connection| {
            diesel::delete(quota_shares::table.find((server.0, id.0))).execute(connection)
        })
        .map(drop)
    }
}

impl DatabaseProvider {
    fn transaction<T>(&self, work: impl FnMut(&mut Connection) -> QueryResult<T>) -> Result<T> {
        dialect::write(&mut *self.pool.connection()?, work).map_err(of_query)
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

/// Servers that left something behind and are not known, but for this one.
fn dead_servers(connection: &mut Connection, this: ServerId) -> QueryResult<Vec<ServerId>> {
    let known = || servers::table.select(servers::id);
    let mut dead: Vec<i64> = quota_shares::table
        .filter(quota_shares::server_id.ne(this.0))
        .filter(quota_shares::server_id.ne_all(known()))
        .select(quota_shares::server_id)
        .distinct()
        .load(connection)?;
    let of_sessions: Vec<i64> = open_sessions::table
        .filter(open_sessions::server_id.ne(this.0))
        .filter(open_sessions::server_id.ne_all(known()))
        .select(open_sessions::server_id)
        .distinct()
        .load(connection)?;
    dead.extend(of_sessions);
    dead.sort_unstable();
    dead.dedup();
    Ok(dead.into_iter().map(ServerId).collect())
}

fn take_over_from(
    connection: &mut Connection,
    dead: ServerId,
    by: ServerId,
) -> QueryResult<Vec<UserId>> {
    let users: Vec<i32> = quota_shares::table
        .filter(quota_shares::server_id.eq(dead.0))
        .select(quota_shares::user_id)
        .load(connection)?;
    let mut taken = Vec::new();
    for id in users.into_iter().map(UserId) {
        let exists = usage_locked(connection, id)?.is_some();
        // Another server that looks now has it.
        let gone = diesel::delete(quota_shares::table.find((dead.0, id.0))).execute(connection)?;
        if gone == 0 || !exists {
            continue;
        }
        if stored_share(connection, by, id)?.is_none() {
            insert_share(connection, by, id, StoredShare::default())?;
        }
        taken.push(id);
    }
    diesel::delete(open_sessions::table.filter(open_sessions::server_id.eq(dead.0)))
        .execute(connection)?;
    Ok(taken)
}

fn usage_locked(connection: &mut Connection, id: UserId) -> QueryResult<Option<Usage>> {
    dialect::lock_user(connection, id)?;
    usage(connection, id)
}

fn usage(connection: &mut Connection, id: UserId) -> QueryResult<Option<Usage>> {
    let found: Option<(i64, i32, i64)> = users::table
        .find(id.0)
        .select((
            users::used_quota_size,
            users::used_quota_files,
            users::last_quota_update,
        ))
        .get_result(connection)
        .optional()?;
    Ok(found.map(|(size, files, updated_at)| Usage {
        size,
        files,
        updated_at,
    }))
}

fn set_usage(connection: &mut Connection, id: UserId, usage: Usage) -> QueryResult<()> {
    diesel::update(users::table.find(id.0))
        .set((
            users::used_quota_size.eq(usage.size),
            users::used_quota_files.eq(usage.files),
            users::last_quota_update.eq(usage.updated_at),
        ))
        .execute(connection)
        .map(drop)
}

fn stored_share(
    connection: &mut Connection,
    server: ServerId,
    id: UserId,
) -> QueryResult<Option<StoredShare>> {
    let found: Option<(i64, i64, i64, i64)> = quota_shares::table
        .find((server.0, id.0))
        .select((
            quota_shares::contributed_size,
            quota_shares::contributed_files,
            quota_shares::reserved_size,
            quota_shares::reserved_files,
        ))
        .get_result(connection)
        .optional()?;
    let amount = |size, files| Amount { size, files };
    Ok(
        found.map(|(size, files, reserved_size, reserved_files)| StoredShare {
            contributed: amount(size, files),
            reserved: amount(reserved_size, reserved_files),
        }),
    )
}

fn reserved_by_others(
    connection: &mut Connection,
    server: ServerId,
    id: UserId,
) -> QueryResult<Amount> {
    let others: Vec<(i64, i64)> = quota_shares::table
        .filter(quota_shares::user_id.eq(id.0))
        .filter(quota_shares::server_id.ne(server.0))
        .select((quota_shares::reserved_size, quota_shares::reserved_files))
        .load(connection)?;
    let sum = |sum: Amount, (size, files)| sum.plus(Amount { size, files });
    Ok(others.into_iter().fold(Amount::default(), sum))
}

fn insert_share(
    connection: &mut Connection,
    server: ServerId,
    id: UserId,
    share: StoredShare,
) -> QueryResult<()> {
    diesel::insert_into(quota_shares::table)
        .values((
            quota_shares::server_id.eq(server.0),
            quota_shares::user_id.eq(id.0),
            quota_shares::contributed_size.eq(share.contributed.size),
            quota_shares::contributed_files.eq(share.contributed.files),
            quota_shares::reserved_size.eq(share.reserved.size),
            quota_shares::reserved_files.eq(share.reserved.files),
        ))
        .execute(connection)
        .map(drop)
}

fn update_share(
    connection: &mut Connection,
    server: ServerId,
    id: UserId,
    share: StoredShare,
) -> QueryResult<()> {
    diesel::update(quota_shares::table.find((server.0, id.0)))
        .set((
            quota_shares::contributed_size.eq(share.contributed.size),
            quota_shares::contributed_files.eq(share.contributed.files),
            quota_shares::reserved_size.eq(share.reserved.size),
            quota_shares::reserved_files.eq(share.reserved.files),
        ))
        .execute(connection)
        .map(drop)
}
