use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use sftpgo_core::{
    ErrorKind,
    ip_list::{IpListStore, ListEntry, ListMode, ListType, Protocols},
    network::Network,
};

fn network(text: &str) -> Network {
    text.parse().unwrap()
}

/// With a value of its own in every field.
fn entry(list: ListType, of: &str) -> ListEntry {
    ListEntry {
        list,
        network: network(of),
        mode: ListMode::Allow,
        protocols: Protocols::SSH | Protocols::HTTP,
        description: "üñ 'quoted' -- \"".to_owned(),
        created_at: 1,
        updated_at: 2,
    }
}

fn texts(store: &dyn IpListStore, list: ListType) -> Vec<String> {
    let entries = store.list_entries(list).unwrap().into_iter();
    entries.map(|entry| entry.network.to_string()).collect()
}

pub(crate) fn a_new_store_spares_the_machine_itself_until_it_is_told_otherwise(
    store: &dyn IpListStore,
) {
    let list = ListType::Defender;
    assert_eq!(texts(store, list), ["127.0.0.0/8", "::1/128"]);
    for entry in store.list_entries(list).unwrap() {
        assert_eq!(
            (entry.mode, entry.protocols),
            (ListMode::Allow, Protocols::empty())
        );
        // A time of this century.
        assert!(entry.created_at > 946_684_800_000 && entry.updated_at == entry.created_at);
        store.delete_list_entry(list, entry.network).unwrap();
        let again = store.delete_list_entry(list, entry.network);
        assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert!(texts(store, list).is_empty());
}

pub(crate) fn an_added_entry_is_found_as_it_was_stored(store: &dyn IpListStore) {
    let refusing = ListEntry {
        mode: ListMode::Deny,
        protocols: Protocols::empty(),
        ..entry(
            ListType::Defender,
            "2001:db8:ffff:ffff:ffff:ffff:ffff:fff0/124",
        )
    };
    for entry in [entry(ListType::Allow, "192.0.2.0/24"), refusing] {
        store.add_list_entry(&entry).unwrap();
        let found = store.list_entry(entry.list, entry.network).unwrap();
        assert_eq!(found, Some(entry.clone()));
        let again = store.add_list_entry(&entry).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    }
    let longer = network("192.0.2.0/25");
    assert_eq!(store.list_entry(ListType::Allow, longer).unwrap(), None);
}

pub(crate) fn lists_are_apart_and_in_the_order_of_their_texts(store: &dyn IpListStore) {
    for of in ["9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "2001:db8::/32"] {
        store.add_list_entry(&entry(ListType::Allow, of)).unwrap();
    }
    let safe = entry(ListType::RateLimiterSafe, "9.0.0.0/8");
    store.add_list_entry(&safe).unwrap();
    assert_eq!(
        texts(store, ListType::Allow),
        ["10.0.0.0/16", "10.0.0.0/8", "2001:db8::/32", "9.0.0.0/8"]
    );
    store
        .delete_list_entry(ListType::Allow, safe.network)
        .unwrap();
    assert_eq!(texts(store, ListType::RateLimiterSafe), ["9.0.0.0/8"]);
}

pub(crate) fn a_replaced_entry_keeps_when_it_was_made(store: &dyn IpListStore) {
    let old = entry(ListType::Defender, "192.0.2.7/32");
    store.add_list_entry(&old).unwrap();
    let new = ListEntry {
        mode: ListMode::Deny,
        protocols: Protocols::empty(),
        description: String::new(),
        created_at: 77,
        updated_at: 99,
        ..old.clone()
    };
    store.replace_list_entry(&new).unwrap();
    store.replace_list_entry(&new).unwrap();
    let expected = ListEntry {
        created_at: old.created_at,
        ..new
    };
    let found = store.list_entry(old.list, old.network).unwrap();
    assert_eq!(found, Some(expected));
    let missing = entry(ListType::Allow, "192.0.2.7/32");
    let refused = store.replace_list_entry(&missing).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
}

pub(crate) fn each_change_has_another_number(store: &dyn IpListStore) {
    let one = entry(ListType::RateLimiterSafe, "192.0.2.7/32");
    let mut seen = vec![store.list_change().unwrap()];
    store.add_list_entry(&one).unwrap();
    seen.push(store.list_change().unwrap());
    store.replace_list_entry(&one).unwrap();
    seen.push(store.list_change().unwrap());
    store.delete_list_entry(one.list, one.network).unwrap();
    seen.push(store.list_change().unwrap());
    assert_eq!(seen.last().copied(), Some(store.list_change().unwrap()));
    seen.dedup();
    assert_eq!(seen.len(), 4);
}

pub(crate) fn of_many_who_add_one_entry_one_wins(store: &dyn IpListStore) {
    let added = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            let added = &added;
            scope.spawn(move || {
                match store.add_list_entry(&entry(ListType::Allow, "192.0.2.7/32")) {
                    Ok(()) => drop(added.fetch_add(1, Ordering::SeqCst)),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists),
                }
            });
        }
    });
    assert_eq!(added.into_inner(), 1);
}
