//! Admins, their tokens and keys, and what each of them may do.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sftpgo_core::{admin::TotpConfig, user::now_ms};

use crate::{
    client::{Answer, request_with},
    server::{Api, user},
};

/// Of the admins of these tests.
const PASSWORD: &str = "correct horse";

/// Headers of a request.
type Headers<'a> = &'a [(&'a str, &'a str)];

impl Api {
    fn ask(&self, method: &str, path: &str, headers: Headers<'_>, body: Option<&Value>) -> Answer {
        let body = body.map(|body| body.to_string().into_bytes());
        request_with(self.address, method, path, headers, body.as_deref())
    }

    pub(crate) fn as_admin(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        self.ask(
            method,
            &format!("/api/v2{path}"),
            &[("Authorization", &bearer)],
            body,
        )
    }

    /// Makes the first admin, `root`, and answers a token.
    pub(crate) fn set_up() -> (Self, String) {
        let api = Self::start();
        let code = api.setup_code.clone();
        let body = admin("root", json!({}));
        let made = api.ask(
            "POST",
            "/api/v2/admins",
            &[("X-SFTPGO-SETUP-CODE", &code)],
            Some(&body),
        );
        assert_eq!(made.status, 201, "{}", made.text());
        let token = api.token("root", &[]).unwrap();
        (api, token)
    }

    fn add_admin(&self, token: &str, username: &str, changes: Value) {
        let added = self.as_admin(token, "POST", "/admins", Some(&admin(username, changes)));
        assert_eq!(added.status, 201, "{}", added.text());
    }

    /// Adds an admin with these permissions, and answers a token.
    pub(crate) fn token_of(&self, root: &str, username: &str, permissions: &[&str]) -> String {
        self.add_admin(root, username, json!({"permissions": permissions}));
        self.token(username, &[]).unwrap()
    }

    fn token(&self, username: &str, more: Headers<'_>) -> Result<String, Answer> {
        let basic = basic(username, PASSWORD);
        let mut headers = vec![("Authorization", basic.as_str())];
        headers.extend_from_slice(more);
        let answer = self.ask("GET", "/api/v2/token", &headers, None);
        if answer.status != 200 {
            return Err(answer);
        }
        Ok(answer.json()["access_token"].as_str().unwrap().to_owned())
    }
}

fn basic(username: &str, password: &str) -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("{username}:{password}"))
    )
}

fn admin(username: &str, changes: Value) -> Value {
    let mut admin = json!({
        "username": username,
        "password": PASSWORD,
        "status": 1,
        "permissions": ["*"],
    });
    for (name, value) in changes.as_object().unwrap() {
        admin[name] = value.clone();
    }
    admin
}

#[test]
fn while_there_is_no_admin_version_1_is_open_to_the_machine_and_version_2_never() {
    let api = Api::start();
    assert_eq!(api.call("GET", "/user").status, 200);
    for path in ["/api/v2/admins", "/api/v2/version", "/api/v2/nothing"] {
        let refused = api.ask("GET", path, &[], None);
        assert_eq!(refused.status, 401, "{path}");
        let body = refused.json();
        assert!(
            body.get("status").is_none() && body["error"].is_string(),
            "{body}"
        );
    }
    let wrong = [("X-SFTPGO-SETUP-CODE", "0123456789abcdef0123456789abcdef")];
    let body = admin("root", json!({}));
    let refused = api.ask("POST", "/api/v2/admins", &wrong, Some(&body));
    assert_eq!(refused.status, 401);
    let right = [("X-SFTPGO-SETUP-CODE", api.setup_code.as_str())];
    assert_eq!(api.ask("GET", "/api/v2/admins", &right, None).status, 401);
}

