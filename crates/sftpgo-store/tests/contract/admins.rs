use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use sftpgo_core::{
    ErrorKind,
    admin::{AddWhere, Admin, AdminPermissions, AdminStore, ApiKey, RecoveryCode, TotpSecret},
    network::Networks,
};

/// An admin called `username` who may do everything, with a value of its own in every field.
fn admin(username: &str) -> Admin {
    Admin {
        id: 0,
        version: 0,
        username: username.to_owned(),
        enabled: true,
        password: "$argon2id$hash".to_owned(),
        permissions: AdminPermissions::ANYTHING,
        email: "a@example.com".to_owned(),
        description: "üñ 'quoted' -- \"".to_owned(),
        additional_info: "more".to_owned(),
        allow_list: [
            "192.0.2.0/24".parse().unwrap(),
            "2001:db8::/32".parse().unwrap(),
        ]
        .into_iter()
        .collect(),
        allow_api_key_auth: true,
        require_password_change: true,
        require_two_factor: true,
        totp: Some(TotpSecret {
            config_name: "Default".to_owned(),
            secret: "GEZDGNBVGY3TQOJQ".to_owned(),
        }),
        spent_steps: i64::MAX,
        recovery_codes: vec![
            RecoveryCode {
                code: "one".to_owned(),
                used: true,
            },
            RecoveryCode {
                code: "two".to_owned(),
                used: false,
            },
        ],
        created_at: 1,
        updated_at: 2,
        sessions_since: 3,
        last_login: 0,
    }
}

fn with_permissions(username: &str, permissions: AdminPermissions) -> Admin {
    Admin {
        permissions,
        ..admin(username)
    }
}

fn key(id: &str, admin: &str) -> ApiKey {
    ApiKey {
        id: id.to_owned(),
        name: "name".to_owned(),
        hash: "hash".to_owned(),
        description: "description".to_owned(),
        admin: admin.to_owned(),
        created_at: 1,
        updated_at: 2,
        last_use_at: 0,
        expires_at: 4,
    }
}

fn names(store: &dyn AdminStore) -> Vec<String> {
    let admins = store.admins().unwrap();
    admins.into_iter().map(|admin| admin.username).collect()
}

fn kind<T>(done: sftpgo_core::Result<T>) -> ErrorKind {
    done.err().unwrap().kind()
}

pub(crate) fn an_added_admin_is_found_as_it_was_stored(store: &dyn AdminStore) {
    assert!(!store.has_admins().unwrap());
    let plain = Admin {
        enabled: false,
        allow_list: Networks::default(),
        totp: None,
        recovery_codes: Vec::new(),
        permissions: AdminPermissions::VIEW_USERS | AdminPermissions::QUOTA_SCANS,
        ..admin("B")
    };
    for asked in [admin("a"), plain] {
        let added = store.add_admin(&asked, AddWhere::Any).unwrap();
        let expected = Admin {
            id: added.id,
            version: added.version,
            ..asked
        };
        assert!(added == expected);
        assert!(store.admin(&added.username).unwrap() == Some(expected));
    }
    assert!(store.has_admins().unwrap());
    assert_eq!(names(store), ["B", "a"]);
    for nobody in ["A", "b", "", "a ", "a\0"] {
        assert!(store.admin(nobody).unwrap().is_none(), "{nobody:?}");
    }
    let taken = store.add_admin(&admin("a"), AddWhere::Any);
    assert_eq!(kind(taken), ErrorKind::AlreadyExists);
}

pub(crate) fn of_many_who_want_to_be_first_one_is(store: &dyn AdminStore) {
    let first = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..8 {
            let first = &first;
            scope.spawn(move || {
                match store.add_admin(&admin(&format!("a{number}")), AddWhere::NoneIs) {
                    Ok(_) => drop(first.fetch_add(1, Ordering::SeqCst)),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
                }
            });
        }
    });
    assert_eq!((first.into_inner(), names(store).len()), (1, 1));
}

