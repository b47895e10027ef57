//! What else a dump says of a user: what could take something away, and what does not.

use serde_json::Value;

/// What takes nothing away from a user, and what only the server counts.
const NO_RESTRICTION: [&str; 19] = [
    "id",
    "additional_info",
    "description",
    "email",
    "role",
    "has_password",
    "created_at",
    "updated_at",
    "last_login",
    "last_password_change",
    "last_quota_update",
    "first_download",
    "first_upload",
    "used_quota_size",
    "used_quota_files",
    "used_quota_file",
    "used_upload_data_transfer",
    "used_download_data_transfer",
    "oidc_custom_fields",
];

/// Filters about what is not here at all: web pages, shares, API keys, FTP, certificates, hooks of a login.
const OF_WHAT_IS_NOT_HERE: [&str; 12] = [
    "filters.web_client",
    "filters.default_shares_expiration",
    "filters.max_shares_expiration",
    "filters.allow_api_key_auth",
    "filters.ftp_security",
    "filters.tls_username",
    "filters.tls_certs",
    "filters.hooks.external_auth_disabled",
    "filters.hooks.pre_login_disabled",
    "filters.hooks.check_password_disabled",
    "filters.external_auth_cache_time",
    "filters.disable_fs_checks",
];

/// Who is denied these, or needs a second factor for them, has no way to use them here anyway.
const NOT_SPOKEN_HERE: [&str; 3] = ["FTP", "DAV", "HTTP"];

/// Where a field of a user could take something away, as `filters.allowed_ip`.
pub(super) fn of_field(name: &str, value: &Value) -> Option<String> {
    if NO_RESTRICTION.contains(&name) {
        return None;
    }
    said(name, value)
}

/// Does a value hold anything?
pub(super) fn is_empty(value: &Value) -> bool {
    said("", value).is_none()
}

/// Where a value says something that does not hold here anyway; nothing where all in it is empty.
fn said(path: &str, value: &Value) -> Option<String> {
    let says = match value {
        Value::Null => false,
        Value::Bool(set) => *set,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => {
            return fields
                .iter()
                .find_map(|(name, value)| said(&format!("{path}.{name}"), value));
        }
    };
    (says && !holds_here(path, value)).then(|| path.to_owned())
}

/// Is it a filter that holds on a server of SSH alone, too?
fn holds_here(path: &str, value: &Value) -> bool {
    let not_spoken = |name: &Value| {
        name.as_str()
            .is_some_and(|name| NOT_SPOKEN_HERE.contains(&name))
    };
    match (path, value) {
        (
            "filters.denied_protocols" | "filters.two_factor_protocols" | "filters.2fa_protocols",
            Value::Array(names),
        ) => names.iter().all(not_spoken),
        _ => OF_WHAT_IS_NOT_HERE.contains(&path),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_here_restricts_nobody() {
        for filters in [
            json!({"web_client": ["shares-disabled"], "tls_username": "CommonName", "ftp_security": 1}),
            json!({"hooks": {"external_auth_disabled": true, "pre_login_disabled": true}}),
            json!({"denied_protocols": ["FTP", "DAV", "HTTP"], "two_factor_protocols": ["HTTP"]}),
            json!({"allow_api_key_auth": true, "disable_fs_checks": true}),
        ] {
            assert_eq!(of_field("filters", &filters), None, "{filters}");
        }
        assert_eq!(of_field("description", &json!("x")), None);
    }

    #[test]
    fn everything_else_that_holds_something_could_be_a_restriction() {
        for (field, value, part) in [
            (
                "filters",
                json!({"hooks": {"of_tomorrow": true}}),
                "filters.hooks.of_tomorrow",
            ),
            (
                "filters",
                json!({"denied_protocols": ["FTP", "SSH"]}),
                "filters.denied_protocols",
            ),
            (
                "filters",
                json!({"2fa_protocols": ["SSH"]}),
                "filters.2fa_protocols",
            ),
            (
                "filters",
                json!({"denied_protocols": "FTP"}),
                "filters.denied_protocols",
            ),
            ("filters", json!(["x"]), "filters"),
            ("web_client", json!(["x"]), "web_client"),
            ("of_tomorrow", json!({"a": [], "b": 0.5}), "of_tomorrow.b"),
        ] {
            assert_eq!(of_field(field, &value).as_deref(), Some(part), "{value}");
        }
        assert_eq!(
            of_field("of_tomorrow", &json!({"a": [], "b": {"c": ""}})),
            None
        );
    }

    #[test]
    fn a_part_of_a_dump_holds_something_or_not() {
        assert!(is_empty(&json!({"smtp": {}, "acme": null})));
        assert!(!is_empty(&json!({"smtp": {"host": "x"}})));
    }
}
