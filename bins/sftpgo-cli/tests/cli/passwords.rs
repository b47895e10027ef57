//! What is asked at a terminal.

use serde_json::json;

use crate::{
    fake::{Fake, answer, binary, outcome, user},
    terminal::Terminal,
};

fn type_passwords(terminal: &mut Terminal, first: &str, second: &str) {
    for (prompt, password) in [("Password for bob: ", first), ("The same again: ", second)] {
        terminal.wait_for(prompt);
        terminal.wait_until_hidden();
        terminal.type_line(password);
    }
}

#[test]
fn a_new_users_password_is_asked_for_twice_and_not_shown() {
    let fake = Fake::answering([(200, user(7, "bob"))]);
    let mut terminal = Terminal::run(&fake, "user add bob");
    type_passwords(&mut terminal, "s3cret", "s3cret");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(fake.requests()[0].body["password"], "s3cret");
}

/// 0.0.0.0 is this machine to the system, and no loopback address.
#[test]
fn a_password_in_clear_to_another_host_is_warned_of_before_it_is_sent() {
    let add = ["user", "add", "bob", "--password-stdin"];
    let to = |server: &str, arguments: &[&str]| {
        let mut command = binary();
        command.args(["--server", server]).args(arguments);
        outcome(command, "s3cret\n").stderr
    };
    // Nobody is there: what was said was said before.
    let said = to("http://0.0.0.0:1", &add);
    let warned = said.find("note: a password goes to http://0.0.0.0:1 without encryption");
    assert!(
        warned.unwrap() < said.find("cannot reach").unwrap(),
        "{said}"
    );
    for (server, arguments) in [
        ("http://127.0.0.1:1", &add[..]),
        ("https://0.0.0.0:1", &add),
        ("http://0.0.0.0:1", &["user", "list"]),
        (
            "http://0.0.0.0:1",
            &["user", "update", "--id", "1", "--status", "0"],
        ),
    ] {
        let said = to(server, arguments);
        assert!(!said.contains("without encryption"), "{server}: {said}");
    }
    let fake = Fake::answering([(200, user(7, "bob"))]);
    let server = fake.url.replace("127.0.0.1", "0.0.0.0");
    assert_eq!(to(&server, &add).matches("note: ").count(), 1);
    assert_eq!(fake.requests()[0].body["password"], "s3cret");
}

#[test]
fn passwords_that_differ_change_nothing() {
    let fake = Fake::answering([(200, json!([user(7, "bob")]))]);
    let mut terminal = Terminal::run(&fake, "user update bob --set-password");
    type_passwords(&mut terminal, "s3cret", "s3crte");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("differ"), "{shown}");
    assert_eq!(fake.requests().len(), 1);
}

#[test]
fn a_changed_password_is_sent_alone() {
    let fake = Fake::answering([
        (200, json!([user(7, "bob")])),
        answer(200, "User updated", ""),
    ]);
    let mut terminal = Terminal::run(&fake, "user update bob --set-password");
    type_passwords(&mut terminal, "n3w", "n3w");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(fake.requests()[1].body, json!({"password": "n3w"}));
}

#[test]
fn a_key_needs_no_password() {
    let files = tempfile::TempDir::new().unwrap();
    let key = files.path().join("bob.pub");
    std::fs::write(&key, "ssh-ed25519 AAAA\n").unwrap();
    let fake = Fake::answering([(200, user(7, "bob"))]);
    let arguments = format!("user add bob --public-key '{}'", key.display());
    let (code, shown) = Terminal::run(&fake, &arguments).end();
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(fake.requests()[0].body.get("password"), None);
}

#[test]
fn only_a_yes_deletes() {
    for (typed, code, requests) in [("y", 0, 2), ("YES", 0, 2), ("n", 1, 1), ("", 1, 1)] {
        let fake = Fake::answering([
            (200, json!([user(7, "bob")])),
            answer(200, "User deleted", ""),
        ]);
        let mut terminal = Terminal::run(&fake, "user delete bob");
        terminal.wait_for("Delete user bob (id 7)? The files stay. [y/N] ");
        terminal.type_line(typed);
        let (ended, shown) = terminal.end();
        assert_eq!(ended, Some(code), "{typed}: {shown}");
        assert_eq!(fake.requests().len(), requests, "{typed}: {shown}");
    }
}
