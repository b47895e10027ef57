//! What admins do about themselves, each other, and API keys.

use sftpgo_core::admin::TotpSecret;
use sftpgo_test_support::{TOTP_SECRET, code_after};

use crate::browser::{PASSWORD, Web, actor};

fn admin<'a>(username: &'a str, permissions: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("username", username),
        ("password", PASSWORD),
        ("status", "1"),
        ("email", ""),
        ("description", ""),
        ("allow_list", ""),
    ];
    form.extend(permissions.iter().map(|name| ("permissions", *name)));
    form
}

#[test]
fn an_admin_is_added_changed_and_deleted() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let page = "/web/manager";
    browser
        .submit_from(page, page, &admin("eve", &["view_users"]))
        .leads_to("/web/admins?done=added");
    web.logged_in("eve").open("/web/users").shows(">bob</a>");
    let page = "/web/manager/eve";
    let version = browser.open(page).value("version");
    let mut change = admin("eve", &["view_conns"]);
    change.retain(|(name, _)| *name != "password");
    change.extend([("password", ""), ("version", version.as_str())]);
    browser
        .submit_from(page, page, &change)
        .leads_to("/web/admins?done=saved");
    assert_eq!(web.logged_in("eve").open("/web/users").status, 403);
    // Who saw the admin before is told.
    assert_eq!(browser.submit_from(page, page, &change).status, 409);
    let delete = "/web/manager/eve/delete";
    let wrong = browser.submit_from(page, delete, &[("confirm", "root")]);
    assert_eq!(wrong.status, 400);
    assert!(web.admins.by_name("eve").is_ok());
    browser
        .submit_from(page, delete, &[("confirm", "eve")])
        .leads_to("/web/admins?done=deleted");
    assert!(web.admins.by_name("eve").is_err());
}

#[test]
fn all_errors_of_an_admin_show_at_once() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let bad = [
        ("username", "a b"),
        ("status", "7"),
        ("email", "nowhere"),
        ("allow_list", "everywhere"),
        ("permissions", "fly"),
    ];
    let page = browser.submit_from("/web/manager", "/web/manager", &bad);
    assert_eq!(page.status, 400);
    for field in ["username", "password", "email", "allow_list", "permissions"] {
        page.shows(&format!("id=\"{field}-error\""));
    }
    page.shows("Status: ")
        .shows("value=\"a b\"")
        .shows("everywhere</textarea>");
}

#[test]
fn only_who_may_do_everything_sees_admins_and_keys() {
    let web = Web::with_admin();
    web.add_admin("eve", &["add_users", "view_users", "edit_users"]);
    let mut eve = web.logged_in("eve");
    eve.open("/web").hides(">Admins<").hides(">API keys<");
    for page in [
        "/web/admins",
        "/web/manager",
        "/web/manager/root",
        "/web/apikeys",
    ] {
        assert_eq!(eve.open(page).status, 403, "{page}");
    }
    for page in [
        "/web/manager",
        "/web/manager/eve",
        "/web/manager/root/delete",
        "/web/manager/root/mfa",
        "/web/apikeys",
    ] {
        let form = admin("eve", &["*"]);
        assert_eq!(eve.submit_from("/web", page, &form).status, 403, "{page}");
    }
    assert_eq!(
        web.admins.by_name("eve").unwrap().permissions.names().len(),
        3
    );
}

#[test]
fn the_last_who_may_do_everything_stays() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    browser.open("/web/manager/root").hides("Danger zone");
    let page = "/web/manager/root";
    let refused = browser.submit_from(page, "/web/manager/root/delete", &[("confirm", "root")]);
    assert_eq!(refused.status, 400);
    let version = browser.open(page).value("version");
    let mut form = admin("root", &["view_users"]);
    form.push(("version", &version));
    assert_eq!(browser.submit_from(page, page, &form).status, 400);
    assert!(web.admins.by_name("root").unwrap().is_full());
}

