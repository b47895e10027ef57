//! Users: listed, added, changed, deleted.

use sftpgo_core::{UserDraft, event::Actor};

use crate::browser::{Browser, Web};

/// What a browser sends for a new user.
fn form<'a>(username: &'a str, home_dir: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("username", username),
        ("status", "1"),
        ("password", "secret"),
        ("public_keys", ""),
        ("expiration_date", ""),
        ("permissions", "list"),
        ("permissions", "download"),
        ("home_dir", home_dir),
        ("uid", "0"),
        ("gid", "0"),
        ("max_sessions", "2"),
        ("quota_size", "1 GiB"),
        ("quota_files", "10"),
        ("upload_bandwidth", "0"),
        ("download_bandwidth", "0"),
    ]
}

fn with<'a>(
    mut form: Vec<(&'a str, &'a str)>,
    changes: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    form
}

/// The form of a user as the page shows it to `browser`, with changes.
fn edited<'a>(
    browser: &mut Browser<'_>,
    page: &str,
    username: &'a str,
    home_dir: &'a str,
    changes: &[(&'a str, &'a str)],
) -> crate::browser::Page {
    let shown = browser.open(page);
    let (version, csrf) = (shown.value("version"), shown.value("csrf_token"));
    let mut form = with(form(username, home_dir), &[("password", "")]);
    form = with(form, changes);
    form.push(("version", &version));
    form.push(("csrf_token", &csrf));
    browser.submit(page, &form)
}

#[test]
fn a_user_is_added_shown_and_kept_as_typed() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let page = browser.submit_from("/web/user", "/web/user", &form("alice", "/srv/alice"));
    page.leads_to("/web/users?done=added");
    let alice = web.service.accounts.by_name("alice").unwrap();
    assert_eq!(alice.permissions.names_on_wire(), ["list", "download"]);
    assert_eq!((alice.quota_size, alice.quota_files), (1 << 30, 10));
    browser
        .open("/web/users?done=added")
        .shows("The user was added.")
        .shows(">alice</a>")
        .shows("0 B of 1.0 GiB");
    let page = browser.open(&format!("/web/user/{}", alice.id));
    assert_eq!(page.value("username"), "alice");
    assert_eq!(page.value("quota_size"), (1_u64 << 30).to_string());
    page.hides("secret")
        .hides(alice.password.as_deref().unwrap());
}

#[test]
fn all_errors_of_a_form_show_at_once_beside_what_was_typed() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let bad = with(
        form("a/b", "relative"),
        &[
            ("uid", "70000"),
            ("quota_files", "many"),
            ("public_keys", "not a key"),
            ("expiration_date", "soon"),
            ("permissions", "fly"),
        ],
    );
    let page = browser.submit_from("/web/user", "/web/user", &bad);
    assert_eq!(page.status, 400);
    for field in [
        "username",
        "home_dir",
        "uid",
        "quota_files",
        "public_keys",
        "expiration_date",
        "permissions",
    ] {
        page.shows(&format!("id=\"{field}-error\""));
    }
    for (name, typed) in [
        ("username", "a/b"),
        ("home_dir", "relative"),
        ("quota_files", "many"),
    ] {
        assert_eq!(page.value(name), typed);
    }
    page.shows("not a key").hides("secret");
    assert!(web.service.accounts.by_name("a/b").is_err());
    // A name that is taken is told at its field too.
    let page = browser.submit_from("/web/user", "/web/user", &form("bob", "/srv/bob"));
    assert_eq!(page.status, 400);
    page.shows("id=\"username-error\"");
}

#[test]
fn what_a_page_does_not_show_stays_when_it_is_saved() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let bob = web.service.bob();
    let home = bob.home_dir.to_str().unwrap().to_owned();
    let page = format!("/web/user/{}", bob.id);
    let saved = edited(&mut browser, &page, "bob", &home, &[("gid", "7")]);
    saved.leads_to("/web/users?done=saved");
    let now = web.service.bob();
    assert_eq!(now.password, bob.password);
    assert_eq!((now.gid, now.usage), (7, bob.usage));
}

#[test]
fn the_second_of_two_who_change_a_user_is_told() {
    let web = Web::with_admin();
    web.add_admin("eve", &["view_users", "edit_users"]);
    let (mut first, mut second) = (web.logged_in("root"), web.logged_in("eve"));
    let bob = web.service.bob();
    let home = bob.home_dir.to_str().unwrap().to_owned();
    let page = format!("/web/user/{}", bob.id);
    let shown = second.open(&page);
    edited(&mut first, &page, "bob", &home, &[("gid", "7")]).leads_to("/web/users?done=saved");
    let (version, csrf) = (shown.value("version"), shown.value("csrf_token"));
    let late = with(
        form("bob", &home),
        &[("uid", "9"), ("version", &version), ("csrf_token", &csrf)],
    );
    let told = second.submit(&page, &late);
    assert_eq!(told.status, 409);
    told.shows("Somebody else changed this user");
    assert_eq!(told.value("uid"), "9");
    assert_eq!(web.service.bob().uid, bob.uid);
    // Sent again it is still not saved in silence.
    assert_eq!(second.submit(&page, &late).status, 409);
}

