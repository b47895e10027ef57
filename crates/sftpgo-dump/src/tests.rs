//! What holds for every dump, whatever somebody wrote into it.

use proptest::{collection, prelude::*};
use serde_json::{Value, json};
use sftpgo_credential_formats::password_hash::{HashFormat, PREFIXES};

use crate::{parse, permission};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            collection::btree_map(".{0,8}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn permission_names() -> impl Strategy<Value = Vec<&'static str>> {
    let known = permission::NAMES
        .into_iter()
        .chain(["fly"])
        .collect::<Vec<_>>();
    collection::vec(proptest::sample::select(known), 0..5)
}

fn password() -> impl Strategy<Value = String> {
    let hash = (
        proptest::sample::select(PREFIXES.map(|(prefix, _)| prefix).to_vec()),
        ".{0,20}",
    );
    prop_oneof![
        hash.prop_map(|(prefix, rest)| format!("{prefix}{rest}")),
        "[$*!{]?[a-z0-9]{0,8}\\$?.{0,20}",
    ]
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,200}", bytes in collection::vec(any::<u8>(), 0..100)) {
        let _ = parse(text.as_bytes());
        let _ = parse(&bytes);
    }

    #[test]
    fn no_field_is_too_strange(name in "[a-z_]{1,10}", fields in collection::btree_map(
        prop_oneof![
            proptest::sample::select(vec!["permissions", "status", "uid", "password", "public_keys", "filters"])
                .prop_map(str::to_owned),
            "[a-z]{1,6}",
        ],
        value(),
        0..6,
    )) {
        let mut user = json!(fields);
        user["username"] = name.clone().into();
        let dump = parse(json!([user]).to_string().as_bytes()).unwrap();
        let told = dump.users.into_iter().map(|entry| entry.map_or_else(|skipped| skipped.name, |user| user.name));
        prop_assert_eq!(told.collect::<Vec<_>>(), [name]);
    }

    #[test]
    fn nobody_gets_more_permissions(
        root in permission_names(),
        others in collection::btree_map("/[a-c]", permission_names(), 0..3),
    ) {
        let mut directories = json!(others);
        directories["/"] = json!(root);
        let user = json!([{"username": "bob", "status": 1, "permissions": directories}]);
        let entry = parse(user.to_string().as_bytes()).unwrap().users.remove(0);
        if let Ok(user) = entry {
            let given = user.user.permissions.unwrap();
            prop_assert!(!given.is_empty());
            for had in others.values().chain([&root]) {
                let all = had.contains(&"*") || permission::NAMES.iter().skip(1).all(|name| had.contains(name));
                prop_assert!(all || given.iter().all(|name| had.contains(&name.as_str())), "{given:?} of {had:?}");
            }
        }
    }

    #[test]
    fn only_hashes_that_the_server_stores_as_they_are_leave(password in password()) {
        let user = json!([{"username": "bob", "status": 1, "permissions": ["*"], "password": password}]);
        let entry = parse(user.to_string().as_bytes()).unwrap().users.remove(0);
        let sent = entry.ok().unwrap().user.password;
        prop_assert_eq!(sent.is_some(), HashFormat::of(&password).is_some());
    }
}
