//! Connections: shown, kept up to date, closed.

use std::io::{BufRead, BufReader};

use sftpgo_core::event::Protocol;

use crate::browser::{Web, actor};

#[test]
fn a_connection_is_shown_and_closed() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    browser
        .open("/web/connections")
        .shows("Nobody is connected.");
    let logged_in = web.service.log_in();
    let listed = web.service.list(&logged_in, Protocol::Sftp);
    let page = browser.open("/web/connections");
    page.shows(">bob</h2>").shows(">SFTP<").shows(listed.id());
    let close = [("close", "one"), ("connection_id", listed.id())];
    browser
        .submit_from("/web/connections", "/web/connections", &close)
        .leads_to("/web/connections?done=closed");
    assert!(logged_in.login.close_requested().is_cancelled());
}

#[test]
fn all_of_a_user_are_closed() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let logins = [web.service.log_in(), web.service.log_in()];
    let close = [("close", "all"), ("username", "bob")];
    browser
        .submit_from("/web/users", "/web/connections", &close)
        .leads_to("/web/connections?done=closed");
    for login in logins {
        assert!(login.login.close_requested().is_cancelled());
    }
}

#[test]
fn events_tell_what_changes_and_end_with_the_session() {
    let web = Web::with_admin();
    web.add_admin("eve", &["view_conns"]);
    let browser = web.logged_in("eve");
    let stream = browser.connect("GET", "/web/connections/events", "", &[]);
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let head: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    assert!(head[0].contains("200"), "{head:?}");
    assert!(
        head.iter()
            .any(|line| line == "content-type: text/event-stream")
    );
    let mut wait_for = |text: &str| lines.by_ref().any(|line| line.contains(text));
    assert!(wait_for("Nobody is connected"));
    let logged_in = web.service.log_in();
    let _listed = web.service.list(&logged_in, Protocol::Sftp);
    assert!(wait_for(">bob</h2>"));
    web.admins.delete(&actor("root"), "eve").unwrap();
    assert!(wait_for("event:end"));
}

#[test]
fn events_end_with_a_logout_in_another_window() {
    let web = Web::with_admin();
    let mut browser = web.logged_in("root");
    let stream = browser.connect("GET", "/web/connections/events", "", &[]);
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut wait_for = |text: &str| lines.by_ref().any(|line| line.contains(text));
    assert!(wait_for("Nobody is connected"));
    browser
        .submit_from("/web", "/web/logout", &[])
        .leads_to("/web/login");
    assert!(wait_for("event:end"));
}