#[test]
fn a_password_is_changed_and_other_sessions_end() {
    let web = Web::with_admin();
    let (mut browser, mut other) = (web.logged_in("root"), web.logged_in("root"));
    let page = "/web/profile";
    let change = |current, new, again| {
        [
            ("current_password", current),
            ("new_password", new),
            ("confirm_password", again),
        ]
    };
    for (form, field) in [
        (
            change("wrong", "another one", "another one"),
            "current_password",
        ),
        (
            change(PASSWORD, "another one", "yet another"),
            "confirm_password",
        ),
        (change(PASSWORD, PASSWORD, PASSWORD), "new_password"),
    ] {
        let refused = browser.submit_from(page, "/web/profile/password", &form);
        assert_eq!(refused.status, 400, "{field}");
        refused.shows(&format!("id=\"{field}-error\""));
    }
    let form = change(PASSWORD, "another one", "another one");
    browser
        .submit_from(page, "/web/profile/password", &form)
        .leads_to("/web/profile?done=password");
    assert_eq!(browser.open("/web/users").status, 200);
    assert_eq!(other.open("/web/users").status, 303);
}

#[test]
fn who_has_to_change_the_password_first_does_nothing_else() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let mut form = admin("eve", &["*"]);
    form.push(("require_password_change", "on"));
    browser
        .submit_from("/web/manager", "/web/manager", &form)
        .leads_to("/web/admins?done=added");
    let mut eve = web.logged_in("eve");
    eve.open("/web/users").leads_to("/web/profile");
    let page = eve.open("/web/profile");
    page.shows("Change your password first");
    let denied = eve.submit_from("/web/profile", "/web/manager", &admin("mia", &["*"]));
    assert_eq!(denied.status, 403);
    let change = [
        ("current_password", PASSWORD),
        ("new_password", "another one"),
        ("confirm_password", "another one"),
    ];
    eve.submit_from("/web/profile", "/web/profile/password", &change);
    assert_eq!(eve.open("/web/users").status, 200);
}

#[test]
fn a_profile_is_saved() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let page = "/web/profile";
    let form = [
        ("email", "root@example.com"),
        ("description", "<b>"),
        ("allow_api_key_auth", "on"),
    ];
    browser
        .submit_from(page, page, &form)
        .leads_to("/web/profile?done=saved");
    let admin = web.admins.by_name("root").unwrap();
    assert_eq!(
        (admin.email.as_str(), admin.allow_api_key_auth),
        ("root@example.com", true)
    );
    browser.open(page).shows("&#60;b&#62;");
    let refused = browser.submit_from(page, page, &[("email", "nowhere"), ("description", "")]);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.value("email"), "nowhere");
}

#[test]
fn a_second_factor_needs_a_code_of_the_phone() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let start = [("config_name", "Default")];
    let setup = browser.submit_from("/web/mfa", "/web/mfa/setup", &start);
    setup.shows("<svg class=\"qr\"");
    let secret = setup.value("secret");
    let form = [
        ("config_name", "Default"),
        ("secret", secret.as_str()),
        ("passcode", "abc"),
    ];
    let again = browser.submit_from("/web/mfa", "/web/mfa", &form);
    assert_eq!(again.status, 400);
    // The phone has this secret already.
    assert_eq!(again.value("secret"), secret);
    assert!(web.admins.by_name("root").unwrap().totp.is_none());
    let totp = TotpSecret {
        config_name: "Default".to_owned(),
        secret: secret.clone(),
    };
    web.admins.save_totp(&actor("root"), Some(&totp)).unwrap();
    browser.open("/web/mfa").shows("12 are left");
    let known = || web.admins.by_name("root").unwrap().recovery_codes;
    let first = known();
    for form in [&[][..], &[("passcode", "abc")]] {
        let refused = browser.submit_from("/web/mfa", "/web/mfa/codes", form);
        assert_eq!(refused.status, 400);
        refused.shows("id=\"passcode-error\"");
        assert!(known() == first, "there are other codes");
    }
    let code = code_after(&secret, 0);
    let codes = browser.submit_from("/web/mfa", "/web/mfa/codes", &[("passcode", &code)]);
    assert_eq!(codes.text().matches("<li><code>").count(), 12);
    assert!(known() != first, "there are no other codes");
    let off = browser.submit_from("/web/mfa", "/web/mfa/disable", &[("passcode", "abc")]);
    assert_eq!(off.status, 400);
    let is_on = || web.admins.by_name("root").unwrap().totp == Some(totp.clone());
    assert!(is_on());
    // An open page is not enough, neither for another phone nor as another admin would do it.
    for (page, status) in [
        ("/web/mfa/setup", 409),
        ("/web/mfa", 409),
        ("/web/manager/root/mfa", 400),
    ] {
        let refused = browser.submit_from("/web/mfa", page, &form);
        assert_eq!(refused.status, status, "{page}");
        assert!(is_on(), "{page}");
    }
    // Another admin helps who has lost the phone.
    web.add_admin("eve", &["*"]);
    let mut eve = web.logged_in("eve");
    eve.submit_from("/web/manager/root", "/web/manager/root/mfa", &[])
        .leads_to("/web/admins?done=factor");
    assert!(web.admins.by_name("root").unwrap().totp.is_none());
}

