//! What else a dump says of a user: what could take something away, and what does not.

use serde_json::{Map, Value};

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

/// What a server of a later version takes away from a user, or keeps elsewhere.
const OF_LATER_VERSIONS: [&str; 6] = [
    "filesystem",
    "groups",
    "virtual_folders",
    "upload_data_transfer",
    "download_data_transfer",
    "total_data_transfer",
];

/// The same of its filters.
const FILTERS_OF_LATER_VERSIONS: [&str; 12] = [
    "allowed_ip",
    "denied_ip",
    "denied_protocols",
    "two_factor_protocols",
    "file_patterns",
    "file_extensions",
    "max_upload_file_size",
    "bandwidth_limits",
    "data_transfer_limits",
    "access_time",
    "password_expiration",
    "require_password_change",
];

/// Returns what a user, as a request of SFTPGo's API sends it, says of later versions that cannot be enforced here, such as
/// `filters.allowed_ip`. What no version has restricts nobody.
pub fn not_enforced(user: &Map<String, Value>) -> Option<String> {
    let filters = user.get("filters").and_then(Value::as_object);
    let of_user = |name: &&str| match *name {
        "filesystem" => other_filesystem(user.get(*name)?),
        name => said(name, user.get(name)?),
    };
    let of_filters = |name: &&str| said(&format!("filters.{name}"), filters?.get(*name)?);
    let mut fields = OF_LATER_VERSIONS.iter();
    let mut its_filters = FILTERS_OF_LATER_VERSIONS.iter();
    fields
        .find_map(of_user)
        .or_else(|| its_filters.find_map(of_filters))
}

/// Where a user's files are not on the local disk, which is provider 0. Settings of filesystems that the user is not on hold
/// nowhere.
fn other_filesystem(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => said("filesystem.provider", fields.get("provider")?),
        other => said("filesystem", other),
    }
}

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
    fn a_request_with_what_later_versions_restrict_is_known_by_its_part() {
        for (user, part) in [
            (
                json!({"filters": {"allowed_ip": ["10.0.0.0/8"]}}),
                "filters.allowed_ip",
            ),
            (
                json!({"filters": {"max_upload_file_size": 1}}),
                "filters.max_upload_file_size",
            ),
            (
                json!({"filesystem": {"provider": 1}}),
                "filesystem.provider",
            ),
            (
                json!({"virtual_folders": [{"virtual_path": "/v"}]}),
                "virtual_folders",
            ),
            (json!({"total_data_transfer": 5}), "total_data_transfer"),
        ] {
            assert_eq!(
                not_enforced(user.as_object().unwrap()).as_deref(),
                Some(part)
            );
        }
        let harmless = json!({
            "filters": {
                "allowed_ip": null, "denied_ip": [], "denied_login_methods": ["password"], "web_client": ["x"],
                "totp_config": {"enabled": true}, "recovery_codes": [{"used": true}], "of_nobody": 1,
            },
            "filesystem": {"provider": 0, "osconfig": {"read_buffer_size": 4}, "s3config": {"bucket": "x"}}, "virtual_folders": null, "groups": [],
            "total_data_transfer": 0, "description": "x", "of_nobody": [1],
        });
        assert_eq!(not_enforced(harmless.as_object().unwrap()), None);
    }

    #[test]
    fn a_part_of_a_dump_holds_something_or_not() {
        assert!(is_empty(&json!({"smtp": {}, "acme": null})));
        assert!(!is_empty(&json!({"smtp": {"host": "x"}})));
    }
}
