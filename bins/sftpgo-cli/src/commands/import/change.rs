//! One field that an import changes, for people.

use serde_json::Value;
use sftpgo_dump::{Change, TOTP};

use crate::values::{amount, bandwidth, date, size};

/// As in `quota_size: unlimited → 10 GiB`.
pub(super) fn words(change: &Change) -> String {
    let Change { field, from, to } = change;
    match (*field, shown(field, from), shown(field, to)) {
        ("password", ..) => "password: set, whatever it was".to_owned(),
        (TOTP, ..) => "second factor: set, whatever it was".to_owned(),
        ("public_keys", from, to) if from == to => format!("public_keys: {to}, others"),
        (_, from, to) => format!("{field}: {from} → {to}"),
    }
}

fn shown(field: &str, value: &Value) -> String {
    match (field, value, value.as_i64()) {
        ("status", _, Some(0)) => "disabled".to_owned(),
        ("status", _, Some(1)) => "enabled".to_owned(),
        ("expiration_date", _, Some(millis)) => date::show(millis),
        ("quota_size", _, Some(bytes)) => size::show_limit(bytes),
        ("max_sessions" | "quota_files", _, Some(number)) => amount::show(number),
        ("upload_bandwidth" | "download_bandwidth", _, Some(rate)) => bandwidth::show(rate),
        ("public_keys", Value::Array(keys), _) => keys.len().to_string(),
        (_, Value::Array(names), _) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            names.join(",")
        }
        (_, Value::String(text), _) => text.clone(),
        (_, value, _) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_told_in_words() {
        for (field, from, to, expected) in [
            ("status", json!(0), json!(1), "status: disabled → enabled"),
            ("uid", json!(8), json!(7), "uid: 8 → 7"),
            (
                "home_dir",
                json!("/x"),
                json!("/srv/bob"),
                "home_dir: /x → /srv/bob",
            ),
            (
                "quota_size",
                json!(0),
                json!(1 << 30),
                "quota_size: unlimited → 1 GiB",
            ),
            (
                "permissions",
                json!(["*"]),
                json!(["list", "upload"]),
                "permissions: * → list,upload",
            ),
            (
                "public_keys",
                json!(["a"]),
                json!(["b"]),
                "public_keys: 1, others",
            ),
            ("public_keys", json!([]), json!(["b"]), "public_keys: 0 → 1"),
            (
                "password",
                Value::Null,
                Value::Null,
                "password: set, whatever it was",
            ),
        ] {
            let change = Change { field, from, to };
            assert_eq!(words(&change), expected);
        }
    }
}
