//! Exit codes 1 and 3: the server says no, says nonsense, or says nothing.

use std::{io::Write, net::TcpListener, process::Stdio};

use serde_json::json;

use crate::fake::{Fake, answer, binary, http, outcome, user};

#[test]
fn the_servers_own_words_are_told() {
    let fake = Fake::answering([answer(400, "", "username: bob is taken")]);
    let complaint = fake
        .run_with(&["user", "add", "bob", "--password-stdin"], "secret")
        .failed(1);
    assert_eq!(complaint, "error: username: bob is taken (HTTP 400)\n");

    let fake = Fake::answering([answer(409, "Another scan is already in progress", "")]);
    let complaint = fake.run(&["quota", "scan", "bob"]).failed(1);
    assert_eq!(
        complaint,
        "error: Another scan is already in progress (HTTP 409)\n"
    );
}

#[test]
fn every_command_that_changes_tells_a_refusal() {
    let bob = || (200, json!([user(7, "bob")]));
    for (arguments, answers) in [
        (
            &["user", "update", "bob", "--uid=1"][..],
            vec![bob(), answer(403, "", "no")],
        ),
        (
            &["user", "delete", "bob", "--yes"],
            vec![bob(), answer(403, "", "no")],
        ),
        (
            &["user", "delete", "--id=9", "--yes"],
            vec![answer(404, "", "no")],
        ),
        (&["connection", "close", "x"], vec![answer(404, "", "no")]),
        (&["quota", "scan", "bob"], vec![answer(403, "", "no")]),
    ] {
        let fake = Fake::answering(answers.clone());
        let complaint = fake.run(arguments).failed(1);
        assert!(
            complaint.starts_with("error: no (HTTP 40"),
            "{arguments:?}: {complaint}"
        );
        assert_eq!(fake.requests().len(), answers.len(), "{arguments:?}");
    }
}

#[test]
fn nobody_else_is_taken_for_the_one_named() {
    for (arguments, found) in [
        (&["user", "show", "bob"][..], json!([])),
        (
            &["user", "update", "bob", "--uid=1"],
            json!([user(7, "Bob")]),
        ),
        (
            &["user", "delete", "bob", "--yes"],
            json!([user(7, "bob2")]),
        ),
    ] {
        let fake = Fake::answering([(200, found), answer(200, "done", "")]);
        let complaint = fake.run(arguments).failed(1);
        assert_eq!(complaint, "error: no user is named bob\n");
        assert_eq!(fake.requests().len(), 1, "{arguments:?}");
    }
}

#[test]
fn a_server_that_is_not_sftpgo_is_no_success() {
    for said in [
        http(200, "<html>Welcome</html>"),
        http(200, "{}"),
        http(200, "[]"),
        http(404, "<html>Not here</html>"),
        http(302, ""),
        "SSH-2.0-Whatever\r\n".to_owned(),
    ] {
        let complaint = Fake::saying(vec![said.clone()]).run(&["version"]).failed(1);
        assert!(
            complaint.contains("http://127.0.0.1:"),
            "{said}: {complaint}"
        );
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    // The port of tcpmux, which no machine has run for decades.
    let url = "http://127.0.0.1:1";
    for arguments in [
        &["user", "list"][..],
        &["status"],
        &["version"],
        &["connection", "list"],
    ] {
        let mut command = binary();
        command.env("SFTPGO_URL", url).args(arguments);
        let complaint = outcome(command, "").failed(3);
        assert!(complaint.contains(url), "{complaint}");
        assert!(complaint.contains("SFTPGO_URL"), "{complaint}");
    }
}

#[test]
fn a_server_that_hangs_up_is_not_reached() {
    Fake::saying(vec![String::new()])
        .run(&["version"])
        .failed(3);
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n[{".to_owned();
    Fake::saying(vec![cut]).run(&["version"]).failed(3);
}

#[test]
fn the_option_goes_before_the_environment() {
    let fake = Fake::answering([(200, json!([]))]);
    let mut command = binary();
    command.env("SFTPGO_URL", "http://127.0.0.1:1").args([
        "quota",
        "list",
        "--server",
        &format!("{}/", fake.url),
    ]);
    outcome(command, "").done();
    assert_eq!(fake.request_lines(), ["GET /api/v1/quota_scan"]);
}

#[test]
fn no_proxy_stands_before_this_machine() {
    let fake = Fake::answering([(200, json!([]))]);
    let mut command = binary();
    command.env("SFTPGO_URL", &fake.url).args(["quota", "list"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:1");
    }
    command.env_remove("no_proxy").env_remove("NO_PROXY");
    outcome(command, "").done();
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = binary()
        .env(
            "SFTPGO_URL",
            format!("http://{}", listener.local_addr().unwrap()),
        )
        .args(["user", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(http(200, "[]").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stderr, b"", "{output:?}");
}
