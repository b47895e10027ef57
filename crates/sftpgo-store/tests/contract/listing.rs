//! Which users a listing finds, in which order, and that its pages neither repeat nor skip anybody.

use sftpgo_core::{
    Provider, StoredUser,
    provider::{NameFilter, Order, PageStart, Place, SortBy, UserCondition, UserQuery},
    storage_usage::Usage,
};

use super::user;

const NOW: i64 = 2000;
const SORTED_BY: [SortBy; 4] = [
    SortBy::Username,
    SortBy::UsedSize,
    SortBy::LastLogin,
    SortBy::ExpirationDate,
];
const ORDERS: [Order; 2] = [Order::Ascending, Order::Descending];
/// Some differ by case or by an accent alone, some begin with each other, and some have signs that patterns are made of.
const NAMES: [&str; 36] = [
    " bo",
    "%",
    "*bo*",
    "-bo",
    ".*",
    "1",
    "?",
    "BO",
    "BOB",
    "Bob",
    "[bo]",
    "\\bo",
    "^bo",
    "_",
    "a.b",
    "a]b",
    "abo",
    "b",
    "bo",
    "bo ",
    "bo\t",
    "bo\u{1}",
    "bob",
    "bobob",
    "bó",
    "b\u{10ffff}",
    "b|o",
    "rob$",
    "ss",
    "(bo",
    "ß",
    "Àbo",
    "àbo",
    "É",
    "é",
    "\u{10000}",
];

/// Adds a user as it is, with usage and last login.
fn add(provider: &dyn Provider, user: &StoredUser) {
    let id = provider.add_user(user).unwrap().id;
    provider.set_usage(id, user.usage).unwrap();
    provider.record_login(id, user.last_login).unwrap();
}

/// Users with all these names, who share values with others.
fn many() -> Vec<StoredUser> {
    let pick = |values: &[i64], number: usize| *values.iter().cycle().nth(number).unwrap();
    let of = |(number, name): (usize, &&str)| StoredUser {
        enabled: pick(&[0, 1, 1], number) == 1,
        expiration_date: pick(
            &[0, 0, NOW - 1, NOW, NOW + 1, i64::MAX, NOW - 1],
            number / 2,
        ),
        quota_size: pick(&[0, 100, i64::MAX], number).unsigned_abs(),
        quota_files: u32::try_from(pick(&[0, 10], number / 3)).unwrap(),
        usage: Usage {
            size: pick(&[0, 90, 91, 91, i64::MAX], number),
            files: i32::try_from(pick(&[0, 9, 10, 11], number)).unwrap(),
            updated_at: 1,
        },
        last_login: pick(&[0, 0, 5, 5, 7, i64::MAX], number),
        ..user(name)
    };
    NAMES.iter().enumerate().map(of).collect()
}

fn names(provider: &dyn Provider, query: &UserQuery) -> Vec<String> {
    let users = provider.list_users(query).unwrap();
    users.into_iter().map(|user| user.username).collect()
}

fn found(provider: &dyn Provider, name: Option<NameFilter>) -> Vec<String> {
    let query = UserQuery {
        name,
        ..UserQuery::default()
    };
    names(provider, &query)
}

/// All names of a listing, page after page. As those of a reader, pages begin behind the last user of the one before.
fn paged(provider: &dyn Provider, query: &UserQuery) -> Vec<String> {
    let mut query = query.clone();
    let mut names = Vec::new();
    loop {
        let page = provider.list_users(&query).unwrap();
        let Some(last) = page.last() else {
            return names;
        };
        query.start = PageStart::After(Place::of(last, query.sort_by));
        let is_last = page.len() < query.limit as usize;
        names.extend(page.into_iter().map(|user| user.username));
        if is_last {
            return names;
        }
    }
}

/// The listing as it has to be.
fn expected(users: &[StoredUser], query: &UserQuery) -> Vec<String> {
    let mut listed: Vec<_> = users
        .iter()
        .filter(|user| query.shows(user))
        .map(|user| (query.sort_by.value(user), user.username.clone()))
        .collect();
    listed.sort();
    if query.order == Order::Descending {
        listed.reverse();
    }
    listed.into_iter().map(|(_, name)| name).collect()
}