#[test]
fn from_the_first_admin_on_everything_needs_one_but_the_health() {
    let (api, token) = Api::set_up();
    let right = [("X-SFTPGO-SETUP-CODE", api.setup_code.as_str())];
    let second = admin("second", json!({}));
    assert_eq!(
        api.ask("POST", "/api/v2/admins", &right, Some(&second))
            .status,
        401
    );
    for path in [
        "/api/v1/user",
        "/api/v1/version",
        "/metrics",
        "/api/v2/status",
    ] {
        let refused = api.ask("GET", path, &[], None);
        assert_eq!(refused.status, 401, "{path}");
        let challenge = refused.header("www-authenticate");
        assert!(challenge.is_some_and(|c| c.starts_with("Basic ")), "{path}");
        let right = basic("root", PASSWORD);
        for headers in [
            [("Authorization", right.as_str())],
            [("Authorization", &format!("Bearer {token}"))],
        ] {
            assert_eq!(api.ask("GET", path, &headers, None).status, 200, "{path}");
        }
        for wrong in [
            basic("root", "wrong"),
            basic("nobody", PASSWORD),
            "Bearer x".to_owned(),
        ] {
            let refused = api.ask("GET", path, &[("Authorization", &wrong)], None);
            assert_eq!(refused.status, 401, "{path} {wrong}");
        }
    }
    for path in ["/healthz", "/openapi/openapi.yaml"] {
        assert_eq!(api.ask("GET", path, &[], None).status, 200, "{path}");
    }
}

