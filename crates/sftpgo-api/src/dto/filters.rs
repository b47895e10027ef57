//! `filters` of a user: of what SFTPGo 2.x has there, the denied login methods and the second factor. Of a user who is to be
//! stored, other fields that would take something away have been refused before.

use serde::{Deserialize, Serialize};
use sftpgo_core::{
    credential::second_factor::TotpSecret,
    user::{FiltersDraft, TotpDraft, UserFilters},
};

use super::object::object_or_null;

/// The state of a secret that is sent as it is; one in any other state is the stored one.
const PLAIN: &str = "Plain";
/// The state of a secret that is shown to nobody.
const REDACTED: &str = "Redacted";

/// Filters as a request sends them: what is left out stays.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FiltersRequest {
    denied_login_methods: Option<Vec<String>>,
    #[serde(deserialize_with = "object_or_null")]
    totp_config: Option<TotpRequest>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct TotpRequest {
    enabled: Option<bool>,
    config_name: Option<String>,
    #[serde(deserialize_with = "object_or_null")]
    secret: Option<SecretRequest>,
    protocols: Option<Vec<String>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct SecretRequest {
    status: Option<String>,
    payload: Option<String>,
}

impl FiltersRequest {
    pub(crate) fn merge_into(self, draft: &mut FiltersDraft) {
        if let Some(denied) = self.denied_login_methods {
            draft.denied_login_methods = denied;
        }
        if let Some(totp) = self.totp_config {
            totp.merge_into(&mut draft.totp);
        }
    }
}

impl TotpRequest {
    fn merge_into(self, draft: &mut Option<TotpDraft>) {
        if !self.enabled.unwrap_or(draft.is_some()) {
            *draft = None;
            return;
        }
        let totp = draft.get_or_insert_with(|| TotpDraft {
            secret: TotpSecret {
                config_name: String::new(),
                secret: String::new(),
            },
            protocols: Vec::new(),
        });
        self.change(totp);
    }

    fn change(self, totp: &mut TotpDraft) {
        if let Some(config_name) = self.config_name {
            totp.secret.config_name = config_name;
        }
        if let Some(protocols) = self.protocols {
            totp.protocols = protocols;
        }
        if let Some(secret) = self.secret
            && secret.status.as_deref() == Some(PLAIN)
        {
            totp.secret.secret = secret.payload.unwrap_or_default();
        }
    }
}

/// Filters as an answer shows them, without a secret.
#[derive(Serialize)]
pub(crate) struct FiltersAnswer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    denied_login_methods: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totp_config: Option<TotpAnswer>,
}

#[derive(Serialize)]
struct TotpAnswer {
    enabled: bool,
    config_name: String,
    secret: SecretAnswer,
    protocols: Vec<&'static str>,
}

#[derive(Serialize)]
struct SecretAnswer {
    status: &'static str,
}

impl FiltersAnswer {
    /// None where there is nothing to show, so that users without filters look as they always did.
    pub(crate) fn of(filters: &UserFilters) -> Option<Self> {
        if filters.denied_login_methods.is_empty() && filters.totp.is_none() {
            return None;
        }
        Some(Self {
            denied_login_methods: filters.denied_login_methods.names(),
            totp_config: filters.totp.as_ref().map(|totp| TotpAnswer {
                enabled: true,
                config_name: totp.secret.config_name.clone(),
                secret: SecretAnswer { status: REDACTED },
                protocols: totp.protocols.names(),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body;

    fn merged(json: &str, mut draft: FiltersDraft) -> FiltersDraft {
        let request: FiltersRequest = body::json_object(json.as_bytes()).unwrap();
        request.merge_into(&mut draft);
        draft
    }

    fn stored() -> FiltersDraft {
        FiltersDraft {
            denied_login_methods: vec!["password".to_owned()],
            totp: Some(TotpDraft {
                secret: TotpSecret {
                    config_name: "Default".to_owned(),
                    secret: "SECRET".to_owned(),
                },
                protocols: vec!["SSH".to_owned()],
            }),
        }
    }

    #[test]
    fn what_is_left_out_stays() {
        for json in [
            "{}",
            r#"{"denied_login_methods": null, "totp_config": null}"#,
            r#"{"totp_config": {}}"#,
            r#"{"totp_config": {"enabled": true}}"#,
            r#"{"allowed_ip": ["10.0.0.0/8"]}"#,
            // As an answer shows it.
            r#"{"totp_config": {"enabled": true, "config_name": "Default", "secret": {"status": "Redacted"}, "protocols": ["SSH"]}}"#,
            r#"{"totp_config": {"enabled": true, "secret": {"status": "Secretbox", "payload": "x", "key": "y"}}}"#,
        ] {
            assert!(merged(json, stored()) == stored(), "{json}");
        }
        let empty = FiltersDraft::default();
        assert!(merged(r#"{"totp_config": {}}"#, empty.clone()) == empty);
    }

    #[test]
    fn an_array_is_no_object() {
        for json in [
            r#"{"totp_config": []}"#,
            r#"{"totp_config": {"secret": ["Plain", "x"]}}"#,
            r#"{"totp_config": 1}"#,
        ] {
            assert!(
                serde_json::from_str::<FiltersRequest>(json).is_err(),
                "{json}"
            );
        }
    }

    #[test]
    fn what_is_sent_is_taken() {
        let fresh = merged(
            r#"{"denied_login_methods": [], "totp_config": {"enabled": true, "config_name": "Other",
                "secret": {"status": "Plain", "payload": "NEW"}, "protocols": ["HTTP"]}}"#,
            stored(),
        );
        assert!(fresh.denied_login_methods.is_empty());
        let totp = fresh.totp.unwrap();
        let secret = (totp.secret.config_name, totp.secret.secret);
        assert_eq!(secret, ("Other".to_owned(), "NEW".to_owned()));
        assert_eq!(totp.protocols, ["HTTP"]);
        let off = merged(r#"{"totp_config": {"enabled": false}}"#, stored());
        assert!(off.totp.is_none());
    }
}
