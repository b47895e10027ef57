//! curl, which speaks SFTP by libssh2.

use std::{fs, process::Command};

use serde_json::json;
use sftpgo_e2e::{Outcome, Server, assert_5000_names, assert_same, make_5000_names, noise, run};

/// Runs curl for a path in the home.
fn curl(server: &Server, path: &str, arguments: &[&str]) -> Outcome {
    run(
        server,
        Command::new("curl")
            .args(["-sS", "--insecure", "-u", "bob:secret"])
            .args(arguments)
            .arg(format!("sftp://127.0.0.1:{}/~/{path}", server.sftp_port)),
    )
}

#[test]
fn uploads_downloads_and_resumes_each_way() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let data = noise(5 << 20);
    fs::write(server.path("l"), &data).unwrap();
    let protocols = run(&server, Command::new("curl").arg("--version")).text;
    assert!(
        protocols.contains(" sftp"),
        "this curl does not speak SFTP: {protocols}"
    );
    curl(&server, "d/r", &["-T", "l", "--ftp-create-dirs"]).assert_ok();
    curl(&server, "d/r", &["-o", "b"]).assert_ok();
    assert_same(&server.path("l"), &server.path("b"));

    fs::write(server.path("b"), &data[..2_000_000]).unwrap();
    curl(&server, "d/r", &["-C", "-", "-o", "b"]).assert_ok();
    assert_same(&server.path("l"), &server.path("b"));
    let remote = server.home("bob").join("d/r");
    fs::write(&remote, &data[..3_000_000]).unwrap();
    curl(&server, "d/r", &["-C", "-", "-T", "l"]).assert_ok();
    assert_same(&server.path("l"), &remote);
    let part = curl(&server, "d/r", &["-r", "1000-1999", "-o", "part"]);
    part.assert_ok();
    assert!(fs::read(server.path("part")).unwrap() == data[1000..2000]);
}

#[test]
fn appends_to_what_is_there_and_to_what_is_not() {
    for mode in ["0", "1", "2"] {
        let server = Server::start_with(&[("SFTPGO_SFTPD__UPLOAD_MODE", mode)]);
        server.add_user("bob", &json!({}));
        for line in ["one", "two", "three"] {
            fs::write(server.path("l"), line).unwrap();
            curl(&server, "log", &["--append", "-T", "l"]).assert_ok();
        }
        let log = fs::read_to_string(server.home("bob").join("log")).unwrap();
        assert_eq!(log, "onetwothree", "upload_mode {mode}");
    }
}

#[test]
fn lists_and_sends_commands() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let quote = |command: &str| curl(&server, "", &["-Q", command]);
    fs::write(server.path("l"), "x").unwrap();
    curl(&server, "f", &["-T", "l"]).assert_ok();
    for command in [
        "mkdir d",
        "rename f d/g",
        "chmod 600 d/g",
        "ln d/g link",
        "rm link",
        "pwd",
    ] {
        quote(command).assert_ok();
    }
    let listed = curl(&server, "d/", &[]).assert_ok();
    let line = listed.lines().find(|line| line.ends_with(" g")).unwrap();
    assert!(line.starts_with("-rw-------"), "{listed}");
    assert!(!quote("rmdir d").ok, "a directory that is not empty");
    quote("rm d/g").assert_ok();
    quote("rmdir d").assert_ok();
    make_5000_names(&server.home("bob"));
    let names = curl(&server, "", &["--list-only"]).assert_ok();
    assert_5000_names(&names);
}