#[test]
fn nobody_is_deleted_without_the_name_typed() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let page = format!("/web/user/{}", web.service.bob().id);
    let delete = format!("{page}/delete");
    for form in [&[][..], &[("confirm", "Bob")]] {
        let refused = browser.submit_from(&page, &delete, form);
        assert_eq!(refused.status, 400);
        refused.shows("this is not the user&#39;s name");
    }
    web.service.bob();
    browser
        .submit_from(&page, &delete, &[("confirm", "bob")])
        .leads_to("/web/users?done=deleted");
    assert!(web.service.accounts.by_name("bob").is_err());
    let gone = browser.open(&page);
    assert_eq!(gone.status, 404);
    gone.shows("No such user");
}

#[test]
fn selected_users_are_changed_and_deleted_only_with_the_word() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let id = web.service.bob().id.to_string();
    let act = |action, more: &[(&'static str, &'static str)]| {
        let mut form = vec![("action", action), ("id", id.as_str())];
        form.extend(more);
        web.logged_in("root")
            .submit_from("/web/users", "/web/users", &form)
    };
    act("disable", &[]).leads_to("/web/users?done=disable");
    assert!(!web.service.bob().enabled);
    browser.open("/web/users?show=disabled").shows(">bob</a>");
    act("enable", &[]).leads_to("/web/users?done=enable");
    browser.open("/web/users?show=disabled").hides(">bob</a>");
    act("rescan", &[]).leads_to("/web/users?done=rescan");
    let asked = act("delete", &[]);
    assert_eq!(asked.status, 200);
    asked.shows("<li>bob</li>");
    assert_eq!(act("delete", &[("confirm", "yes")]).status, 400);
    web.service.bob();
    act("delete", &[("confirm", "delete")]).leads_to("/web/users?done=deleted");
    assert!(web.service.accounts.by_name("bob").is_err());
}

#[test]
fn permissions_hold_on_pages_and_actions_and_hide_what_they_do_not_allow() {
    let web = Web::with_admin();
    web.add_admin("reader", &["view_users"]);
    web.add_admin("watcher", &["view_status"]);
    let bob = format!("/web/user/{}", web.service.bob().id);
    let mut reader = web.logged_in("reader");
    reader
        .open("/web/users")
        .hides("Add a user")
        .hides("Connections</a>")
        .hides("type=\"checkbox\"");
    reader
        .open(&bob)
        .hides("Save</button>")
        .hides("Danger zone")
        .hides("Clone");
    for page in ["/web/user", "/web/connections", "/web/status"] {
        assert_eq!(reader.open(page).status, 403, "{page}");
    }
    let delete = format!("{bob}/delete");
    for (path, form) in [
        (bob.as_str(), vec![("uid", "3")]),
        (&delete, vec![("confirm", "bob")]),
        ("/web/user", form("new", "/srv/new")),
        ("/web/users", vec![("action", "disable"), ("id", "1")]),
        ("/web/users", vec![("action", "rescan"), ("id", "1")]),
        (
            "/web/connections",
            vec![("close", "all"), ("username", "bob")],
        ),
    ] {
        let page = reader.submit_from("/web/users", path, &form);
        assert_eq!(page.status, 403, "{path}");
    }
    assert_eq!(web.service.bob().uid, 0);
    let mut watcher = web.logged_in("watcher");
    for page in ["/web/users", bob.as_str()] {
        assert_eq!(watcher.open(page).status, 403, "{page}");
    }
}

#[test]
fn a_form_of_nobody_and_one_of_another_admin_do_nothing() {
    let web = Web::with_admin();
    web.add_admin("eve", &["*"]);
    let others = web.logged_in("eve").open("/web/user").value("csrf_token");
    let mut browser = web.logged_in("root");
    for csrf in ["", "x", others.as_str()] {
        let mut form = form("alice", "/srv/alice");
        form.push(("csrf_token", csrf));
        assert_eq!(browser.submit("/web/user", &form).status, 403);
    }
    assert!(web.service.accounts.by_name("alice").is_err());
}

#[test]
fn a_clone_begins_as_the_other_is_but_for_who_that_is() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let bob = web.service.bob();
    let page = browser.open(&format!("/web/user?clone={}", bob.id));
    assert_eq!(page.value("quota_size"), bob.quota_size.to_string());
    assert_eq!(
        (page.value("username"), page.value("home_dir")),
        (String::new(), String::new())
    );
    page.hides("ssh-ed25519");
}