pub(crate) fn a_change_of_an_older_version_changes_nothing(store: &dyn AdminStore) {
    let old = store.add_admin(&admin("a"), AddWhere::Any).unwrap();
    store.record_admin_login("a", 77).unwrap();
    let changed = Admin {
        email: String::new(),
        totp: None,
        ..old.clone()
    };
    assert!(store.replace_admin(&changed).unwrap());
    assert!(!store.replace_admin(&changed).unwrap());
    let now = store.admin("a").unwrap().unwrap();
    let expected = Admin {
        version: now.version,
        last_login: 77,
        ..changed
    };
    assert!(now == expected && now.version > old.version);
    store.delete_admin("a").unwrap_err();
    let gone = Admin { id: 4711, ..now };
    assert_eq!(kind(store.replace_admin(&gone)), ErrorKind::NotFound);
}

pub(crate) fn the_last_who_can_do_everything_stays(store: &dyn AdminStore) {
    let last = store.add_admin(&admin("last"), AddWhere::Any).unwrap();
    let other = with_permissions(
        "other",
        AdminPermissions::all() - AdminPermissions::ANYTHING,
    );
    store.add_admin(&other, AddWhere::Any).unwrap();
    let disabled = Admin {
        enabled: false,
        ..admin("disabled")
    };
    store.add_admin(&disabled, AddWhere::Any).unwrap();
    for change in [
        Admin {
            enabled: false,
            ..last.clone()
        },
        Admin {
            permissions: AdminPermissions::VIEW_USERS,
            ..last.clone()
        },
    ] {
        assert_eq!(kind(store.replace_admin(&change)), ErrorKind::Conflict);
    }
    assert_eq!(kind(store.delete_admin("last")), ErrorKind::Conflict);
    assert!(store.admin("last").unwrap() == Some(last));
    assert_eq!(kind(store.delete_admin("nobody")), ErrorKind::NotFound);
    store.delete_admin("other").unwrap();
}

pub(crate) fn of_two_who_delete_each_other_one_stays(store: &dyn AdminStore) {
    for _ in 0..10 {
        for name in ["a", "b"] {
            if store.admin(name).unwrap().is_none() {
                store.add_admin(&admin(name), AddWhere::Any).unwrap();
            }
        }
        thread::scope(|scope| {
            for name in ["a", "b"] {
                scope.spawn(move || store.delete_admin(name));
            }
        });
        assert_eq!(names(store).len(), 1);
    }
}

pub(crate) fn a_key_is_kept_for_an_admin_who_is_there(store: &dyn AdminStore) {
    store.add_admin(&admin("a"), AddWhere::Any).unwrap();
    store.add_admin(&admin("b"), AddWhere::Any).unwrap();
    store.add_api_key(&key("1", "a")).unwrap();
    store.add_api_key(&key("2", "")).unwrap();
    assert_eq!(kind(store.add_api_key(&key("3", "c"))), ErrorKind::NotFound);
    assert_eq!(
        kind(store.add_api_key(&key("1", "a"))),
        ErrorKind::AlreadyExists
    );
    assert!(store.api_key("1").unwrap() == Some(key("1", "a")));
    assert!(store.api_key("4").unwrap().is_none() && store.api_key("1\0").unwrap().is_none());
    store.record_api_key_use("1", 99).unwrap();
    let changed = ApiKey {
        name: "other".to_owned(),
        hash: "ignored".to_owned(),
        created_at: 55,
        expires_at: 0,
        updated_at: 9,
        ..key("1", "b")
    };
    store.replace_api_key(&changed).unwrap();
    let expected = ApiKey {
        hash: "hash".to_owned(),
        created_at: 1,
        last_use_at: 99,
        ..changed
    };
    assert!(store.api_keys().unwrap() == [expected, key("2", "")]);
    assert_eq!(
        kind(store.replace_api_key(&key("1", "c"))),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(store.replace_api_key(&key("4", ""))),
        ErrorKind::NotFound
    );
    // Keys go with their admin.
    store.delete_admin("b").unwrap();
    assert!(store.api_key("1").unwrap().is_none());
    store.delete_api_key("2").unwrap();
    assert_eq!(kind(store.delete_api_key("2")), ErrorKind::NotFound);
}
