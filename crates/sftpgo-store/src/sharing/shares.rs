//! Rows of usage and of the shares in it, within a transaction that holds the user's row.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl};
pub(super) use sftpgo_core::provider::StoredShare;
use sftpgo_core::{
    UserId,
    provider::NodeId,
    storage_usage::{StorageUsage, Usage},
};

use crate::{
    connection::Connection,
    dialect,
    row::usage,
    schema::{quota_shares, users},
};

pub(super) fn usage_locked(connection: &mut Connection, id: UserId) -> QueryResult<Option<Usage>> {
    dialect::lock_user(connection, id)?;
    usage(connection, id)
}

pub(super) fn set_usage(connection: &mut Connection, id: UserId, usage: Usage) -> QueryResult<()> {
    diesel::update(users::table.find(id.0))
        .set((
            users::used_quota_size.eq(usage.size),
            users::used_quota_files.eq(usage.files),
            users::last_quota_update.eq(usage.updated_at),
        ))
        .execute(connection)
        .map(drop)
}

pub(super) fn stored_share(
    connection: &mut Connection,
    server: NodeId,
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
    let amount = |size: i64, files| StorageUsage {
        size: size.into(),
        files,
    };
    Ok(
        found.map(|(size, files, reserved_size, reserved_files)| StoredShare {
            contributed: amount(size, files),
            reserved: amount(reserved_size, reserved_files),
        }),
    )
}

pub(super) fn reserved_by_others(
    connection: &mut Connection,
    server: NodeId,
    id: UserId,
) -> QueryResult<StorageUsage> {
    let others: Vec<(i64, i64)> = quota_shares::table
        .filter(quota_shares::user_id.eq(id.0))
        .filter(quota_shares::server_id.ne(server.0))
        .select((quota_shares::reserved_size, quota_shares::reserved_files))
        .load(connection)?;
    let sum = |sum: StorageUsage, (size, files): (i64, i64)| {
        sum.plus(StorageUsage {
            size: size.into(),
            files,
        })
    };
    Ok(others.into_iter().fold(StorageUsage::default(), sum))
}

/// Begins a share: the rescans of others cannot be trusted then.
pub(super) fn insert_share(
    connection: &mut Connection,
    server: NodeId,
    id: UserId,
    share: StoredShare,
    to_count: bool,
) -> QueryResult<()> {
    diesel::update(quota_shares::table.filter(quota_shares::user_id.eq(id.0)))
        .set(quota_shares::counts_alone.eq(false))
        .execute(connection)?;
    diesel::insert_into(quota_shares::table)
        .values((
            quota_shares::server_id.eq(server.0),
            quota_shares::user_id.eq(id.0),
            quota_shares::contributed_size.eq(share.contributed.size_to_store()),
            quota_shares::contributed_files.eq(share.contributed.files),
            quota_shares::reserved_size.eq(share.reserved.size_to_store()),
            quota_shares::reserved_files.eq(share.reserved.files),
            quota_shares::to_count.eq(to_count),
            quota_shares::counts_alone.eq(false),
        ))
        .execute(connection)
        .map(drop)
}

/// Has the server's share say that the home is to be rescanned; the share begins unless it has.
pub(super) fn demand_rescan(
    connection: &mut Connection,
    server: NodeId,
    id: UserId,
) -> QueryResult<()> {
    if needs_rescan(connection, server, id)?.is_none() {
        return insert_share(connection, server, id, StoredShare::default(), true);
    }
    diesel::update(quota_shares::table.find((server.0, id.0)))
        .set(quota_shares::to_count.eq(true))
        .execute(connection)
        .map(drop)
}

/// Returns whether the node's share says that the home is to be rescanned; none when there is no share.
pub(super) fn needs_rescan(
    connection: &mut Connection,
    server: NodeId,
    id: UserId,
) -> QueryResult<Option<bool>> {
    quota_shares::table
        .find((server.0, id.0))
        .select(quota_shares::to_count)
        .get_result(connection)
        .optional()
}

/// Returns another node with a share in the user.
pub(super) fn another(
    connection: &mut Connection,
    server: NodeId,
    id: UserId,
) -> QueryResult<Option<NodeId>> {
    quota_shares::table
        .filter(quota_shares::user_id.eq(id.0))
        .filter(quota_shares::server_id.ne(server.0))
        .select(quota_shares::server_id)
        .first::<i64>(connection)
        .optional()
        .map(|found| found.map(NodeId))
}

pub(super) fn update_share(
    connection: &mut Connection,
    server: NodeId,
    id: UserId,
    share: StoredShare,
) -> QueryResult<()> {
    diesel::update(quota_shares::table.find((server.0, id.0)))
        .set((
            quota_shares::contributed_size.eq(share.contributed.size_to_store()),
            quota_shares::contributed_files.eq(share.contributed.files),
            quota_shares::reserved_size.eq(share.reserved.size_to_store()),
            quota_shares::reserved_files.eq(share.reserved.files),
        ))
        .execute(connection)
        .map(drop)
}