pub(crate) fn pages_of_every_listing_have_each_user_once_and_in_order(provider: &dyn Provider) {
    let users = many();
    for user in &users {
        add(provider, user);
    }
    let conditions = [
        None,
        Some(UserCondition::Disabled),
        Some(UserCondition::ExpiredAt(NOW)),
        Some(UserCondition::NearlyFull),
    ];
    let filters = [
        None,
        Some(NameFilter::BeginsWith("b".to_owned())),
        Some(NameFilter::Contains("bo".to_owned())),
        Some(NameFilter::ContainsLater("bo".to_owned())),
    ];
    for condition in conditions {
        for name in &filters {
            for (sort_by, order) in SORTED_BY.into_iter().flat_map(|by| ORDERS.map(|o| (by, o))) {
                let query = |limit| UserQuery {
                    limit,
                    sort_by,
                    order,
                    condition,
                    name: name.clone(),
                    ..UserQuery::default()
                };
                let expected = expected(&users, &query(0));
                assert!(expected.len() > 1, "{:?}", query(0));
                for limit in [1, 3, 500] {
                    let query = query(limit);
                    assert_eq!(paged(provider, &query), expected, "{query:?}");
                }
                let by_offset = UserQuery {
                    start: PageStart::Offset(1),
                    ..query(2)
                };
                let second: Vec<_> = expected.iter().skip(1).take(2).cloned().collect();
                assert_eq!(names(provider, &by_offset), second, "{by_offset:?}");
                assert!(names(provider, &query(0)).is_empty());
            }
        }
    }
}

pub(crate) fn who_is_over_nine_tenths_of_a_quota_is_nearly_full(provider: &dyn Provider) {
    let largest = i64::MAX as u64;
    let most_files = i32::MAX as u32;
    // Quota and usage in bytes and in files.
    for (number, (quota_size, size, quota_files, files, is_full)) in [
        (0, i64::MAX, 0, i32::MAX, false),
        (10, 9, 0, 0, false),
        (10, 10, 0, 0, true),
        (0, 0, 10, 9, false),
        (0, 0, 10, 10, true),
        (100, 90, 100, 90, false),
        (100, 91, 0, 0, true),
        (0, 0, 100, 91, true),
        (101, 90, 0, 0, false),
        (101, 91, 0, 0, true),
        (5, 4, 5, 4, false),
        (5, 5, 0, 0, true),
        (0, 0, 1, 0, false),
        (0, 0, 1, 1, true),
        (10, 11, 10, 0, true),
        (10, -1, 10, -1, false),
        (1, i64::MIN, 1, i32::MIN, false),
        (largest, i64::MAX, 0, 0, true),
        (largest, i64::MAX / 10 * 9, 0, 0, false),
        (largest, i64::MIN, most_files, i32::MAX, true),
    ]
    .into_iter()
    .enumerate()
    {
        let stored = StoredUser {
            quota_size,
            quota_files,
            usage: Usage {
                size,
                files,
                updated_at: 1,
            },
            ..user(&format!("user{number}"))
        };
        add(provider, &stored);
        let query = UserQuery {
            condition: Some(UserCondition::NearlyFull),
            ..UserQuery::default()
        };
        let is_found = names(provider, &query).contains(&stored.username);
        assert_eq!(
            is_found, is_full,
            "{size} of {quota_size}, {files} of {quota_files}"
        );
    }
}

pub(crate) fn who_has_expired_is_found_from_the_moment_after_it(provider: &dyn Provider) {
    for (name, expiration_date) in [
        ("before", NOW - 1),
        ("just", NOW),
        ("later", NOW + 1),
        ("never", 0),
        ("very late", i64::MAX),
    ] {
        let user = StoredUser {
            expiration_date,
            ..user(name)
        };
        add(provider, &user);
    }
    let expired_at = |now| {
        let query = UserQuery {
            condition: Some(UserCondition::ExpiredAt(now)),
            ..UserQuery::default()
        };
        names(provider, &query)
    };
    assert!(expired_at(NOW - 1).is_empty());
    assert_eq!(expired_at(NOW), ["before"]);
    assert_eq!(expired_at(NOW + 1), ["before", "just"]);
    assert_eq!(expired_at(i64::MAX), ["before", "just", "later"]);
}

pub(crate) fn never_is_before_the_first_login_and_behind_the_last_expiry(provider: &dyn Provider) {
    for (name, last_login, expiration_date) in [
        ("c", 0, 0),
        ("b", 7, 1),
        ("a", 0, i64::MAX),
        ("B", 3, 0),
        ("d", 7, 1),
    ] {
        let user = StoredUser {
            last_login,
            expiration_date,
            ..user(name)
        };
        add(provider, &user);
    }
    let sorted = |sort_by, order| {
        let query = UserQuery {
            sort_by,
            order,
            ..UserQuery::default()
        };
        names(provider, &query)
    };
    let by_login = sorted(SortBy::LastLogin, Order::Ascending);
    assert_eq!(by_login, ["a", "c", "B", "b", "d"]);
    let by_login = sorted(SortBy::LastLogin, Order::Descending);
    assert_eq!(by_login, ["d", "b", "B", "c", "a"]);
    let by_expiry = sorted(SortBy::ExpirationDate, Order::Ascending);
    assert_eq!(by_expiry, ["b", "d", "B", "a", "c"]);
    let by_expiry = sorted(SortBy::ExpirationDate, Order::Descending);
    assert_eq!(by_expiry, ["c", "a", "B", "d", "b"]);
}

