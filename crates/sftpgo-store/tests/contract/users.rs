use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use sftpgo_core::{
    ErrorKind, Permissions, Provider, StoredUser, UserId,
    provider::{NameFilter, Order, PageStart, UserQuery},
    storage_usage::Usage,
    user::{LoginMethods, UserFilters},
};

use super::user;

const NOBODY: UserId = UserId(4711);

fn names(provider: &dyn Provider, query: &UserQuery) -> Vec<String> {
    let users = provider.list_users(query).unwrap();
    users.into_iter().map(|user| user.username).collect()
}

fn everybody(order: Order) -> UserQuery {
    UserQuery {
        limit: 500,
        order,
        ..UserQuery::default()
    }
}

pub(crate) fn an_added_user_is_found_as_it_was_stored(provider: &dyn Provider) {
    for asked in [
        user("bob"),
        StoredUser {
            enabled: false,
            permissions: Permissions::all(),
            password: None,
            ..user("alice")
        },
        StoredUser {
            public_keys: Vec::new(),
            expiration_date: 0,
            ..user("carol")
        },
    ] {
        let added = provider.add_user(&asked).unwrap();
        assert!(added.id > UserId(0));
        let expected = StoredUser {
            id: added.id,
            ..asked.clone()
        };
        assert!(added == expected, "{}", asked.username);
        let by_name = provider.user_by_name(&asked.username).unwrap().unwrap();
        assert!(by_name == expected, "{}", asked.username);
        let by_id = provider.user_by_id(added.id).unwrap().unwrap();
        assert!(by_id == expected, "{}", asked.username);
    }
}

pub(crate) fn the_largest_values_survive(provider: &dyn Provider) {
    let most = i32::MAX as u32;
    let added = provider
        .add_user(&StoredUser {
            expiration_date: i64::MAX,
            uid: 65_535,
            gid: 65_535,
            max_sessions: most,
            quota_size: i64::MAX as u64,
            quota_files: most,
            upload_bandwidth: most,
            download_bandwidth: most,
            ..user("max")
        })
        .unwrap();
    assert!(provider.user_by_id(added.id).unwrap().unwrap() == added);
}

pub(crate) fn adding_ignores_id_usage_and_last_login(provider: &dyn Provider) {
    let first = provider.add_user(&user("first")).unwrap();
    let second = provider
        .add_user(&StoredUser {
            id: first.id,
            usage: Usage {
                size: 1,
                files: 2,
                updated_at: 3,
            },
            last_login: 4,
            spent_steps: 5,
            ..user("second")
        })
        .unwrap();
    assert_ne!(second.id, first.id);
    let stored = provider.user_by_name("second").unwrap().unwrap();
    assert_eq!(stored.usage, Usage::default());
    assert_eq!(stored.last_login, 0);
    assert!(stored == second);
}

pub(crate) fn unknown_users_are_not_found_and_no_error(provider: &dyn Provider) {
    provider.add_user(&user("bob")).unwrap();
    assert!(provider.user_by_name("eve").unwrap().is_none());
    assert!(provider.user_by_name("").unwrap().is_none());
    assert!(provider.user_by_id(NOBODY).unwrap().is_none());
    let eve = StoredUser {
        id: NOBODY,
        ..user("eve")
    };
    for outcome in [
        provider.update_user(&eve),
        provider.delete_user(NOBODY),
        provider.record_login(NOBODY, 1),
    ] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(names(provider, &everybody(Order::Ascending)), ["bob"]);
}

pub(crate) fn names_differ_by_case_and_by_byte(provider: &dyn Provider) {
    // The last two look alike: one letter, and a letter with a combining mark.
    let different = [
        "bob", "Bob", "BOB", "bob ", " bob", "ß", "ss", "\u{e9}", "e\u{301}",
    ];
    for name in different {
        provider.add_user(&user(name)).unwrap();
    }
    for name in different {
        let found = provider.user_by_name(name).unwrap().unwrap();
        assert_eq!(found.username, name);
        let query = UserQuery {
            name: Some(NameFilter::Is(name.to_owned())),
            ..everybody(Order::Ascending)
        };
        assert_eq!(names(provider, &query), [name]);
    }
    for other in ["bOB", "SS", "É", "e", "bob  "] {
        assert!(provider.user_by_name(other).unwrap().is_none(), "{other:?}");
    }
}

