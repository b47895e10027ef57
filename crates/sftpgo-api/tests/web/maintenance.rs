//! Maintenance: dumps that are downloaded and imported.

use sftpgo_test_support::wait_for;

use crate::browser::{Browser, Page, Web, actor};

/// A hash of SFTPGo's, of nobody's password.
const HASH: &str = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

fn dump(users: &[&str]) -> String {
    format!("{{\"users\": [{}], \"version\": 10}}", users.join(","))
}

fn user(name: &str, more: &str) -> String {
    format!(
        "{{\"username\": \"{name}\", \"status\": 1, \"home_dir\": \"/srv/{name}\", \"password\": \"{HASH}\", \
         \"permissions\": {{\"/\": [\"*\"]}}{more}}}"
    )
}

/// Sends a dump; where its import is.
#[track_caller]
fn send(root: &mut Browser<'_>, dump: &str, boxes: &[&str]) -> String {
    let mut form = vec![("dump", dump)];
    form.extend(boxes.iter().map(|name| (*name, "on")));
    let page = root.submit_from("/web/maintenance", "/web/maintenance/import", &form);
    assert_eq!(page.status, 303, "{}", page.text());
    page.header("location").to_owned()
}

/// Confirms an import and waits for its end.
#[track_caller]
fn confirm(root: &mut Browser<'_>, import: &str) -> Page {
    root.submit_from(import, import, &[]).leads_to(import);
    let mut page = root.open(import);
    wait_for("the end of the import", || {
        page = root.open(import);
        !page.text().contains("The import is running")
    });
    page
}

#[test]
fn a_dump_has_all_users_and_hashes_only_for_who_may_do_everything() {
    let web = Web::with_admin();
    let hash = web.service.bob().password.unwrap();
    let mut root = web.logged_in("root");
    let dump = root.open("/web/maintenance/dump");
    assert_eq!(dump.status, 200);
    assert!(
        dump.header("content-disposition")
            .starts_with("attachment; filename=\"sftpgo-users-")
    );
    assert_eq!(dump.header("cache-control"), "no-store");
    let text = dump.whole_text();
    assert!(
        text.contains("\"username\":\"bob\"") && !text.contains(&hash),
        "{text}"
    );
    let with = root.open("/web/maintenance/dump?passwords=1").whole_text();
    assert!(with.contains(&hash), "{with}");
    let users = serde_json::from_str::<serde_json::Value>(&with).unwrap();
    assert_eq!(users["users"].as_array().unwrap().len(), 1);
    web.add_admin("viewer", &["view_users"]);
    let mut viewer = web.logged_in("viewer");
    assert_eq!(viewer.open("/web/maintenance/dump").status, 200);
    assert_eq!(viewer.open("/web/maintenance/dump?passwords=1").status, 403);
    viewer
        .open("/web/maintenance")
        .hides("name=\"dump\"")
        .hides("name=\"passwords\"");
    web.add_admin("watcher", &["view_status"]);
    let mut watcher = web.logged_in("watcher");
    for page in ["/web/maintenance", "/web/maintenance/dump"] {
        assert_eq!(watcher.open(page).status, 403);
    }
}

#[test]
fn a_dump_of_many_users_is_whole_and_comes_back() {
    let web = Web::with_admin();
    let names: Vec<_> = (0..1203).map(|number| format!("user{number:04}")).collect();
    let users: Vec<_> = names.iter().map(|name| user(name, "")).collect();
    let users: Vec<_> = users.iter().map(String::as_str).collect();
    let mut root = web.logged_in("root");
    let import = send(&mut root, &dump(&users), &[]);
    confirm(&mut root, &import).shows("Added <span class=\"count\">1203</span>");
    let text = root.open("/web/maintenance/dump?passwords=1").whole_text();
    let dumped = serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let dumped = dumped["users"].as_array().unwrap();
    assert_eq!(dumped.len(), 1204);
    assert_eq!(dumped[1]["password"], HASH);
    let again = send(&mut root, &text, &["update"]);
    root.open(&again)
        .shows("There is nothing to do.")
        .shows("As they are already <span class=\"count\">1204</span>")
        .shows("1204 users keep the password");
}

