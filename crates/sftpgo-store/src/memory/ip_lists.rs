//! Lists of addresses in memory.

use std::collections::BTreeMap;

use sftpgo_core::{
    Result,
    ip_list::{EntryDraft, IpListStore, ListEntry, ListType},
    network::Network,
    sync::lock,
    user::now_ms,
};

use super::MemoryProvider;
use crate::ip_list_refusal::{is_listed, not_listed};

/// Nobody locks out the machine itself, unless an operator takes these out.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

/// By list and network, whose text is in the order of its bytes.
#[derive(Debug)]
pub(super) struct Stored {
    entries: BTreeMap<(ListType, String), ListEntry>,
    change: i64,
}

impl Default for Stored {
    fn default() -> Self {
        let loopback = LOOPBACK.iter().filter_map(|network| {
            let draft = EntryDraft {
                network: (*network).to_owned(),
                mode: 1,
                description: "this machine".to_owned(),
                ..EntryDraft::default()
            };
            let entry = draft.validate(ListType::Defender, now_ms()).ok()?;
            Some((key(entry.list, entry.network), entry))
        });
        Self {
            entries: loopback.collect(),
            change: 1,
        }
    }
}

fn key(list: ListType, network: Network) -> (ListType, String) {
    (list, network.to_string())
}

impl IpListStore for MemoryProvider {
    fn list_change(&self) -> Result<i64> {
        Ok(lock(&self.ip_lists).change)
    }

    fn list_entries(&self, list: ListType) -> Result<Vec<ListEntry>> {
        let stored = lock(&self.ip_lists);
        let entries = stored.entries.values();
        Ok(entries
            .filter(|entry| entry.list == list)
            .cloned()
            .collect())
    }

    fn list_entry(&self, list: ListType, network: Network) -> Result<Option<ListEntry>> {
        let stored = lock(&self.ip_lists);
        Ok(stored.entries.get(&key(list, network)).cloned())
    }

    fn add_list_entry(&self, entry: &ListEntry) -> Result<()> {
        let mut stored = lock(&self.ip_lists);
        let key = key(entry.list, entry.network);
        if stored.entries.contains_key(&key) {
            return Err(is_listed());
        }
        stored.entries.insert(key, entry.clone());
        stored.change += 1;
        Ok(())
    }

    fn replace_list_entry(&self, entry: &ListEntry) -> Result<()> {
        let mut stored = lock(&self.ip_lists);
        let key = key(entry.list, entry.network);
        let old = stored.entries.get_mut(&key).ok_or_else(not_listed)?;
        *old = ListEntry {
            created_at: old.created_at,
            ..entry.clone()
        };
        stored.change += 1;
        Ok(())
    }

    fn delete_list_entry(&self, list: ListType, network: Network) -> Result<()> {
        let mut stored = lock(&self.ip_lists);
        let removed = stored.entries.remove(&key(list, network));
        removed.ok_or_else(not_listed)?;
        stored.change += 1;
        Ok(())
    }
}