pub(crate) fn a_taken_name_is_refused_and_nothing_changes(provider: &dyn Provider) {
    let bob = provider.add_user(&user("bob")).unwrap();
    let alice = provider.add_user(&user("alice")).unwrap();
    let again = provider.add_user(&user("bob")).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    assert!(again.message().contains("username"), "{again}");
    let renamed = provider
        .update_user(&StoredUser {
            username: "bob".to_owned(),
            max_sessions: 99,
            ..alice.clone()
        })
        .unwrap_err();
    assert_eq!(renamed.kind(), ErrorKind::AlreadyExists);
    assert!(provider.user_by_id(bob.id).unwrap().unwrap() == bob);
    assert!(provider.user_by_id(alice.id).unwrap().unwrap() == alice);
    assert_eq!(
        names(provider, &everybody(Order::Ascending)),
        ["alice", "bob"]
    );
}

pub(crate) fn pages_come_in_order_of_bytes(provider: &dyn Provider) {
    let sorted = ["10", "9", "A", "B", "_", "a", "aa", "b", "é", "\u{10000}"];
    for name in ["b", "é", "A", "9", "aa", "_", "\u{10000}", "a", "10", "B"] {
        provider.add_user(&user(name)).unwrap();
    }
    assert_eq!(names(provider, &everybody(Order::Ascending)), sorted);
    let mut reversed = sorted;
    reversed.reverse();
    assert_eq!(names(provider, &everybody(Order::Descending)), reversed);
    for (offset, limit) in [(0, 3), (3, 3), (9, 3), (10, 3), (1000, 3), (2, 1), (4, 0)] {
        for (order, all) in [(Order::Ascending, sorted), (Order::Descending, reversed)] {
            let page = UserQuery {
                start: PageStart::Offset(offset),
                limit,
                ..everybody(order)
            };
            let expected: Vec<_> = all
                .into_iter()
                .skip(offset as usize)
                .take(limit as usize)
                .collect();
            assert_eq!(names(provider, &page), expected, "{page:?}");
        }
    }
    let furthest = UserQuery {
        start: PageStart::Offset(u32::MAX),
        limit: u32::MAX,
        ..everybody(Order::Ascending)
    };
    assert!(names(provider, &furthest).is_empty());
}

pub(crate) fn a_page_goes_on_after_any_name(provider: &dyn Provider) {
    let mut all = [
        " ",
        " a",
        "%",
        "'",
        "10",
        "9",
        "A",
        "A ",
        "B",
        "\\",
        "_",
        "a",
        "a\u{1}",
        "a\t",
        "a ",
        "aa",
        "a\u{301}",
        "b",
        "ss",
        "z",
        "ß",
        "á",
        "é",
        "\u{ff5a}",
        "\u{ffff}",
        "\u{10000}",
        "\u{10ffff}",
    ];
    for name in all {
        provider.add_user(&user(name)).unwrap();
    }
    all.sort_unstable();
    // Nobody has one of these names; "a" with NUL is between "a" and what begins with it.
    let between = ["\0", "!", "@", "a\0", "a\0b", "a ", "az", "É", "\u{e000}"];
    for after in all.into_iter().chain(between) {
        for order in [Order::Ascending, Order::Descending] {
            let mut expected: Vec<_> = all.into_iter().filter(|name| *name > after).collect();
            if order == Order::Descending {
                expected = all.into_iter().rev().filter(|name| *name < after).collect();
            }
            for limit in [0, 1, 3, 500] {
                let page = UserQuery {
                    start: PageStart::after_name(after),
                    limit,
                    ..everybody(order)
                };
                let expected: Vec<_> = expected.iter().take(limit as usize).collect();
                assert_eq!(
                    names(provider, &page).iter().collect::<Vec<_>>(),
                    expected,
                    "{page:?}"
                );
            }
        }
    }
    // Before all in one order, and after all in the other.
    let from_empty = |order| UserQuery {
        start: PageStart::after_name(""),
        ..everybody(order)
    };
    assert_eq!(names(provider, &from_empty(Order::Ascending)), all);
    assert!(names(provider, &from_empty(Order::Descending)).is_empty());
}