#[test]
fn what_an_import_would_do_is_shown_and_done_only_when_it_is_confirmed() {
    let web = Web::with_admin();
    let mut root = web.logged_in("root");
    let bad = "\"username\": \"bad\", \"status\": 1, \"password\": \"$2a$x\", \"permissions\": [\"*\"], \
        \"home_dir\": \"relative\", \"public_keys\": [\"ssh-rsa nonsense\"]";
    let text = dump(&[
        &user("new", ", \"quota_size\": 5, \"used_quota_size\": 3"),
        &user("bob", ", \"quota_size\": 2048"),
        &user(
            "filtered",
            ", \"filters\": {\"allowed_ip\": [\"10.0.0.0/8\"]}",
        ),
        &user("new", ""),
        &format!("{{{bad}}}"),
    ])
    .replace("\"version\": 10", "\"folders\": [{}]");
    let import = send(&mut root, &text, &["update"]);
    root.open(&import)
        .shows("Nothing is done yet.")
        .shows("To be added <span class=\"count\">1</span>")
        .shows("<b>new</b>")
        .shows("quota_size: 1.0 GiB → 2.0 KiB")
        .shows("its filters.allowed_ip cannot be enforced")
        .shows("there is another user of this name before it")
        // Everything that is wrong with a user.
        .shows("home_dir: must be an absolute path")
        .shows("public_keys: key number 1: ")
        .shows("Not imported: folders (1).")
        .shows("1 users keep the password")
        .shows("1 of the users to be added had files");
    let accounts = &web.service.accounts;
    assert!(accounts.by_name("new").is_err());
    let before = web.service.bob();
    assert_eq!(before.quota_size, 1 << 30);
    let done = confirm(&mut root, &import);
    done.shows("The import has ended.")
        .shows("Added <span class=\"count\">1</span>")
        .shows("Changed <span class=\"count\">1</span>")
        .shows("Refused <span class=\"count\">3</span>");
    let new = accounts.by_name("new").unwrap();
    assert_eq!((new.password.as_deref(), new.usage.size), (Some(HASH), 0));
    let after = web.service.bob();
    assert_eq!(after.quota_size, 2048);
    assert_eq!(after.password, before.password);
    // It is done once.
    accounts.delete(&actor("root"), new.id).unwrap();
    root.submit_from("/web/maintenance", &import, &[])
        .leads_to(&import);
    assert!(accounts.by_name("new").is_err());
}

#[test]
fn users_that_exist_are_left_alone_unless_asked_for() {
    let web = Web::with_admin();
    let mut root = web.logged_in("root");
    let text = dump(&[&user("bob", ", \"quota_size\": 2048")]);
    let import = send(&mut root, &text, &[]);
    root.open(&import)
        .shows("There is nothing to do.")
        .shows("Exist already and stay as they are <span class=\"count\">1</span>");
    let import = send(&mut root, &text, &["update", "update_passwords"]);
    root.open(&import)
        .shows("password: set, whatever it was")
        .hides(HASH);
    confirm(&mut root, &import);
    assert_eq!(web.service.bob().password.as_deref(), Some(HASH));
}

#[test]
fn who_was_changed_since_the_preview_is_not_changed() {
    let web = Web::with_admin();
    let mut root = web.logged_in("root");
    let text = dump(&[&user("bob", ", \"quota_size\": 2048"), &user("new", "")]);
    let import = send(&mut root, &text, &["update"]);
    let bob = web.service.bob();
    let change = |draft: &mut sftpgo_core::UserDraft| {
        draft.quota_files = 7;
        Ok(())
    };
    web.service
        .accounts
        .update(&actor("root"), bob.id, change)
        .unwrap();
    confirm(&mut root, &import)
        .shows("Failed <span class=\"count\">1</span>")
        .shows("somebody else changed this user since the import was shown")
        .shows("Added <span class=\"count\">1</span>");
    let bob = web.service.bob();
    assert_eq!((bob.quota_size, bob.quota_files), (1 << 30, 7));
}