#[test]
fn permissions_hold_on_both_versions() {
    let (api, root) = Api::set_up();
    let viewer = json!({"permissions": ["view_users", "view_conns"]});
    api.add_admin(&root, "viewer", viewer);
    let headers = basic("viewer", PASSWORD);
    let headers = [("Authorization", headers.as_str())];
    let bob = user("bob", json!({}));
    for (method, path, body, status) in [
        ("GET", "/api/v1/user", None, 200),
        ("GET", "/api/v1/version", None, 200),
        ("GET", "/api/v1/connection", None, 200),
        ("GET", "/api/v2/connections", None, 200),
        ("POST", "/api/v1/user", Some(&bob), 403),
        ("PUT", "/api/v1/user/1", Some(&bob), 403),
        ("DELETE", "/api/v1/user/1", None, 403),
        ("DELETE", "/api/v1/connection/x", None, 403),
        ("DELETE", "/api/v2/connections/x", None, 403),
        ("GET", "/api/v1/quota_scan", None, 403),
        ("GET", "/api/v1/providerstatus", None, 403),
        ("GET", "/metrics", None, 403),
        ("GET", "/api/v2/status", None, 403),
        ("GET", "/api/v2/admins", None, 403),
        ("GET", "/api/v2/apikeys", None, 403),
    ] {
        let answer = api.ask(method, path, &headers, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
}

#[test]
fn an_admin_is_added_shown_replaced_and_deleted_without_its_secrets() {
    let (api, root) = Api::set_up();
    let changes = json!({
        "email": "a@example.com",
        "description": "first",
        "filters": {"allow_list": ["127.0.0.0/8"], "allow_api_key_auth": true},
    });
    let added = api.as_admin(&root, "POST", "/admins", Some(&admin("alice", changes)));
    assert_eq!(added.status, 201, "{}", added.text());
    assert_eq!(added.header("location"), Some("/api/v2/admins/alice"));
    let shown = api.as_admin(&root, "GET", "/admins/alice", None).data();
    assert_eq!(shown, added.json());
    assert_eq!(shown["email"], "a@example.com");
    assert_eq!(shown["filters"]["allow_list"], json!(["127.0.0.0/8"]));
    assert!(shown.get("password").is_none() && !shown.to_string().contains("argon2"));
    let again = api.as_admin(&root, "POST", "/admins", Some(&admin("alice", json!({}))));
    assert_eq!(again.status, 409);
    for bad in [
        json!({"permissions": ["root"]}),
        json!({"permissions": []}),
        json!({"username": "a b"}),
        json!({"password": ""}),
        json!({"status": 5}),
        json!({"role": "support"}),
        json!({"filters": {"allow_list": ["127.0.0.1"]}}),
    ] {
        let mut body = admin("bad", json!({}));
        for (name, value) in bad.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = api.as_admin(&root, "POST", "/admins", Some(&body));
        assert_eq!(refused.status, 400, "{bad}");
    }
    // What is left out is cleared, but the password stays.
    let old = api.token("alice", &[]).unwrap();
    let replacement = json!({"permissions": ["view_users"], "status": 1});
    let replaced = api.as_admin(&root, "PUT", "/admins/alice", Some(&replacement));
    assert_eq!(replaced.status, 200, "{}", replaced.text());
    let shown = api.as_admin(&root, "GET", "/admins/alice", None).data();
    assert!(shown.get("email").is_none());
    assert_eq!(shown["permissions"], json!(["view_users"]));
    // Whoever logged in before has to log in again.
    assert_eq!(api.as_admin(&old, "GET", "/version", None).status, 401);
    assert!(api.token("alice", &[]).is_ok());
    let names = |query: &str| {
        let listed = api
            .as_admin(&root, "GET", &format!("/admins{query}"), None)
            .data();
        let names = listed.as_array().unwrap().iter();
        names
            .map(|admin| admin["username"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(""), ["alice", "root"]);
    assert_eq!(names("?order=DESC&limit=1"), ["root"]);
    assert_eq!(
        api.as_admin(&root, "DELETE", "/admins/alice", None).status,
        200
    );
    assert_eq!(
        api.as_admin(&root, "DELETE", "/admins/alice", None).status,
        404
    );
    assert_eq!(
        api.as_admin(&root, "GET", "/admins/alice", None).status,
        404
    );
}

/// serde takes an array for the fields of a struct in their order: here from where the admin may come, and whether API keys may act.
#[test]
fn an_array_is_no_object_within_a_body() {
    let (api, token) = Api::set_up();
    for filters in [json!([]), json!([[], true])] {
        let body = admin("eve", json!({"filters": filters}));
        let refused = api.as_admin(&token, "POST", "/admins", Some(&body));
        assert_eq!(refused.status, 400, "{filters}");
    }
    // As if it were left out.
    let body = admin("eve", json!({"filters": null}));
    let added = api.as_admin(&token, "POST", "/admins", Some(&body));
    assert_eq!(added.status, 201, "{}", added.text());
    let off = json!({"enabled": false, "secret": null});
    let saved = api.as_admin(&token, "POST", "/admin/totp/save", Some(&off));
    assert_eq!(saved.status, 200, "{}", saved.text());
    let secret = json!({"enabled": true, "config_name": "Default", "secret": ["Plain", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"]});
    let refused = api.as_admin(&token, "POST", "/admin/totp/save", Some(&secret));
    assert_eq!(refused.status, 400);
}

#[test]
fn nobody_locks_everybody_out() {
    let (api, root) = Api::set_up();
    api.add_admin(&root, "other", json!({}));
    for (method, path, body) in [
        ("DELETE", "/admins/root", None),
        (
            "PUT",
            "/admins/root",
            Some(json!({"status": 0, "permissions": ["*"]})),
        ),
        (
            "PUT",
            "/admins/root",
            Some(json!({"status": 1, "permissions": ["view_users"]})),
        ),
    ] {
        let refused = api.as_admin(&root, method, path, body.as_ref());
        assert_eq!(refused.status, 400, "{method} {path}");
    }
    let other = api.token("other", &[]).unwrap();
    assert_eq!(
        api.as_admin(&other, "DELETE", "/admins/root", None).status,
        200
    );
    assert_eq!(api.as_admin(&root, "GET", "/version", None).status, 401);
    // The key of the last one may not delete it either.
    let profile = json!({"allow_api_key_auth": true});
    let changed = api.as_admin(&other, "PUT", "/admin/profile", Some(&profile));
    assert_eq!(changed.status, 200);
    let key = json!({"name": "k", "scope": 1, "admin": "other"});
    let key = api.as_admin(&other, "POST", "/apikeys", Some(&key)).json()["key"].clone();
    let headers = [("X-SFTPGO-API-KEY", key.as_str().unwrap())];
    let refused = api.ask("DELETE", "/api/v2/admins/other", &headers, None);
    assert_eq!(refused.status, 400);
}

#[test]
fn a_token_given_back_passes_no_more() {
    let (api, root) = Api::set_up();
    let other = api.token("root", &[]).unwrap();
    assert_eq!(api.as_admin(&root, "GET", "/logout", None).status, 200);
    assert_eq!(api.as_admin(&root, "GET", "/version", None).status, 401);
    assert_eq!(api.as_admin(&other, "GET", "/version", None).status, 200);
    // Whoever has to change the password first may leave too.
    let root = api.token("root", &[]).unwrap();
    let filters = json!({"filters": {"require_password_change": true}});
    api.add_admin(&root, "eve", filters);
    let eve = api.token("eve", &[]).unwrap();
    assert_eq!(api.as_admin(&eve, "GET", "/logout", None).status, 200);
    assert_eq!(api.as_admin(&eve, "GET", "/logout", None).status, 401);
}

#[test]
fn a_second_factor_is_needed_once_it_is_set_up() {
    let (api, token) = Api::set_up();
    let codes = api.as_admin(&token, "GET", "/admin/2fa/recoverycodes", None);
    assert_eq!(codes.status, 403);
    let asked = json!({"config_name": "Default"});
    let made = api
        .as_admin(&token, "POST", "/admin/totp/generate", Some(&asked))
        .data();
    assert!(
        made["url"]
            .as_str()
            .unwrap()
            .starts_with("otpauth://totp/SFTPGo:root")
    );
    let secret = made["secret"].as_str().unwrap();
    let saved = json!({
        "enabled": true,
        "config_name": "Default",
        "secret": {"status": "Plain", "payload": secret},
    });
    let saved = api.as_admin(&token, "POST", "/admin/totp/save", Some(&saved));
    assert_eq!(saved.status, 200, "{}", saved.text());
    let refused = api.token("root", &[]).unwrap_err();
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("x-sftpgo-otp"), Some("required"));
    // The password alone opens nothing.
    let basic = basic("root", PASSWORD);
    for path in ["/api/v1/user", "/metrics", "/api/v2/version"] {
        let refused = api.ask("GET", path, &[("Authorization", &basic)], None);
        assert_eq!(refused.status, 401, "{path}");
    }
    let code = code_at(secret, now_ms());
    assert!(api.token("root", &[("X-SFTPGO-OTP", "000000x")]).is_err());
    assert!(api.token("root", &[("X-SFTPGO-OTP", &code)]).is_ok());
    assert!(
        api.token("root", &[("X-SFTPGO-OTP", &code)]).is_err(),
        "used twice"
    );
    let codes = api
        .as_admin(&token, "GET", "/admin/2fa/recoverycodes", None)
        .data();
    let recovery = codes[0]["code"].as_str().unwrap();
    assert!(api.token("root", &[("X-SFTPGO-OTP", recovery)]).is_ok());
    assert!(
        api.token("root", &[("X-SFTPGO-OTP", recovery)]).is_err(),
        "used twice"
    );
    let codes = api
        .as_admin(&token, "GET", "/admin/2fa/recoverycodes", None)
        .data();
    assert_eq!(codes[0]["used"], true);
    let fresh = api
        .as_admin(&token, "POST", "/admin/2fa/recoverycodes", None)
        .data();
    assert_eq!(fresh.as_array().unwrap().len(), 12);
    // One more than the wrong ones that are checked in a row: the right one comes too late.
    for _ in 0..10 {
        assert!(api.token("root", &[("X-SFTPGO-OTP", "000000x")]).is_err());
    }
    let late = fresh[0].as_str().unwrap();
    assert!(api.token("root", &[("X-SFTPGO-OTP", late)]).is_err());
    let off = json!({"enabled": false});
    assert_eq!(
        api.as_admin(&token, "POST", "/admin/totp/save", Some(&off))
            .status,
        200
    );
    assert!(api.token("root", &[]).is_ok());
}

/// The code of a secret at a time, found by asking for each.
fn code_at(secret: &str, now: i64) -> String {
    let config = TotpConfig::default();
    let step = now / 30_000;
    (0..1_000_000)
        .map(|code| format!("{code:06}"))
        .find(|code| {
            config
                .step_of(secret, code, now)
                .is_ok_and(|found| found == step)
        })
        .unwrap()
}

#[test]
fn a_key_acts_for_its_admin_but_not_on_logins() {
    let (api, root) = Api::set_up();
    let draft = json!({"name": "backup", "scope": 1, "admin": "root"});
    let made = api.as_admin(&root, "POST", "/apikeys", Some(&draft));
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.header("x-object-id").unwrap().to_owned();
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let with_key = |key: &str, path: &str| api.ask("GET", path, &[("X-SFTPGO-API-KEY", key)], None);
    // Its admin has to allow it.
    assert_eq!(with_key(&key, "/api/v1/user").status, 403);
    let profile = json!({"allow_api_key_auth": true});
    assert_eq!(
        api.as_admin(&root, "PUT", "/admin/profile", Some(&profile))
            .status,
        200
    );
    for path in ["/api/v1/user", "/api/v2/admins", "/metrics"] {
        assert_eq!(with_key(&key, path).status, 200, "{path}");
    }
    for path in [
        "/api/v2/apikeys",
        "/api/v2/admin/profile",
        "/api/v2/admin/totp/configs",
        "/api/v2/logout",
    ] {
        assert_eq!(with_key(&key, path).status, 403, "{path}");
    }
    for (bad, status) in [("x", 400), ("a.b", 400), (&format!("{id}.wrong"), 401)] {
        assert_eq!(with_key(bad, "/api/v1/user").status, status, "{bad}");
    }
    let shown = api
        .as_admin(&root, "GET", &format!("/apikeys/{id}"), None)
        .data();
    assert!(shown.get("key").is_none() && !shown.to_string().contains(&key));
    assert!(shown["last_use_at"].as_i64().unwrap() > 0);
    let expired = json!({"name": "backup", "scope": 1, "admin": "root", "expires_at": 1});
    let path = format!("/apikeys/{id}");
    assert_eq!(
        api.as_admin(&root, "PUT", &path, Some(&expired)).status,
        200
    );
    assert_eq!(with_key(&key, "/api/v1/user").status, 401);
    for bad in [
        json!({"name": "", "scope": 1}),
        json!({"name": "x", "scope": 2}),
        json!({"name": "x", "scope": 1, "admin": "nobody"}),
    ] {
        assert_eq!(
            api.as_admin(&root, "POST", "/apikeys", Some(&bad)).status,
            400,
            "{bad}"
        );
    }
    assert_eq!(api.as_admin(&root, "DELETE", &path, None).status, 200);
    assert_eq!(api.as_admin(&root, "GET", &path, None).status, 404);
}

#[test]
fn a_changed_password_ends_sessions_and_profiles_do_not() {
    let (api, token) = Api::set_up();
    let profile = json!({"email": "r@example.com", "description": "me"});
    assert_eq!(
        api.as_admin(&token, "PUT", "/admin/profile", Some(&profile))
            .status,
        200
    );
    let shown = api.as_admin(&token, "GET", "/admin/profile", None).data();
    assert_eq!(shown["email"], "r@example.com");
    for (current, new, status) in [
        ("wrong", "another", 400),
        (PASSWORD, "", 400),
        (PASSWORD, PASSWORD, 400),
        (PASSWORD, "another", 200),
    ] {
        let body = json!({"current_password": current, "new_password": new});
        let answer = api.as_admin(&token, "PUT", "/admin/changepwd", Some(&body));
        assert_eq!(answer.status, status, "{new:?}: {}", answer.text());
    }
    assert_eq!(api.as_admin(&token, "GET", "/version", None).status, 401);
    assert!(api.token("root", &[]).is_err(), "the old password");
}

/// Whoever has come by a token does not guess the password with it unseen.
#[test]
fn a_wrong_current_password_is_a_failed_login() {
    let (api, token) = Api::set_up();
    let logins = || api.service.recorder.take_logins();
    logins();
    let wrong = json!({"current_password": "wrong", "new_password": "another"});
    let refused = api.as_admin(&token, "PUT", "/admin/changepwd", Some(&wrong));
    assert_eq!(refused.status, 400);
    assert_eq!(logins(), ["tried", "root: wrong current password"]);
    let right = json!({"current_password": PASSWORD, "new_password": "another"});
    let changed = api.as_admin(&token, "PUT", "/admin/changepwd", Some(&right));
    assert_eq!(changed.status, 200);
    assert!(logins().is_empty());
}

#[test]
fn who_may_not_come_from_here_does_not() {
    let (api, root) = Api::set_up();
    api.add_admin(
        &root,
        "far",
        json!({"filters": {"allow_list": ["192.0.2.0/24"]}}),
    );
    api.add_admin(&root, "off", json!({"status": 0}));
    for name in ["far", "off"] {
        let refused = api.token(name, &[]).unwrap_err();
        assert_eq!(refused.status, 401);
    }
    let wrong = api.ask("GET", "/api/v2/nothing", &[], None);
    assert_eq!(wrong.status, 401);
    let nothing = api.as_admin(&root, "GET", "/nothing", None);
    assert_eq!(nothing.status, 404);
    let said = nothing.json();
    assert!(
        said.get("status").is_none() && said["message"] == "Not Found",
        "{said}"
    );
    let wrong = api.as_admin(&root, "PATCH", "/admins", None);
    assert_eq!(
        (wrong.status, wrong.header("allow")),
        (405, Some("GET, POST"))
    );
    assert!(wrong.body.is_empty());
}

#[test]
fn the_state_is_shown_as_2_x_does() {
    let (api, root) = Api::set_up();
    let status = api.as_admin(&root, "GET", "/status", None).data();
    assert_eq!(status["data_provider"]["is_active"], true);
    assert_eq!(status["data_provider"]["driver"], "memory");
    assert_eq!(status["ftp"]["is_active"], false);
    let version = api.as_admin(&root, "GET", "/version", None).data();
    assert_eq!(version["version"], "1.2.3");
    assert_eq!(
        api.as_admin(&root, "GET", "/connections", None).data(),
        json!([])
    );
    assert_eq!(
        api.as_admin(&root, "DELETE", "/connections/x", None).status,
        404
    );
}

#[test]
fn names_of_the_operators_file_open_version_1_and_nothing_else() {
    // By openssl passwd.
    let api = Api::listing("alice:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00\n");
    let right = basic("alice", "password");
    let right = [("Authorization", right.as_str())];
    let check = |is_set_up: bool| {
        for path in ["/api/v1/user", "/metrics"] {
            assert_eq!(api.ask("GET", path, &right, None).status, 200, "{path}");
            assert_eq!(api.ask("GET", path, &[], None).status, 401, "{path}");
            for (name, password) in [("alice", "Password"), ("bob", "password"), ("alice", "")] {
                let wrong = basic(name, password);
                let refused = api.ask("GET", path, &[("Authorization", &wrong)], None);
                assert_eq!(refused.status, 401, "{path} {name}");
            }
        }
        for path in ["/api/v2/version", "/api/v2/token"] {
            let refused = api.ask("GET", path, &right, None);
            assert_eq!(refused.status, 401, "{path} {is_set_up}");
        }
    };
    check(false);
    let code = [("X-SFTPGO-SETUP-CODE", api.setup_code.as_str())];
    let root = admin("root", json!({}));
    assert_eq!(
        api.ask("POST", "/api/v2/admins", &code, Some(&root)).status,
        201
    );
    check(true);
}

#[test]
fn a_wrong_password_of_the_operators_file_is_no_guess_of_a_name() {
    let api = Api::listing("alice:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00\n");
    for (name, told) in [("alice", "wrong password"), ("bob", "no such admin")] {
        let wrong = basic(name, "Password");
        let refused = api.ask("GET", "/metrics", &[("Authorization", &wrong)], None);
        assert_eq!(refused.status, 401);
        let told = format!("{name}: {told}");
        assert_eq!(api.service.recorder.take_logins(), ["tried", &told]);
    }
}

#[test]
fn whoever_changes_something_is_told_with_it() {
    let (api, root) = Api::set_up();
    let changes = || api.service.recorder.take_changes();
    assert_eq!(
        changes(),
        ["admin added: root by somebody with the setup code from 127.0.0.1"]
    );
    let basic = basic("root", PASSWORD);
    let by_password = [("Authorization", basic.as_str())];
    let bob = user("bob", json!({}));
    api.ask("POST", "/api/v1/user", &by_password, Some(&bob));
    api.ask("PUT", "/api/v1/user/1", &by_password, Some(&bob));
    let scan = json!({"username": "bob"});
    api.ask("POST", "/api/v1/quota_scan", &by_password, Some(&scan));
    // What is refused changes nothing.
    api.ask("POST", "/api/v1/user", &by_password, Some(&bob));
    assert_eq!(
        changes(),
        [
            "user added: bob by root from 127.0.0.1",
            "user updated: bob by root from 127.0.0.1",
            "quota scan started: bob by root from 127.0.0.1",
        ]
    );
    let keyed = json!({"filters": {"allow_api_key_auth": true}});
    api.add_admin(&root, "alice", keyed.clone());
    let key = json!({"name": "ci", "scope": 1, "admin": "alice"});
    let key = api.as_admin(&root, "POST", "/apikeys", Some(&key)).json();
    let key = key["key"].as_str().unwrap().to_owned();
    let id = key.split('.').next().unwrap();
    changes();
    let by_key = [("X-SFTPGO-API-KEY", key.as_str())];
    api.ask("DELETE", "/api/v1/user/1", &by_key, None);
    assert_eq!(
        changes(),
        [format!(
            "user deleted: bob by alice with the API key {id} from 127.0.0.1"
        )]
    );
    api.as_admin(&root, "DELETE", &format!("/apikeys/{id}"), None);
    let renewed = admin("alice", keyed);
    api.as_admin(&root, "PUT", "/admins/alice", Some(&renewed));
    api.as_admin(&root, "DELETE", "/admins/alice", None);
    let password = json!({"current_password": PASSWORD, "new_password": "another one"});
    api.as_admin(&root, "PUT", "/admin/changepwd", Some(&password));
    assert_eq!(
        changes(),
        [
            "API key revoked: alice by root from 127.0.0.1",
            "admin updated: alice by root from 127.0.0.1",
            "password of the admin changed: alice by root from 127.0.0.1",
            "admin deleted: alice by root from 127.0.0.1",
            "password of the admin changed: root by root from 127.0.0.1",
        ]
    );
}

#[test]
fn while_there_is_no_admin_nobody_is_named() {
    let api = Api::start();
    api.add("bob", json!({}));
    assert_eq!(
        api.service.recorder.take_changes(),
        ["user added: bob by somebody without a login from 127.0.0.1"]
    );
}

#[test]
fn a_refused_request_is_told_once_with_who_sent_it() {
    let (api, root) = Api::set_up();
    let viewer = api.token_of(&root, "viewer", &["view_conns"]);
    let told = || api.service.recorder.take_refusals();
    assert!(told().is_empty(), "what was allowed");

    assert_eq!(api.ask("GET", "/api/v2/admins?a=b", &[], None).status, 401);
    assert_eq!(
        told(),
        ["GET /api/v2/admins of somebody without a login: 401"]
    );
    assert_eq!(api.as_admin(&viewer, "GET", "/admins", None).status, 403);
    assert_eq!(told(), ["GET /api/v2/admins of viewer: 403"]);

    api.service.recorder.take_logins();
    let wrong = basic("viewer", "wrong");
    let headers = [("Authorization", wrong.as_str())];
    for path in ["/api/v1/user", "/api/v2/token"] {
        assert_eq!(api.ask("GET", path, &headers, None).status, 401, "{path}");
    }
    let post = |form: &str| {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        request_with(
            api.address,
            "POST",
            "/web/login",
            &headers,
            Some(form.as_bytes()),
        )
    };
    assert_eq!(post("username=viewer&password=wrong").status, 403);
    let failed = "viewer: wrong password".to_owned();
    let logins = api.service.recorder.take_logins();
    assert_eq!(logins.iter().filter(|told| **told == failed).count(), 3);
    assert!(told().is_empty(), "a refused login is told as such");

    let entered = post("username=viewer&password=correct+horse");
    let cookie = entered.header("set-cookie").unwrap();
    let cookie = [("Cookie", cookie.split(';').next().unwrap())];
    assert_eq!(api.ask("GET", "/web/users", &cookie, None).status, 403);
    assert_eq!(told(), ["GET /web/users of viewer: 403"]);
}
