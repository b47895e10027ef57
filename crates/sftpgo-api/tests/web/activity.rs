//! The dashboard, and events.

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
    browser.open("/web/").leads_to("/web");
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
