//! What restricts the logins of a user, and second factors.

use serde_json::{Value, json};
use sftpgo_core::UserId;
use sftpgo_test_support::{TOTP_SECRET, code_after};

use crate::server::Api;

fn totp() -> Value {
    json!({
        "enabled": true, "config_name": "Default", "protocols": ["SSH"],
        "secret": {"status": "Plain", "payload": TOTP_SECRET},
    })
}

fn secret_of(api: &Api, id: i32) -> Option<String> {
    let user = api
        .service
        .provider
        .user_by_id(UserId(id))
        .unwrap()
        .unwrap();
    user.filters.totp.map(|totp| totp.secret.secret)
}

#[test]
fn filters_are_stored_and_shown_without_the_secret() {
    let api = Api::start();
    let denied = ["password", "publickey+password"];
    let filters = json!({
        "denied_login_methods": denied, "totp_config": totp(), "allowed_ip": [], "web_client": ["x"],
    });
    let added = api.add("alice", json!({ "filters": filters }));
    let shown = json!({
        "denied_login_methods": denied,
        "totp_config": {
            "enabled": true, "config_name": "Default", "protocols": ["SSH"],
            "secret": {"status": "Redacted"},
        },
    });
    assert_eq!(added["filters"], shown);
    assert_eq!(api.call("GET", "/user/1").data(), added);
    assert_eq!(api.call("GET", "/user").data(), json!([added]));
    assert_eq!(secret_of(&api, 1).as_deref(), Some(TOTP_SECRET));
    // A user who has none looks as ever.
    assert!(
        api.add("bob", json!({ "filters": {} }))
            .get("filters")
            .is_none()
    );
}

#[test]
fn a_change_keeps_filters_that_it_leaves_out() {
    let api = Api::start();
    let filters = json!({ "denied_login_methods": ["password"], "totp_config": totp() });
    let added = api.add("alice", json!({ "filters": filters }));
    for body in [
        json!({ "uid": 5 }),
        json!({ "filters": null }),
        json!({ "filters": {} }),
        json!({ "filters": { "denied_login_methods": null, "totp_config": {} } }),
        added.clone(),
    ] {
        api.send("PUT", "/user/1", &body).says(200);
        let now = api.call("GET", "/user/1").data();
        assert_eq!(now["filters"], added["filters"], "{body}");
        assert_eq!(secret_of(&api, 1).as_deref(), Some(TOTP_SECRET), "{body}");
    }
    let off = json!({ "filters": { "totp_config": { "enabled": false } } });
    api.send("PUT", "/user/1", &off).says(200);
    assert_eq!(secret_of(&api, 1), None);
    let none = json!({ "filters": { "denied_login_methods": [] } });
    api.send("PUT", "/user/1", &none).says(200);
    assert!(api.call("GET", "/user/1").data().get("filters").is_none());
}

#[test]
fn bad_filters_are_refused_by_their_names() {
    let api = Api::start();
    let changed = |name: &str, value: Value| {
        let mut totp = totp();
        totp[name] = value;
        json!({ "totp_config": totp })
    };
    for (filters, part) in [
        (json!("x"), "filters"),
        (json!({ "denied_login_methods": ["telnet"] }), "\"telnet\""),
        (
            json!({ "denied_login_methods": [7] }),
            "denied_login_methods[0]",
        ),
        (
            changed("config_name", json!("Other")),
            "totp_config.config_name",
        ),
        (changed("secret", json!(null)), "totp_config.secret"),
        (
            changed("secret", json!({ "status": "Redacted" })),
            "totp_config.secret",
        ),
        (
            changed(
                "secret",
                json!({ "status": "Plain", "payload": "no base32!" }),
            ),
            "totp_config.secret",
        ),
        (changed("protocols", json!([])), "totp_config.protocols"),
        (
            changed("protocols", json!(["DAV"])),
            "totp_config.protocols",
        ),
        (changed("enabled", json!("yes")), "totp_config.enabled"),
    ] {
        let user = crate::server::user("alice", json!({ "filters": filters }));
        let (_, error) = api.send("POST", "/user", &user).says(400);
        assert!(error.contains(part), "{filters}: {error}");
        assert!(!error.contains(TOTP_SECRET));
    }
}

#[test]
fn a_second_factor_is_shown_once_and_taken_away() {
    let api = Api::start();
    api.add("alice", json!({}));
    let none =
        json!({"enabled": false, "config_name": "", "protocols": [], "recovery_codes_left": 0});
    assert_eq!(api.call("GET", "/user/1/totp").data(), none);
    api.call("DELETE", "/user/1/totp").says(400);
    for (body, part) in [
        (json!({ "config_name": "Other" }), "config_name"),
        (json!({ "protocols": [] }), "protocols"),
        (json!({ "protocols": ["DAV"] }), "protocols"),
    ] {
        let (_, error) = api.send("POST", "/user/1/totp", &body).says(400);
        assert!(error.contains(part), "{error}");
    }
    let made = api.send("POST", "/user/1/totp", &json!({})).data();
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(secret_of(&api, 1).as_deref(), Some(secret));
    assert_eq!(
        (made["issuer"].as_str(), made["protocols"].clone()),
        (Some("SFTPGo"), json!(["SSH"]))
    );
    let url = made["url"].as_str().unwrap();
    assert!(url.starts_with("otpauth://totp/SFTPGo:alice?"), "{url}");
    assert_eq!(made["recovery_codes"].as_array().unwrap().len(), 12);
    assert_eq!(code_after(secret, 0).len(), 6);
    // Who has one keeps it.
    api.send("POST", "/user/1/totp", &json!({})).says(400);
    assert_eq!(secret_of(&api, 1).as_deref(), Some(secret));
    let state = api.call("GET", "/user/1/totp");
    assert_eq!(
        state.data(),
        json!({"enabled": true, "config_name": "Default", "protocols": ["SSH"], "recovery_codes_left": 12})
    );
    for path in ["/user", "/user/1", "/user/1/totp"] {
        assert!(!api.call("GET", path).text().contains(secret), "{path}");
    }
    let told = api.service.recorder.take_user_changes();
    api.call("DELETE", "/user/1/totp").says(200);
    assert_eq!(api.call("GET", "/user/1/totp").data(), none);
    assert_ne!(api.service.recorder.take_user_changes(), told);
    api.call("GET", "/user/9/totp").says(404);
    api.send("POST", "/user/9/totp", &json!({})).says(404);
    api.call("DELETE", "/user/9/totp").says(404);
}