#[test]
fn what_a_user_may_do_is_explained() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let page = format!("/web/user/{}", web.service.bob().id);
    for (query, answer) in [
        ("operation=upload&path=/a&target=", "Yes: "),
        (
            "operation=upload&path=/../../a%00&target=",
            "role=\"status\"",
        ),
        ("operation=fly&path=/a", "fly"),
    ] {
        browser.open(&format!("{page}?{query}")).shows(answer);
    }
}

#[test]
fn unknown_users_and_pages_are_pages_of_their_own() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    for path in [
        "/web/user/999",
        "/web/user/x",
        "/web/nothing",
        "/web/users/",
        "/web/user/1/x",
    ] {
        let page = browser.open(path);
        assert_eq!(page.status, 404, "{path}");
        page.shows("<h1>Not Found</h1>");
    }
}

#[test]
fn denied_logins_are_ticked_and_stay_where_a_form_does_not_show_them() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let denied = [
        ("denied_login_methods", ""),
        ("denied_login_methods", "password"),
    ];
    let sent = [form("alice", "/srv/alice"), denied.to_vec()].concat();
    browser
        .submit_from("/web/user", "/web/user", &sent)
        .leads_to("/web/users?done=added");
    let stored = || web.service.accounts.by_name("alice").unwrap();
    let names = || stored().filters.denied_login_methods.names();
    assert_eq!(names(), ["password"]);
    let page = format!("/web/user/{}", stored().id);
    browser
        .open(&page)
        .shows("name=\"denied_login_methods\" value=\"password\" checked");
    edited(&mut browser, &page, "alice", "/srv/alice", &[("uid", "5")])
        .leads_to("/web/users?done=saved");
    assert_eq!((names(), stored().uid), (vec!["password"], 5));
    let none = [("denied_login_methods", "")];
    edited(&mut browser, &page, "alice", "/srv/alice", &none).leads_to("/web/users?done=saved");
    assert!(names().is_empty());
    // A clone begins with the same.
    let again = [("denied_login_methods", "publickey")];
    edited(&mut browser, &page, "alice", "/srv/alice", &again).leads_to("/web/users?done=saved");
    browser
        .open(&format!("/web/user?clone={}", stored().id))
        .shows("name=\"denied_login_methods\" value=\"publickey\" checked");
}

#[test]
fn a_second_factor_of_a_user_is_shown_once() {
    let web = Web::with_admin();
    web.add_admin("viewer", &["view_users"]);
    let mut browser = web.logged_in("root");
    browser.submit_from("/web/user", "/web/user", &form("alice", "/srv/alice"));
    let stored = || web.service.accounts.by_name("alice").unwrap();
    let page = format!("/web/user/{}", stored().id);
    browser.open(&page).shows("Set up</button>");
    let enable = format!("{page}/mfa");
    let config = [("config_name", "Default")];
    // A form of another page does not.
    assert_eq!(browser.submit(&enable, &config).status, 403);
    let mut viewer = web.logged_in("viewer");
    viewer
        .open(&page)
        .shows("Second factor")
        .hides("Set up</button>");
    assert_eq!(viewer.submit_from(&page, &enable, &config).status, 403);
    assert!(stored().filters.totp.is_none());
    let shown = browser.submit_from(&page, &enable, &config);
    assert_eq!(shown.status, 200);
    let filters = stored().filters;
    let secret = filters.totp.unwrap().secret.secret;
    shown.shows(&secret).shows(&filters.recovery_codes[0].code);
    shown.shows("QR code with the secret");
    for path in [page.as_str(), "/web/users"] {
        browser
            .open(path)
            .hides(&secret)
            .hides(&filters.recovery_codes[0].code);
    }
    let alone = "a password alone does not let the user in";
    browser
        .open(&page)
        .shows("12 recovery codes are left")
        .shows(alone);
    let change = |draft: &mut UserDraft| {
        draft.filters.totp.as_mut().unwrap().protocols = vec!["HTTP".to_owned()];
        Ok(())
    };
    let by = Actor::program();
    let accounts = &web.service.accounts;
    accounts.update(&by, stored().id, change).unwrap();
    browser
        .open(&page)
        .shows("but not for SSH: logins there do not ask for it")
        .hides(alone);
    // The user as it is shown comes back.
    edited(&mut browser, &page, "alice", "/srv/alice", &[]).leads_to("/web/users?done=saved");
    assert!(stored().filters.totp.is_some());
    let disable = format!("{page}/mfa/disable");
    browser
        .submit_from(&page, &disable, &[])
        .leads_to("/web/users?done=factor");
    assert!(stored().filters.totp.is_none());
    browser
        .open("/web/users?done=factor")
        .shows("The second factor of the user is off.");
}