#[test]
fn codes_are_guessed_with_a_session_no_more_often_than_at_a_login() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let totp = TotpSecret {
        config_name: "Default".to_owned(),
        secret: TOTP_SECRET.to_owned(),
    };
    let recorder = &web.service.recorder;
    web.admins.save_totp(&actor("root"), Some(&totp)).unwrap();
    recorder.take_logins();
    let mut switch_off =
        |code: &str| browser.submit_from("/web/mfa", "/web/mfa/disable", &[("passcode", code)]);
    for _ in 0..10 {
        switch_off("000").shows("id=\"passcode-error\"");
    }
    let told = recorder.take_logins();
    let wrong = |line: &String| line == "root: wrong code of the second factor";
    assert_eq!(told.into_iter().filter(wrong).count(), 10);
    // Not even the right one passes for a while.
    assert_eq!(switch_off(&code_after(TOTP_SECRET, 0)).status, 400);
    assert!(web.admins.by_name("root").unwrap().totp.is_some());
}

#[test]
fn a_code_switches_the_second_factor_off() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let totp = TotpSecret {
        config_name: "Default".to_owned(),
        secret: TOTP_SECRET.to_owned(),
    };
    web.admins.save_totp(&actor("root"), Some(&totp)).unwrap();
    let code = code_after(TOTP_SECRET, 0);
    browser
        .submit_from("/web/mfa", "/web/mfa/disable", &[("passcode", &code)])
        .leads_to("/web/mfa?done=off");
    assert!(web.admins.by_name("root").unwrap().totp.is_none());
}

#[test]
fn an_api_key_is_shown_once_and_deleted_by_its_name() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let page = "/web/apikeys";
    let bad = [("name", ""), ("admin", ""), ("expires_at", "soon")];
    let refused = browser.submit_from(page, page, &bad);
    assert_eq!(refused.status, 400);
    refused
        .shows("id=\"name-error\"")
        .shows("id=\"expires_at-error\"");
    let unknown = [("name", "backup"), ("admin", "nobody"), ("expires_at", "")];
    let refused = browser.submit_from(page, page, &unknown);
    refused.shows("id=\"admin-error\"");
    let form = [
        ("name", "backup"),
        ("admin", "root"),
        ("expires_at", "2999-12-31"),
    ];
    let made = browser.submit_from(page, page, &form);
    assert_eq!(made.status, 200);
    let id = web.admins.api_keys().unwrap()[0].id.clone();
    made.shows(&format!("<code>{id}."));
    browser
        .open(page)
        .shows(">backup</a>")
        .hides(&format!("{id}."));
    let delete = format!("{page}/{id}/delete");
    let wrong = browser.submit_from(page, &delete, &[("confirm", "")]);
    assert_eq!(wrong.status, 400);
    browser
        .submit_from(page, &delete, &[("confirm", "backup")])
        .leads_to("/web/apikeys?done=deleted");
    assert!(web.admins.api_keys().unwrap().is_empty());
}

#[test]
fn a_quota_scan_is_started() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let page = "/web/quotascans";
    let unknown = browser.submit_from(page, page, &[("username", "nobody")]);
    assert_eq!(unknown.status, 400);
    unknown.shows("id=\"username-error\"");
    browser
        .submit_from(page, page, &[("username", "bob")])
        .leads_to("/web/quotascans?done=started");
}
