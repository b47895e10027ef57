//! The dashboard, and events.

use sftpgo_core::event::Protocol;

use crate::browser::Web;

#[test]
fn the_dashboard_tells_what_happens() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let page = browser.open("/web");
    page.shows("<h1>Dashboard</h1>")
        .shows("Failed logins in the last hour");
    page.shows("Logins: 1 at the most");
    assert_eq!(page.text().matches("<svg").count(), 4);
    page.shows("<dt>Users</dt><dd>1</dd>")
        .shows("<dt>Data provider</dt><dd>memory</dd>")
        .shows("<dt>Version</dt><dd>1.2.3</dd>")
        .hides("without TLS");
    // The disk of bob's home.
    let homes = web.service.home().parent().unwrap().display().to_string();
    page.shows(&format!("<code>{homes}</code> <progress"));
    browser.open("/web/").leads_to("/web");
}

#[test]
fn the_dashboard_tells_what_wants_attention() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    browser.open("/web").hides("Wants attention");
    web.activity
        .action_failed("/usr/local/bin/hook: exit status: 1");
    browser
        .open("/web")
        .shows("Wants attention")
        .shows("An action failed in the last hour: /usr/local/bin/hook: exit status: 1.");
    web.activity.action_failed("http://localhost/hook: timeout");
    browser
        .open("/web/status")
        .shows("2 actions failed in the last hour. The last: http://localhost/hook: timeout.");
    let open = Web::listening_at("0.0.0.0:0");
    open.add_root();
    let mut browser = open.logged_in("root");
    browser
        .open("/web")
        .shows("HTTP listens at 0.0.0.0:")
        .shows("without TLS");
}

#[test]
fn who_may_not_see_the_state_sees_none_on_the_dashboard() {
    let web = Web::with_admin();
    web.add_admin("viewer", &["view_users"]);
    let mut browser = web.logged_in("viewer");
    web.activity.action_failed("hook");
    browser
        .open("/web")
        .shows("You are logged in as viewer.")
        .hides("hook")
        .hides("<svg")
        .hides("<dt>Users</dt>");
}

#[test]
fn events_are_filtered_and_exported() {
    let web = Web::with_admin();
    let wrong = [("username", "mallory"), ("password", "x")];
    web.browser().submit("/web/login", &wrong);
    let mut browser = web.logged_in("root");
    let page = browser.open("/web/events");
    page.shows("<b>Failed login</b> mallory from 127.0.0.1");
    page.shows("<b>Login</b> root from 127.0.0.1");
    let page = browser.open("/web/events?kind=failed_login&username=mallory");
    page.shows("mallory from").hides("root from");
    browser
        .open("/web/events?address=192.0.2.1")
        .hides("mallory from");
    let export = browser.open("/web/events/export?kind=failed_login");
    assert_eq!(export.header("content-type"), "application/jsonl");
    let lines: Vec<serde_json::Value> = export
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["username"], "mallory");
    assert_eq!(lines[0]["kind"], "failed_login");
}

#[test]
fn a_change_is_shown_with_who_made_it() {
    let web = Web::with_admin();
    web.add_admin("eve", &["*"]);
    let logged_in = web.service.log_in();
    let listed = web.service.list(&logged_in, Protocol::Sftp);
    let mut eve = web.logged_in("eve");
    let close = [("close", "all"), ("username", "bob")];
    eve.submit_from("/web/connections", "/web/connections", &close);
    let all = eve.open("/web/events?kind=change");
    let closed = format!("connection closed ({}) by eve", listed.id());
    all.shows("<b>Change</b> bob from 127.0.0.1").shows(&closed);
    eve.open("/web/events?kind=change&username=eve")
        .shows(&closed);
    let export = eve.open("/web/events/export?kind=change&username=bob");
    let line: serde_json::Value = serde_json::from_str(export.text().trim()).unwrap();
    assert_eq!(
        (&line["username"], &line["by"]),
        (&"bob".into(), &"eve".into())
    );
}

#[test]
fn older_events_come_from_the_archive_when_they_are_asked_for() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    browser.open("/web/events").hides("methuselah");
    let page = browser.open("/web/events?archive=1&username=methuselah");
    page.shows("1970-01-01").shows("methuselah from 192.0.2.1");
    page.shows("too long to be read to its beginning");
    page.shows("/web/events/export?username=methuselah&#38;archive=1");
    let export = browser.open("/web/events/export?archive=1");
    assert_eq!(export.text().lines().count(), 1);
    browser
        .open("/web/events?archive=1&username=root")
        .hides("methuselah from");
}
