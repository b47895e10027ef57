//! What restricts the logins of a user, of the filters that a dump has: denied login methods and the second factor.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The login methods that the server knows, by name.
pub const LOGIN_METHODS: [&str; 8] = [
    "publickey",
    "password",
    "password-over-SSH",
    "keyboard-interactive",
    "publickey+password",
    "publickey+keyboard-interactive",
    "TLSCertificate",
    "TLSCertificate+password",
];

/// The state of a secret that is written as it is; in any other it is of no use elsewhere.
const PLAIN: &str = "Plain";

/// The filters of a user as the server shows them, and as a dump has them.
// No Debug: there may be a secret.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// Names of ways in which the user may not log in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied_login_methods: Vec<String>,
    /// The second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp_config: Option<Totp>,
    /// What else the server said.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// A second factor.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totp {
    /// Is it needed?
    pub enabled: bool,
    /// The kind of it.
    pub config_name: String,
    /// The secret; shown to nobody but in a dump with passwords.
    pub secret: Secret,
    /// The protocols for which it is needed.
    pub protocols: Vec<String>,
}

/// A secret, as SFTPGo writes it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secret {
    /// `Plain` for one that is written as it is.
    pub status: String,
    /// The secret, where it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub payload: String,
}

impl Secret {
    /// A secret that is written as it is.
    pub fn plain(payload: &str) -> Self {
        Self {
            status: PLAIN.to_owned(),
            payload: payload.to_owned(),
        }
    }

    /// A secret that is not written.
    pub fn redacted() -> Self {
        Self {
            status: "Redacted".to_owned(),
            payload: String::new(),
        }
    }
}

/// The filters to set: a field left out keeps its value.
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct FiltersChange {
    /// Names of ways in which the user may not log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied_login_methods: Option<Vec<String>>,
    /// The second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp_config: Option<Totp>,
}

impl FiltersChange {
    /// Does it say more than that there is nothing?
    pub(crate) fn restricts(&self) -> bool {
        let denied = self.denied_login_methods.as_deref().unwrap_or_default();
        !denied.is_empty() || self.totp_config.is_some()
    }
}

/// Takes out of the filters of a dump what the server can hold, and notes what is left out of that.
///
/// # Errors
/// Says what of it cannot be enforced.
pub(crate) fn take(
    fields: &mut Map<String, Value>,
    notes: &mut Vec<String>,
) -> Result<FiltersChange, String> {
    let denied = fields.remove("denied_login_methods").unwrap_or_default();
    let denied = serde_json::from_value::<Option<Vec<String>>>(denied)
        .ok()
        .map(Option::unwrap_or_default)
        .filter(|names| {
            names
                .iter()
                .all(|name| LOGIN_METHODS.contains(&name.as_str()))
        })
        .ok_or("its filters.denied_login_methods cannot be enforced")?;
    let totp = fields.remove("totp_config").unwrap_or_default();
    let totp = serde_json::from_value::<Option<Totp>>(totp)
        .map_err(|_| "its filters.totp_config cannot be read")?
        .filter(|totp| totp.enabled);
    if let Some(totp) = &totp
        && (totp.secret.status != PLAIN || totp.secret.payload.is_empty())
    {
        return Err("the secret of its filters.totp_config is not in the dump".to_owned());
    }
    // They take nothing from anybody.
    let codes = fields.remove("recovery_codes").unwrap_or_default();
    if totp.is_some() && codes.as_array().is_some_and(|codes| !codes.is_empty()) {
        notes.push("recovery codes of the second factor are left out".to_owned());
    }
    Ok(FiltersChange {
        denied_login_methods: Some(as_shown(&denied)),
        totp_config: totp,
    })
}

/// Returns names as the server shows them: each once, in its order.
pub(crate) fn as_shown(names: &[String]) -> Vec<String> {
    LOGIN_METHODS
        .iter()
        .filter(|known| names.iter().any(|name| name == *known))
        .map(|name| (*name).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(mut filters: Value) -> (Result<FiltersChange, String>, Value, Vec<String>) {
        let fields = filters.as_object_mut().unwrap();
        let mut notes = Vec::new();
        let taken = take(fields, &mut notes);
        (taken, filters, notes)
    }

    #[test]
    fn names_are_those_that_the_server_knows() {
        assert!(
            LOGIN_METHODS
                .into_iter()
                .eq(sftpgo_core::user::LoginMethods::known())
        );
    }

    #[test]
    fn what_the_server_can_hold_is_taken_out() {
        let totp = json!({"enabled": true, "config_name": "Default",
            "secret": {"status": "Plain", "payload": "SECRET", "mode": 0}, "protocols": ["SSH"]});
        let (taken, rest, notes) = taken(json!({
            "denied_login_methods": ["password", "publickey", "password"], "totp_config": totp,
            "recovery_codes": [{"secret": {}, "used": false}], "allowed_ip": ["10.0.0.0/8"],
        }));
        let taken = taken.unwrap();
        let denied = taken.denied_login_methods.unwrap();
        assert_eq!(denied, ["publickey", "password"]);
        assert!(taken.totp_config.unwrap().secret == Secret::plain("SECRET"));
        assert_eq!(rest, json!({"allowed_ip": ["10.0.0.0/8"]}));
        assert_eq!(notes.len(), 1);
    }

    #[test]
    fn what_says_nothing_is_nothing() {
        for nothing in [
            json!({}),
            json!({"denied_login_methods": null, "totp_config": null, "recovery_codes": null}),
            json!({"totp_config": {"enabled": false, "secret": {}}, "recovery_codes": [1]}),
        ] {
            let (taken, rest, notes) = taken(nothing);
            let taken = taken.unwrap();
            assert_eq!(taken.denied_login_methods, Some(Vec::new()));
            assert!(taken.totp_config.is_none() && notes.is_empty());
            assert_eq!(rest, json!({}));
        }
    }

    #[test]
    fn what_would_be_less_than_the_dump_says_is_refused() {
        for (filters, part) in [
            (
                json!({"denied_login_methods": ["of_tomorrow"]}),
                "denied_login_methods",
            ),
            (
                json!({"denied_login_methods": "password"}),
                "denied_login_methods",
            ),
            (
                json!({"totp_config": {"enabled": true, "secret": {"status": "Secretbox", "payload": "x"}}}),
                "totp_config",
            ),
            (
                json!({"totp_config": {"enabled": true, "secret": {"status": "Redacted"}}}),
                "totp_config",
            ),
            (json!({"totp_config": {"enabled": true}}), "totp_config"),
            (json!({"totp_config": {"enabled": "yes"}}), "totp_config"),
        ] {
            let (taken, ..) = taken(filters.clone());
            let reason = taken.err().unwrap_or_else(|| panic!("{filters} is taken"));
            assert!(reason.contains(part), "{reason}");
        }
    }
}