pub(crate) fn everybody_is_seen_once_whoever_comes_and_goes(provider: &dyn Provider) {
    let ids: Vec<UserId> = (0..1100)
        .map(|number| {
            provider
                .add_user(&user(&format!("u{number:04}")))
                .unwrap()
                .id
        })
        .collect();
    let mut seen = Vec::new();
    provider
        .for_each_user(&mut |shown| {
            if seen.is_empty() {
                // Nothing is held meanwhile, and no page moves.
                provider.delete_user(shown.id).unwrap();
                let last = provider.user_by_name("u1099").unwrap().unwrap();
                let renamed = StoredUser {
                    username: "a".to_owned(),
                    ..last
                };
                provider.update_user(&renamed).unwrap();
            }
            seen.push(shown.id);
            ControlFlow::Continue(())
        })
        .unwrap();
    seen.sort();
    assert_eq!(seen, ids);
}

pub(crate) fn who_has_seen_enough_is_shown_no_more(provider: &dyn Provider) {
    for name in ["alice", "bob", "carol"] {
        provider.add_user(&user(name)).unwrap();
    }
    let mut seen = 0;
    provider
        .for_each_user(&mut |_| {
            seen += 1;
            if seen == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!(seen, 2);
}

pub(crate) fn users_are_counted(provider: &dyn Provider) {
    assert_eq!(provider.count_users().unwrap(), 0);
    let alice = provider.add_user(&user("alice")).unwrap();
    provider.add_user(&user("bob")).unwrap();
    assert_eq!(provider.count_users().unwrap(), 2);
    provider.delete_user(alice.id).unwrap();
    assert_eq!(provider.count_users().unwrap(), 1);
}

pub(crate) fn a_listing_can_be_narrowed_to_one_name(provider: &dyn Provider) {
    for name in ["bob", "bobby", "%", "b%"] {
        provider.add_user(&user(name)).unwrap();
    }
    let only = |username: &str, offset| UserQuery {
        start: PageStart::Offset(offset),
        name: Some(NameFilter::Is(username.to_owned())),
        ..everybody(Order::Descending)
    };
    assert_eq!(names(provider, &only("bob", 0)), ["bob"]);
    assert_eq!(names(provider, &only("%", 0)), ["%"]);
    assert!(names(provider, &only("bob", 1)).is_empty());
    assert!(names(provider, &only("bo", 0)).is_empty());
    let only_after = |after: &str| UserQuery {
        start: PageStart::after_name(after),
        ..only("bob", 0)
    };
    assert_eq!(names(provider, &only_after("bobby")), ["bob"]);
    assert!(names(provider, &only_after("bob")).is_empty());
}

pub(crate) fn no_text_is_taken_for_sql(provider: &dyn Provider) {
    let hostile = [
        "'",
        "''",
        "\"",
        "`",
        ";",
        "--",
        "/*",
        "%",
        "_",
        "\\",
        "\\'",
        "?",
        "$1",
        ":name",
        "NULL",
        "' OR '1'='1",
        "'; DROP TABLE users; --",
        "\"; DELETE FROM users WHERE \"1\"=\"1",
        "' UNION SELECT 1,2,3 --",
        "bob'||(SELECT password FROM users)||'",
        "\u{202e}bob\u{2066}",
        "line\r\nline",
        "\u{1F980}",
    ];
    let mut added = Vec::new();
    for text in hostile {
        let asked = StoredUser {
            password: Some(text.to_owned()),
            public_keys: vec![text.to_owned(), format!("[\"{text}\"]")],
            home_dir: PathBuf::from(format!("/{text}")),
            ..user(text)
        };
        added.push(provider.add_user(&asked).unwrap());
    }
    for stored in &added {
        let found = provider.user_by_name(&stored.username).unwrap().unwrap();
        assert!(found == *stored, "{:?}", stored.username);
        provider
            .replace_password_hash(stored.id, "$2a$04$hash", &stored.username)
            .unwrap();
        provider.update_user(stored).unwrap();
    }
    let all = provider.list_users(&everybody(Order::Ascending)).unwrap();
    assert_eq!(all.len(), hostile.len());
    for stored in &added {
        assert!(all.contains(stored), "{:?}", stored.username);
    }
}

pub(crate) fn an_update_replaces_settings_and_leaves_the_rest(provider: &dyn Provider) {
    let other = provider.add_user(&user("other")).unwrap();
    let id = provider.add_user(&user("bob")).unwrap().id;
    let usage = Usage {
        size: 10,
        files: 2,
        updated_at: 30,
    };
    provider.set_usage(id, usage).unwrap();
    provider.record_login(id, 40).unwrap();
    let changed = StoredUser {
        id,
        enabled: false,
        username: "robert".to_owned(),
        expiration_date: 1,
        password: Some("other".to_owned()),
        public_keys: vec!["ssh-ed25519 CCCC".to_owned()],
        home_dir: PathBuf::from("/elsewhere"),
        uid: 2,
        gid: 3,
        max_sessions: 4,
        quota_size: 5,
        quota_files: 6,
        permissions: Permissions::DOWNLOAD,
        upload_bandwidth: 7,
        download_bandwidth: 8,
        filters: UserFilters {
            denied_login_methods: LoginMethods::PASSWORD,
            ..UserFilters::default()
        },
        spent_steps: 0,
        usage: Usage::default(),
        last_login: 0,
    };
    provider.update_user(&changed).unwrap();
    let expected = StoredUser {
        usage,
        last_login: 40,
        ..changed
    };
    assert!(provider.user_by_id(id).unwrap().unwrap() == expected);
    assert!(provider.user_by_name("bob").unwrap().is_none());
    assert!(provider.user_by_name("robert").unwrap().unwrap() == expected);
    assert!(provider.user_by_id(other.id).unwrap().unwrap() == other);
}

pub(crate) fn a_change_of_what_is_different_by_now_changes_nothing(provider: &dyn Provider) {
    let bob = provider.add_user(&user("bob")).unwrap();
    let disabled = StoredUser {
        enabled: false,
        ..bob.clone()
    };
    // A login is no change of settings.
    provider.record_login(bob.id, 77).unwrap();
    assert!(provider.change_user(&bob, &disabled).unwrap());
    let renamed = StoredUser {
        username: "robert".to_owned(),
        ..bob.clone()
    };
    assert!(!provider.change_user(&bob, &renamed).unwrap());
    let stored = provider.user_by_id(bob.id).unwrap().unwrap();
    assert!(stored.has_settings_of(&disabled));
    assert!(provider.change_user(&disabled, &renamed).unwrap());
    provider.delete_user(bob.id).unwrap();
    let nobody = provider.change_user(&renamed, &bob).unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
}

pub(crate) fn an_update_can_take_away_password_and_keys(provider: &dyn Provider) {
    let bob = provider.add_user(&user("bob")).unwrap();
    let bare = StoredUser {
        password: None,
        public_keys: Vec::new(),
        ..bob
    };
    provider.update_user(&bare).unwrap();
    assert!(provider.user_by_id(bare.id).unwrap().unwrap() == bare);
}

pub(crate) fn of_two_who_use_codes_at_once_one_is_told(provider: &dyn Provider) {
    let bob = provider.add_user(&user("bob")).unwrap();
    let alice = provider.add_user(&user("alice")).unwrap();
    assert!(provider.replace_spent_steps(bob.id, 0, i64::MAX).unwrap());
    assert!(!provider.replace_spent_steps(bob.id, 0, 7).unwrap());
    assert!(!provider.replace_spent_steps(NOBODY, 0, 7).unwrap());
    let stored = provider.user_by_id(bob.id).unwrap().unwrap();
    assert_eq!(stored.spent_steps, i64::MAX);
    // It is no change of settings, and a change of these leaves it.
    assert!(stored.has_settings_of(&bob));
    let disabled = StoredUser {
        enabled: false,
        ..bob.clone()
    };
    assert!(provider.change_user(&bob, &disabled).unwrap());
    let stored = provider.user_by_id(bob.id).unwrap().unwrap();
    assert_eq!((stored.spent_steps, stored.enabled), (i64::MAX, false));
    assert!(provider.user_by_id(alice.id).unwrap().unwrap() == alice);
}

pub(crate) fn a_new_hash_changes_nothing_else(provider: &dyn Provider) {
    let bob = provider.add_user(&user("bob")).unwrap();
    let alice = provider.add_user(&user("alice")).unwrap();
    let (old, new) = ("$2a$04$hash", "$argon2id$new");
    assert!(provider.replace_password_hash(bob.id, old, new).unwrap());
    for (id, old) in [(bob.id, old), (bob.id, ""), (NOBODY, old)] {
        assert!(!provider.replace_password_hash(id, old, "another").unwrap());
    }
    let expected = StoredUser {
        password: Some("$argon2id$new".to_owned()),
        ..bob
    };
    assert!(provider.user_by_name("bob").unwrap().unwrap() == expected);
    assert!(provider.user_by_name("alice").unwrap().unwrap() == alice);
}

pub(crate) fn what_does_not_fit_is_refused_and_named(provider: &dyn Provider) {
    let bob = provider.add_user(&user("bob")).unwrap();
    let long = "é".repeat(256);
    let alter: [(&str, StoredUser); 6] = [
        ("username", user(&long)),
        (
            "password",
            StoredUser {
                password: Some(long.clone()),
                ..user("a")
            },
        ),
        (
            "home_dir",
            StoredUser {
                home_dir: PathBuf::from(format!("/{}", "h".repeat(255))),
                ..user("a")
            },
        ),
        ("username", user("a\0b")),
        (
            "password",
            StoredUser {
                password: Some("a\0b".to_owned()),
                ..user("a")
            },
        ),
        (
            "public_keys",
            StoredUser {
                public_keys: vec!["a\0b".to_owned()],
                ..user("a")
            },
        ),
    ];
    for (field, asked) in alter {
        let changed = StoredUser {
            id: bob.id,
            ..asked.clone()
        };
        for outcome in [
            provider.add_user(&asked).map(drop),
            provider.update_user(&changed),
        ] {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{field}");
            assert!(error.message().starts_with(field), "{error}");
        }
    }
    assert!(provider.user_by_id(bob.id).unwrap().unwrap() == bob);
    let largest = StoredUser {
        password: Some("é".repeat(255)),
        home_dir: PathBuf::from(format!("/{}", "h".repeat(254))),
        public_keys: vec!["k".repeat(100_000)],
        ..user(&"é".repeat(255))
    };
    let added = provider.add_user(&largest).unwrap();
    assert!(provider.user_by_name(&largest.username).unwrap().unwrap() == added);
}

pub(crate) fn a_name_with_nul_is_nobodys(provider: &dyn Provider) {
    provider.add_user(&user("bob")).unwrap();
    for name in ["bob\0", "\0", "bob\0x"] {
        assert!(provider.user_by_name(name).unwrap().is_none());
        let query = UserQuery {
            name: Some(NameFilter::Is(name.to_owned())),
            ..everybody(Order::Ascending)
        };
        assert!(names(provider, &query).is_empty());
    }
}

pub(crate) fn an_update_that_changes_nothing_succeeds(provider: &dyn Provider) {
    let bob = provider.add_user(&user("bob")).unwrap();
    for _ in 0..2 {
        provider.update_user(&bob).unwrap();
        provider.record_login(bob.id, 7).unwrap();
        provider.set_usage(bob.id, Usage::default()).unwrap();
    }
    let hash = bob.password.as_deref().unwrap();
    assert!(provider.replace_password_hash(bob.id, hash, hash).unwrap());
}

pub(crate) fn a_deleted_user_is_gone_and_the_id_is_not_given_again(provider: &dyn Provider) {
    provider.add_user(&user("alice")).unwrap();
    let bob = provider.add_user(&user("bob")).unwrap();
    provider.delete_user(bob.id).unwrap();
    assert!(provider.user_by_name("bob").unwrap().is_none());
    assert!(provider.user_by_id(bob.id).unwrap().is_none());
    let twice = provider.delete_user(bob.id).unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::NotFound);
    let again = provider.add_user(&user("bob")).unwrap();
    assert_ne!(again.id, bob.id);
    assert_eq!(
        names(provider, &everybody(Order::Ascending)),
        ["alice", "bob"]
    );
}

pub(crate) fn a_login_is_remembered(provider: &dyn Provider) {
    let bob = provider.add_user(&user("bob")).unwrap();
    let alice = provider.add_user(&user("alice")).unwrap();
    provider.record_login(bob.id, 1_700_000_000_123).unwrap();
    let expected = StoredUser {
        last_login: 1_700_000_000_123,
        ..bob
    };
    assert!(provider.user_by_name("bob").unwrap().unwrap() == expected);
    assert!(provider.user_by_name("alice").unwrap().unwrap() == alice);
}

pub(crate) fn of_many_who_add_one_name_one_wins(provider: &dyn Provider) {
    let won = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| match provider.add_user(&user("bob")) {
                Ok(_) => {
                    won.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
            });
        }
    });
    assert_eq!(won.into_inner(), 1);
    assert_eq!(names(provider, &everybody(Order::Ascending)), ["bob"]);
}

pub(crate) fn a_provider_that_answers_is_healthy(provider: &dyn Provider) {
    provider.check().unwrap();
    let bob = provider.add_user(&user("bob")).unwrap();
    provider.set_usage(bob.id, Usage::default()).unwrap();
    provider.check().unwrap();
}
