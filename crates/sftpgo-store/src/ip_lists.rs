//! The stored lists of addresses in a database.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
    prelude::{Insertable, Queryable, Selectable},
};
use sftpgo_core::{
    Result,
    ip_list::{IpListStore, ListEntry, ListMode, ListType, Protocols},
    network::Network,
};

use crate::{
    connection::Connection,
    database::DatabaseProvider,
    ip_list_refusal::{is_listed, not_listed},
    schema::{ip_list_changes, ip_lists},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = ip_lists)]
struct Row {
    list: i32,
    network: String,
    mode: i32,
    protocols: i32,
    description: String,
    created_at: i64,
    updated_at: i64,
}

impl Row {
    /// None if it is not one of ours.
    fn into_entry(self) -> Option<ListEntry> {
        Some(ListEntry {
            list: ListType::of_number(self.list.into())?,
            network: self.network.parse().ok()?,
            mode: ListMode::of_number(self.mode.into())?,
            protocols: Protocols::from_bits(u8::try_from(self.protocols).ok()?)?,
            description: self.description,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

impl From<&ListEntry> for Row {
    fn from(entry: &ListEntry) -> Self {
        Self {
            list: number(entry.list),
            network: entry.network.to_string(),
            mode: mode(entry.mode),
            protocols: entry.protocols.bits().into(),
            description: entry.description.clone(),
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        }
    }
}

impl IpListStore for DatabaseProvider {
    fn list_change(&self) -> Result<i64> {
        self.pool.call(|connection| {
            ip_list_changes::table
                .find(1)
                .select(ip_list_changes::number)
                .first(connection)
        })
    }

    fn list_entries(&self, list: ListType) -> Result<Vec<ListEntry>> {
        let rows: Vec<Row> = self.pool.call(move |connection| {
            ip_lists::table
                .filter(ip_lists::list.eq(number(list)))
                .order(ip_lists::network)
                .select(Row::as_select())
                .load(connection)
        })?;
        Ok(rows.into_iter().filter_map(entry).collect())
    }

    fn list_entry(&self, list: ListType, network: Network) -> Result<Option<ListEntry>> {
        let row: Option<Row> = self.pool.call(move |connection| {
            ip_lists::table
                .find((number(list), network.to_string()))
                .select(Row::as_select())
                .first(connection)
                .optional()
        })?;
        Ok(row.and_then(entry))
    }

    fn add_list_entry(&self, entry: &ListEntry) -> Result<()> {
        let row = Row::from(entry);
        let is_added = self.pool.durable_transaction(move |connection| {
            be_alone(connection)?;
            let key = (row.list, row.network.clone());
            let found = ip_lists::table
                .find(key)
                .select(ip_lists::list)
                .first::<i32>(connection)
                .optional()?;
            if found.is_some() {
                return Ok(false);
            }
            diesel::insert_into(ip_lists::table)
                .values(&row)
                .execute(connection)?;
            Ok(true)
        })?;
        if is_added { Ok(()) } else { Err(is_listed()) }
    }

    fn replace_list_entry(&self, entry: &ListEntry) -> Result<()> {
        let row = Row::from(entry);
        let is_there = self.pool.durable_transaction(move |connection| {
            be_alone(connection)?;
            let key = (row.list, row.network.clone());
            let found = ip_lists::table
                .find(key.clone())
                .select(ip_lists::list)
                .first::<i32>(connection)
                .optional()?;
            diesel::update(ip_lists::table.find(key))
                .set((
                    ip_lists::mode.eq(row.mode),
                    ip_lists::protocols.eq(row.protocols),
                    ip_lists::description.eq(&row.description),
                    ip_lists::updated_at.eq(row.updated_at),
                ))
                .execute(connection)?;
            Ok(found.is_some())
        })?;
        if is_there { Ok(()) } else { Err(not_listed()) }
    }

    fn delete_list_entry(&self, list: ListType, network: Network) -> Result<()> {
        let deleted = self.pool.durable_transaction(move |connection| {
            be_alone(connection)?;
            diesel::delete(ip_lists::table.find((number(list), network.to_string())))
                .execute(connection)
        })?;
        if deleted == 0 {
            return Err(not_listed());
        }
        Ok(())
    }
}

/// Other transactions that change a list wait for this one from here on, and all servers will read the lists again.
fn be_alone(connection: &mut Connection) -> QueryResult<()> {
    diesel::update(ip_list_changes::table.find(1))
        .set(ip_list_changes::number.eq(ip_list_changes::number + 1))
        .execute(connection)
        .map(drop)
}

fn entry(row: Row) -> Option<ListEntry> {
    let name = format!("{} of list {}", row.network, row.list);
    let entry = row.into_entry();
    if entry.is_none() {
        log::warn!(
            "the entry {name} of the table ip_lists cannot be read and has no effect; delete it and add it again"
        );
    }
    entry
}

fn number(list: ListType) -> i32 {
    list as i32
}

fn mode(mode: ListMode) -> i32 {
    mode as i32
}