pub(crate) fn a_place_stays_where_it_is_when_its_user_changes_or_goes(provider: &dyn Provider) {
    for (name, last_login) in [("a", 1), ("b", 2), ("c", 2), ("d", 2), ("e", 3)] {
        let user = StoredUser {
            last_login,
            ..user(name)
        };
        add(provider, &user);
    }
    let id = |name: &str| provider.user_by_name(name).unwrap().unwrap().id;
    let page = UserQuery {
        start: PageStart::After(Place {
            value: 2,
            username: "c".to_owned(),
        }),
        limit: 2,
        sort_by: SortBy::LastLogin,
        ..UserQuery::default()
    };
    assert_eq!(names(provider, &page), ["d", "e"]);
    provider.record_login(id("c"), 9).unwrap();
    assert_eq!(names(provider, &page), ["d", "e"]);
    provider.delete_user(id("c")).unwrap();
    provider.delete_user(id("d")).unwrap();
    assert_eq!(names(provider, &page), ["e"]);
    let before = UserQuery {
        order: Order::Descending,
        ..page
    };
    assert_eq!(names(provider, &before), ["b", "a"]);
    // Where names decide alone there is no value.
    let by_name = UserQuery {
        sort_by: SortBy::Username,
        ..before
    };
    assert_eq!(names(provider, &by_name), ["b", "a"]);
}

pub(crate) fn a_text_is_found_in_names_whatever_its_case_and_signs(provider: &dyn Provider) {
    for user in many() {
        add(provider, &user);
    }
    let contains = |text: &str| found(provider, Some(NameFilter::Contains(text.to_owned())));
    for (text, expected) in [
        ("BOB", &["BOB", "Bob", "bob", "bobob"][..]),
        ("ob$", &["rob$"]),
        ("%", &["%"]),
        ("_", &["_"]),
        ("*", &["*bo*", ".*"]),
        ("?", &["?"]),
        (".*", &[".*"]),
        ("a.b", &["a.b"]),
        ("]b", &["a]b"]),
        ("[", &["[bo]"]),
        ("[bo]", &["[bo]"]),
        ("^", &["^bo"]),
        ("\\", &["\\bo"]),
        ("-b", &["-bo"]),
        ("(", &["(bo"]),
        ("|", &["b|o"]),
        ("bo ", &["bo "]),
        ("àB", &["Àbo", "àbo"]),
        ("é", &["É", "é"]),
        ("ß", &["ß"]),
        ("SS", &["ss"]),
        ("bó", &["bó"]),
        ("\u{10ffff}", &["b\u{10ffff}"]),
        ("\u{10000}", &["\u{10000}"]),
        ("bo\u{1}", &["bo\u{1}"]),
        ("bo\0", &[]),
        ("nobody", &[]),
    ] {
        assert_eq!(contains(text), expected, "{text:?}");
    }
    let longer_than_any = "b".repeat(60_000);
    for filter in [
        NameFilter::Is,
        NameFilter::BeginsWith,
        NameFilter::Contains,
        NameFilter::ContainsLater,
    ] {
        for text in ["bo\0", "\0", longer_than_any.as_str()] {
            assert!(found(provider, Some(filter(text.to_owned()))).is_empty());
        }
    }
    let begins = |text: &str| found(provider, Some(NameFilter::BeginsWith(text.to_owned())));
    for (text, expected) in [
        ("bo", &["bo", "bo\u{1}", "bo\t", "bo ", "bob", "bobob"][..]),
        ("B", &["BO", "BOB", "Bob"]),
        ("b\u{10ffff}", &["b\u{10ffff}"]),
        ("%", &["%"]),
        ("_", &["_"]),
        ("nobody", &[]),
    ] {
        assert_eq!(begins(text), expected, "{text:?}");
    }
    assert_eq!(begins(""), found(provider, None));
    let later = found(provider, Some(NameFilter::ContainsLater("bob".to_owned())));
    assert_eq!(later, ["BOB", "Bob"]);
}
