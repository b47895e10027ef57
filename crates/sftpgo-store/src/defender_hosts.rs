//! Scores and bans that several servers share, in a database. Times are those of the database's clock.

use std::time::Duration;

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl,
    dsl::{sql, sum},
    sql_types::BigInt,
};
use sftpgo_core::{
    Result,
    defender::{BanReport, DefenderConfig, DefenderStore, HostReport, SharedHost},
    network::Network,
};

use crate::{
    connection::Connection,
    database::DatabaseProvider,
    dialect,
    schema::{defender_bans, defender_scores},
};

impl DefenderStore for DatabaseProvider {
    fn exchange_hosts(
        &self,
        reports: &[HostReport],
        config: &DefenderConfig,
    ) -> Result<Vec<SharedHost>> {
        let reports = reports.to_vec();
        let observation_time = millis(config.observation_time);
        let most = i64::try_from(config.entries_hard_limit).unwrap_or(i64::MAX);
        let shared = self.pool.transaction(move |connection| {
            let now = now(connection)?;
            for report in &reports {
                store_ban(connection, report, now)?;
            }
            store_scores(connection, &reports, now)?;
            forget_old(connection, now, observation_time)?;
            forget_surplus(connection, most)?;
            read(connection, now)
        })?;
        Ok(shared)
    }

    fn forget_host(&self, host: Network) -> Result<bool> {
        let host = host.to_string();
        let forgotten = self.pool.transaction(move |connection| {
            let now = now(connection)?;
            let bans = diesel::delete(
                defender_bans::table
                    .filter(defender_bans::host.eq(&host))
                    .filter(defender_bans::ends_at.gt(now)),
            )
            .execute(connection)?;
            let scores =
                diesel::delete(defender_scores::table.filter(defender_scores::host.eq(&host)))
                    .execute(connection)?;
            Ok(bans + scores)
        })?;
        Ok(forgotten > 0)
    }
}

fn now(connection: &mut Connection) -> QueryResult<i64> {
    let now = sql::<BigInt>(dialect::now(connection));
    diesel::select(now).get_result(connection)
}

fn store_ban(connection: &mut Connection, report: &HostReport, now: i64) -> QueryResult<()> {
    let (length, is_new) = match report.ban {
        None => return Ok(()),
        Some(BanReport::New(length)) => (length, true),
        Some(BanReport::Longer(length)) => (length, false),
    };
    let host = report.host.to_string();
    let ends_at = now.saturating_add(millis(length));
    let found: Option<i64> = defender_bans::table
        .find(&host)
        .select(defender_bans::ends_at)
        .first(connection)
        .optional()?;
    match found {
        // One that somebody has taken back, or that is over, gets no longer.
        None if !is_new => return Ok(()),
        Some(old) if !is_new && old <= now => return Ok(()),
        None => {
            diesel::insert_into(defender_bans::table)
                .values((
                    defender_bans::host.eq(&host),
                    defender_bans::ends_at.eq(ends_at),
                ))
                .execute(connection)?;
        }
        Some(old) if old < ends_at => {
            diesel::update(defender_bans::table.find(&host))
                .set(defender_bans::ends_at.eq(ends_at))
                .execute(connection)?;
        }
        Some(_) => {}
    }
    if is_new {
        diesel::delete(defender_scores::table.filter(defender_scores::host.eq(&host)))
            .execute(connection)?;
    }
    Ok(())
}

fn store_scores(connection: &mut Connection, reports: &[HostReport], now: i64) -> QueryResult<()> {
    let rows: Vec<_> = reports
        .iter()
        .flat_map(|report| {
            let host = report.host.to_string();
            report.scores.iter().map(move |(age, score)| {
                (
                    defender_scores::host.eq(host.clone()),
                    defender_scores::score.eq(i32::try_from(*score).unwrap_or(i32::MAX)),
                    defender_scores::counted_at.eq(now.saturating_sub(millis(*age))),
                )
            })
        })
        .collect();
    for row in rows {
        diesel::insert_into(defender_scores::table)
            .values(row)
            .execute(connection)?;
    }
    Ok(())
}

fn forget_old(connection: &mut Connection, now: i64, observation_time: i64) -> QueryResult<()> {
    let before = now.saturating_sub(observation_time);
    diesel::delete(defender_scores::table.filter(defender_scores::counted_at.le(before)))
        .execute(connection)?;
    diesel::delete(defender_bans::table.filter(defender_bans::ends_at.le(now)))
        .execute(connection)?;
    Ok(())
}

/// Leaves the newest of both.
fn forget_surplus(connection: &mut Connection, most: i64) -> QueryResult<()> {
    let first_surplus: Option<i64> = defender_scores::table
        .order(defender_scores::id.desc())
        .select(defender_scores::id)
        .offset(most)
        .first(connection)
        .optional()?;
    if let Some(id) = first_surplus {
        diesel::delete(defender_scores::table.filter(defender_scores::id.le(id)))
            .execute(connection)?;
    }
    let first_surplus: Option<i64> = defender_bans::table
        .order(defender_bans::ends_at.desc())
        .select(defender_bans::ends_at)
        .offset(most)
        .first(connection)
        .optional()?;
    if let Some(ends_at) = first_surplus {
        diesel::delete(defender_bans::table.filter(defender_bans::ends_at.le(ends_at)))
            .execute(connection)?;
    }
    Ok(())
}

/// A host with a ban has no score.
fn read(connection: &mut Connection, now: i64) -> QueryResult<Vec<SharedHost>> {
    let bans: Vec<(String, i64)> = defender_bans::table
        .select((defender_bans::host, defender_bans::ends_at))
        .load(connection)?;
    let scores: Vec<(String, Option<i64>)> = defender_scores::table
        .group_by(defender_scores::host)
        .select((defender_scores::host, sum(defender_scores::score)))
        .load(connection)?;
    let bans = bans.into_iter().filter_map(|(host, ends_at)| {
        Some(SharedHost {
            host: host.parse().ok()?,
            score: 0,
            banned_for: Some(Duration::from_millis(u64::try_from(ends_at - now).ok()?)),
        })
    });
    let scores = scores.into_iter().filter_map(|(host, score)| {
        Some(SharedHost {
            host: host.parse().ok()?,
            score: u32::try_from(score.unwrap_or(0)).unwrap_or(u32::MAX),
            banned_for: None,
        })
    });
    // A ban comes last, and so decides where another server has counted since.
    Ok(scores.chain(bans).collect())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