#[test]
fn what_is_no_dump_is_refused_with_its_fault() {
    let web = Web::with_admin();
    let mut root = web.logged_in("root");
    for (text, fault) in [
        ("", "Choose the file of a dump first."),
        ("{\"users\": [", "is not a dump: EOF while parsing"),
        ("{}", "missing field `users`"),
    ] {
        let form = [("dump", text)];
        let page = root.submit_from("/web/maintenance", "/web/maintenance/import", &form);
        assert_eq!(page.status, 400);
        page.shows(fault);
    }
}

#[test]
fn a_file_comes_as_browsers_send_it() {
    let web = Web::with_admin();
    let mut root = web.logged_in("root");
    let csrf = root.open("/web/maintenance").value("csrf_token");
    let multipart = |csrf: &str, dump: &str| {
        format!(
            "--x\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{csrf}\r\n\
             --x\r\nContent-Disposition: form-data; name=\"dump\"; filename=\"a.json\"\r\n\
             Content-Type: application/json\r\n\r\n{dump}\r\n--x--\r\n"
        )
    };
    let headers = [("Content-Type", "multipart/form-data; boundary=x")];
    let path = "/web/maintenance/import";
    // Longer than any other form may be.
    let text = dump(&[&user("new", "")]) + &" ".repeat(2 << 20);
    let page = root.send("POST", path, &multipart(&csrf, &text), &headers);
    assert_eq!(page.status, 303, "{}", page.text());
    let import = page.header("location").to_owned();
    root.open(&import).shows("<b>new</b>");
    let forged = root.send("POST", path, &multipart("forged", &text), &headers);
    assert_eq!(forged.status, 403);
    let large = text.clone() + &" ".repeat(10 << 20);
    let page = root.send("POST", path, &multipart(&csrf, &large), &headers);
    assert_eq!(page.status, 413);
    page.shows("The dump is larger than 10.0 MiB");
    let mut nobody = web.browser();
    let page = nobody.send("POST", path, &multipart(&csrf, &text), &headers);
    assert_eq!(
        page.status, 413,
        "who has not logged in sends no large body"
    );
}

#[test]
fn an_import_is_of_its_admin_and_needs_what_adding_users_needs() {
    let web = Web::with_admin();
    let mut root = web.logged_in("root");
    let text = dump(&[&user("new", "")]);
    let import = send(&mut root, &text, &[]);
    web.add_admin("adder", &["view_users", "add_users"]);
    let mut adder = web.logged_in("adder");
    assert_eq!(adder.open(&import).status, 404);
    let form = [("dump", text.as_str()), ("update", "on")];
    let page = adder.submit_from("/web/maintenance", "/web/maintenance/import", &form);
    assert_eq!(page.status, 403);
    adder.open("/web/maintenance").hides("name=\"update\"");
    let own = send(&mut adder, &text, &[]);
    confirm(&mut adder, &own).shows("Added <span class=\"count\">1</span>");
    web.add_admin("viewer", &["view_users"]);
    let mut viewer = web.logged_in("viewer");
    let form = [("dump", text.as_str())];
    let page = viewer.submit_from("/web/users", "/web/maintenance/import", &form);
    assert_eq!(page.status, 403);
    // A form of nobody's page does nothing.
    let import = send(&mut root, &dump(&[&user("newer", "")]), &[]);
    assert_eq!(root.submit(&import, &[]).status, 403);
    assert!(web.service.accounts.by_name("newer").is_err());
}
