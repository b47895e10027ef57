//! The column `user_filters`: what restricts the logins of a user, as JSON of the shape that SFTPGo 2.x gives its `filters`.
//!
//! What is not known here is kept as it is. It may come from a newer server and be a restriction that nobody enforces here, so
//! a user of whom it says anything cannot log in, see [`flaw`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sftpgo_core::{
    credential::second_factor::{RecoveryCode, TotpSecret},
    user::{LoginMethods, TotpProtocols, UserFilters, UserTotp},
};

const DENIED: &str = "denied_login_methods";
const TOTP: &str = "totp_config";
const RECOVERY: &str = "recovery_codes";
/// A text that is no JSON object is kept under this name.
const UNREADABLE: &str = "unreadable";
/// The state of a secret that is kept as it is.
const PLAIN: &str = "Plain";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTotp {
    enabled: bool,
    config_name: String,
    secret: StoredSecret,
    protocols: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSecret {
    status: String,
    payload: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCode {
    secret: StoredSecret,
    used: bool,
}

/// Reads the column.
pub(crate) fn parse(stored: Option<&str>) -> UserFilters {
    let Some(text) = stored.filter(|text| !text.is_empty()) else {
        return UserFilters::default();
    };
    let Ok(mut fields) = serde_json::from_str::<Map<String, Value>>(text) else {
        return UserFilters {
            others: others(Map::from_iter([(UNREADABLE.to_owned(), text.into())])),
            ..UserFilters::default()
        };
    };
    let filters = UserFilters {
        denied_login_methods: take(&mut fields, DENIED, denied),
        totp: take(&mut fields, TOTP, totp),
        recovery_codes: take(&mut fields, RECOVERY, recovery_codes),
        others: String::new(),
    };
    UserFilters {
        others: others(fields),
        ..filters
    }
}

/// Takes out a field that can be read, and leaves one that cannot.
fn take<T: Default>(
    fields: &mut Map<String, Value>,
    name: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> T {
    match fields.get(name).and_then(read) {
        Some(value) => {
            fields.remove(name);
            value
        }
        None => T::default(),
    }
}

fn others(fields: Map<String, Value>) -> String {
    if fields.is_empty() {
        return String::new();
    }
    Value::Object(fields).to_string()
}

fn denied(value: &Value) -> Option<LoginMethods> {
    let names = Vec::<String>::deserialize(value).ok()?;
    LoginMethods::from_names(&names).ok()
}

fn totp(value: &Value) -> Option<Option<UserTotp>> {
    let stored = StoredTotp::deserialize(value).ok()?;
    if !stored.enabled || stored.secret.status != PLAIN {
        return None;
    }
    Some(Some(UserTotp {
        secret: TotpSecret {
            config_name: stored.config_name,
            secret: stored.secret.payload,
        },
        protocols: TotpProtocols::from_names(&stored.protocols).ok()?,
    }))
}

fn recovery_codes(value: &Value) -> Option<Vec<RecoveryCode>> {
    let stored = Vec::<StoredCode>::deserialize(value).ok()?;
    let code = |code: StoredCode| {
        (code.secret.status == PLAIN).then_some(RecoveryCode {
            code: code.secret.payload,
            used: code.used,
        })
    };
    stored.into_iter().map(code).collect()
}

/// Returns why a user with these filters cannot log in, if so.
pub(crate) fn flaw(filters: &UserFilters) -> Option<&'static str> {
    if filters.others.is_empty() {
        return None;
    }
    let others = serde_json::from_str::<Value>(&filters.others);
    (!others.is_ok_and(|others| is_empty(&others)))
        .then_some("its filters say what this server cannot enforce")
}

/// Does this restrict nothing: null, false, nought, and lists and objects of such?
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
    }
}

/// Writes the column; none where there is nothing to say.
pub(crate) fn to_json(filters: &UserFilters) -> Option<String> {
    if filters.is_empty() {
        return None;
    }
    // Others were read as an object, whoever has them.
    let mut fields: Map<String, Value> = serde_json::from_str(&filters.others).unwrap_or_default();
    if !filters.denied_login_methods.is_empty() {
        let names = filters.denied_login_methods.names();
        fields.insert(DENIED.to_owned(), names.into());
    }
    if let Some(totp) = &filters.totp {
        let stored = StoredTotp {
            enabled: true,
            config_name: totp.secret.config_name.clone(),
            secret: plain(&totp.secret.secret),
            protocols: totp
                .protocols
                .names()
                .into_iter()
                .map(str::to_owned)
                .collect(),
        };
        fields.insert(TOTP.to_owned(), serde_json::json!(stored));
    }
    if !filters.recovery_codes.is_empty() {
        let codes = filters.recovery_codes.iter().map(|code| StoredCode {
            secret: plain(&code.code),
            used: code.used,
        });
        let codes: Vec<_> = codes.collect();
        fields.insert(RECOVERY.to_owned(), serde_json::json!(codes));
    }
    Some(Value::Object(fields).to_string())
}

fn plain(secret: &str) -> StoredSecret {
    StoredSecret {
        status: PLAIN.to_owned(),
        payload: secret.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> UserFilters {
        UserFilters {
            denied_login_methods: LoginMethods::PUBLIC_KEY | LoginMethods::PASSWORD_OVER_SSH,
            totp: Some(UserTotp {
                secret: TotpSecret {
                    config_name: "Default".to_owned(),
                    secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned(),
                },
                protocols: TotpProtocols::SSH | TotpProtocols::HTTP,
            }),
            recovery_codes: vec![RecoveryCode {
                code: "code".to_owned(),
                used: true,
            }],
            others: String::new(),
        }
    }

    #[test]
    fn filters_are_read_as_they_were_written() {
        for filters in [full(), UserFilters::default()] {
            let written = to_json(&filters);
            assert!(parse(written.as_deref()) == filters, "{written:?}");
            assert_eq!(flaw(&filters), None);
        }
        assert_eq!(to_json(&UserFilters::default()), None);
        for nothing in [None, Some(""), Some("{}")] {
            assert!(parse(nothing).is_empty());
        }
    }

    #[test]
    fn what_is_not_known_is_kept_and_lets_nobody_in() {
        for unknown in [
            r#"{"allowed_ip":["10.0.0.0/8"]}"#,
            r#"{"denied_login_methods":["of_tomorrow"]}"#,
            r#"{"totp_config":{"enabled":true,"config_name":"Default","protocols":["SSH"],"secret":{"status":"Secretbox","payload":"x"}}}"#,
            r#"{"recovery_codes":[{"secret":"x","used":false}]}"#,
        ] {
            let mut filters = parse(Some(unknown));
            assert!(flaw(&filters).is_some(), "{unknown}");
            let written = to_json(&filters).unwrap();
            let as_value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(as_value(&written), as_value(unknown));
            // A change of what is known leaves it there.
            filters.recovery_codes.clear();
            filters.denied_login_methods |= LoginMethods::TLS_CERTIFICATE;
            let again = parse(to_json(&filters).as_deref());
            assert_eq!(flaw(&again).is_some(), !unknown.contains("denied"));
        }
        let filters = parse(Some("not json"));
        assert!(flaw(&filters).is_some());
        let again = parse(to_json(&filters).as_deref());
        assert!(again == filters);
    }

    #[test]
    fn what_is_not_known_and_says_nothing_is_kept_and_no_flaw() {
        let filters = parse(Some(r#"{"hooks":{"of_tomorrow":false},"allowed_ip":[]}"#));
        assert_eq!(flaw(&filters), None);
        let written = to_json(&filters).unwrap();
        assert!(written.contains("of_tomorrow"), "{written}");
    }
}
