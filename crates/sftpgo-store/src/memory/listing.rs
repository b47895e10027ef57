//! A page of the users in memory.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use sftpgo_core::{
    StoredUser,
    provider::{Order, PageStart, SortBy, UserQuery},
};

/// The page that is asked for.
pub(super) fn page(by_name: &BTreeMap<String, StoredUser>, query: &UserQuery) -> Vec<StoredUser> {
    match query.sort_by {
        SortBy::Username => sorted_by_name(by_name, query),
        _ => sorted_by_value(by_name, query),
    }
}

fn sorted_by_name(by_name: &BTreeMap<String, StoredUser>, query: &UserQuery) -> Vec<StoredUser> {
    let bounds = match (&query.start, query.order) {
        (PageStart::Offset(_), _) => (Unbounded, Unbounded),
        (PageStart::After(place), Order::Ascending) => {
            (Excluded(place.username.as_str()), Unbounded)
        }
        (PageStart::After(place), Order::Descending) => {
            (Unbounded, Excluded(place.username.as_str()))
        }
    };
    let listed = by_name.range::<str, _>(bounds).map(|(_, user)| user);
    let listed = listed.filter(|user| query.shows(user));
    match query.order {
        Order::Ascending => taken(listed, query),
        Order::Descending => taken(listed.rev(), query),
    }
}

fn sorted_by_value(by_name: &BTreeMap<String, StoredUser>, query: &UserQuery) -> Vec<StoredUser> {
    let is_behind_start = |value: i64, username: &str| match &query.start {
        PageStart::Offset(_) => true,
        PageStart::After(place) => {
            let start = (place.value, place.username.as_str());
            match query.order {
                Order::Ascending => (value, username) > start,
                Order::Descending => (value, username) < start,
            }
        }
    };
    let mut listed: Vec<_> = by_name
        .values()
        .filter(|user| query.shows(user))
        .map(|user| (query.sort_by.value(user), user))
        .filter(|(value, user)| is_behind_start(*value, &user.username))
        .collect();
    // They come in the order of their names, in which those with the same value stay.
    listed.sort_by_key(|(value, _)| *value);
    let listed = listed.into_iter().map(|(_, user)| user);
    match query.order {
        Order::Ascending => taken(listed, query),
        Order::Descending => taken(listed.rev(), query),
    }
}

fn taken<'a>(users: impl Iterator<Item = &'a StoredUser>, query: &UserQuery) -> Vec<StoredUser> {
    let skipped = match query.start {
        PageStart::Offset(offset) => offset,
        PageStart::After(_) => 0,
    };
    users
        .skip(skipped as usize)
        .take(query.limit as usize)
        .cloned()
        .collect()
}
