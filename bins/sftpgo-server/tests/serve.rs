//! The running server: its first words, REST, actions, signals.

mod common;

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    time::{Duration, SystemTime},
};

use common::Server;
use rustix::process::Signal;
use serde_json::json;
use sftpgo_core::policy::UPLOAD_TEMPORARY_PREFIX;
use sftpgo_test_support::wait_for;

#[test]
fn a_first_start_makes_everything_and_says_where_it_is() {
    let mut server = Server::start(&[]);
    let directory = server.directory.path();
    let welcome = &server.welcome;
    for expected in [
        server.sftp.to_string(),
        format!("http://{}/api/v1", server.rest),
        format!("no file in {}", directory.display()),
        directory.join("sftpgo.db").display().to_string(),
        directory.join("sftpgo.log").display().to_string(),
        directory.join("id_ed25519").display().to_string(),
        format!(
            "sftpgo-cli --server http://{} user add alice --home-dir /",
            server.rest
        ),
        format!("sftp -P {} alice@{}", server.sftp.port(), server.sftp.ip()),
    ] {
        assert!(welcome.contains(&expected), "{expected} in {welcome}");
    }
    assert_eq!(welcome.matches("SHA256:").count(), 3);

    let mut first = [0; 8];
    let mut stream = TcpStream::connect(server.sftp).unwrap();
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"SSH-2.0-");

    let user = server.add_user(&json!({
        "username": "alice", "password": "secret", "home_dir": "/srv/alice", "permissions": ["*"]
    }));
    assert_eq!(user["id"], 1);
    assert!(server.get("/api/v1/user").contains("\"alice\""));
    assert!(
        server
            .get("/metrics")
            .contains("\nsftpgo_dataprovider_availability 1\n")
    );

    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_end(), Some(0));
    let names: Vec<_> = fs::read_dir(server.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("sftpgo.db"))
        .collect();
    assert_eq!(names, ["sftpgo.db"], "the database is closed");
    let log = server.log();
    let has = |sender: &str, message: &str| {
        log.iter()
            .any(|line| line["sender"] == sender && line["message"] == message)
    };
    assert!(has("server", "started") && has("users", "user added") && has("server", "stopped"));
    assert!(
        log.iter()
            .any(|line| line["sender"] == "httpd" && line["resp_status"] == 200)
    );
    assert!(!serde_json::to_string(&log).unwrap().contains("secret"));
}

#[test]
fn users_survive_a_restart() {
    let mut server = Server::start(&[]);
    server.add_user(&json!({
        "username": "alice", "password": "secret", "home_dir": "/srv/alice", "permissions": ["list"]
    }));
    server.signal(Signal::INT);
    assert_eq!(server.wait_for_end(), Some(0));
    let directory = std::mem::replace(&mut server.directory, tempfile::tempdir().unwrap());
    let again = Server::start_in(directory, &[]);
    assert!(again.get("/api/v1/user").contains("\"alice\""));
}

#[test]
fn unfinished_uploads_of_an_earlier_run_are_removed() {
    let mut server = Server::start(&[]);
    let home = server.directory.path().join("home");
    server.add_user(&json!({
        "username": "alice", "password": "secret", "home_dir": home, "permissions": ["*"]
    }));
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_end(), Some(0));
    fs::create_dir(&home).unwrap();
    let finished = home.join("finished");
    let prefix = String::from_utf8(UPLOAD_TEMPORARY_PREFIX.to_vec()).unwrap();
    let unfinished = home.join(format!("{prefix}0123"));
    for path in [&finished, &unfinished] {
        let file = fs::File::create(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60))
            .unwrap();
    }
    let directory = std::mem::replace(&mut server.directory, tempfile::tempdir().unwrap());
    let again = Server::start_in(directory, &[]);
    again.wait_for_line(|line| {
        line["message"] == "unfinished uploads of an earlier run were removed: 1"
    });
    assert!(finished.exists() && !unfinished.exists());
}

#[test]
fn a_log_can_go_to_standard_error() {
    let mut server = Server::start(&[("SFTPGO_LOG_FILE_PATH", "")]);
    let said = server.wait_for_complaint("\"message\":\"started\"");
    let line = said.lines().last().unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "info");
    assert!(!server.directory.path().join("sftpgo.log").exists());
}

#[test]
fn rest_open_to_others_is_warned_of() {
    let mut closed = Server::start(&[("SFTPGO_HTTPD__BIND_ADDRESS", "")]);
    let said = closed.wait_for_complaint("\n");
    assert!(
        said.contains("answers nobody until there is an admin"),
        "{said}"
    );
    let mut server = Server::start(&[
        ("SFTPGO_HTTPD__BIND_ADDRESS", ""),
        ("SFTPGO_HTTPD__INSECURE_NO_AUTH", "true"),
    ]);
    let said = server.wait_for_complaint("\n");
    assert!(
        said.starts_with("WARNING: the REST API listens on ")
            && said.contains("WITHOUT AUTHENTICATION"),
        "{said}"
    );
    assert!(
        server.welcome.contains("http://127.0.0.1:"),
        "{}",
        server.welcome
    );
    assert!(server.log().iter().any(|line| line["level"] == "warn"));
}

#[test]
fn rest_can_be_off_and_users_in_memory() {
    let mut server = Server::start(&[
        ("SFTPGO_HTTPD__BIND_PORT", "0"),
        ("SFTPGO_DATA_PROVIDER__DRIVER", "memory"),
    ]);
    assert!(server.welcome.contains("off (httpd.bind_port is 0)"));
    assert!(
        server
            .wait_for_complaint("memory")
            .starts_with("WARNING: users are kept in memory")
    );
    assert!(TcpStream::connect(server.rest).is_err());
    assert!(!server.directory.path().join("sftpgo.db").exists());
}

#[test]
fn a_client_is_known_by_its_ipv4_address_on_a_socket_for_both() {
    let server = Server::start(&[
        ("SFTPGO_SFTPD__BIND_ADDRESS", ""),
        ("SFTPGO_HTTPD__BIND_ADDRESS", ""),
        ("SFTPGO_HTTPD__INSECURE_NO_AUTH", "true"),
    ]);
    server.get("/api/v1/version");
    let request = server.wait_for_line(|line| line["sender"] == "httpd");
    let remote = request["remote_addr"].as_str().unwrap();
    assert!(remote.starts_with("127."), "{request}");

    drop(TcpStream::connect((Ipv4Addr::LOCALHOST, server.sftp.port())).unwrap());
    let failed = server.wait_for_line(|line| line["sender"] == "connection_failed");
    assert_eq!(failed["client_ip"], "127.0.0.1");
    assert_eq!(failed["login_type"], "no_auth_tryed");
}

#[test]
fn as_many_open_files_as_allowed() {
    let server = Server::start(&[]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let mut numbers = line
        .split_whitespace()
        .skip(3)
        .map(|number| number.parse().unwrap_or(u64::MAX));
    let (soft, hard) = (numbers.next().unwrap(), numbers.next().unwrap());
    assert!(soft >= hard.min(1 << 20), "{line}");
}

#[test]
fn a_hang_up_opens_the_log_again_and_changes_nothing_else() {
    let mut server = Server::start(&[]);
    let log = server.directory.path().join("sftpgo.log");
    let moved = log.with_extension("1");
    fs::rename(&log, &moved).unwrap();
    server.signal(Signal::HUP);
    wait_for("a new log", || log.exists());
    server.wait_for_line(|line| {
        line["message"]
            .as_str()
            .is_some_and(|said| said.contains("SIGHUP"))
    });
    assert!(!fs::read_to_string(&moved).unwrap().contains("SIGHUP"));
    assert_eq!(server.get("/api/v1/connection"), "[]");
    assert!(server.is_running());
}

#[test]
fn sigusr1_puts_the_log_aside() {
    let mut server = Server::start(&[]);
    server.wait_for_line(|line| line["message"] == "started");
    server.signal(Signal::USR1);
    let directory = server.directory.path().to_owned();
    let logs = || {
        let names = fs::read_dir(&directory).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut logs: Vec<_> = names.filter(|name| name.ends_with(".log")).collect();
        logs.sort();
        logs
    };
    wait_for("a second log", || logs().len() == 2);
    let aside = fs::read_to_string(directory.join(&logs()[0])).unwrap();
    assert!(aside.contains("started") && !aside.contains("SIGUSR1"));
    assert!(server.is_running());
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = Server::start(&[]);
    // A request that never ends keeps an orderly end waiting.
    let mut stream = TcpStream::connect(server.rest).unwrap();
    stream
        .write_all(b"POST /api/v1/user HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    server.get("/api/v1/version");
    server.signal(Signal::TERM);
    server.wait_for_complaint("Stopping");
    assert!(server.is_running());
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_end(), Some(1));
}

#[test]
fn a_change_of_a_user_runs_the_action() {
    let directory = tempfile::tempdir().unwrap();
    let hook = directory.path().join("hook");
    let seen = directory.path().join("seen");
    fs::write(
        &hook,
        format!(
            "#!/bin/sh\necho \"$@\" > {}.new\nmv {0}.new {0}\n",
            seen.display()
        ),
    )
    .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o700)).unwrap();
    let server = Server::start_in(
        directory,
        &[
            ("SFTPGO_DATA_PROVIDER__ACTIONS__COMMAND", "hook"),
            ("SFTPGO_DATA_PROVIDER__ACTIONS__EXECUTE_ON", "add"),
            ("SFTPGO_DATA_PROVIDER__USERS_BASE_DIR", "/srv/base"),
        ],
    );
    assert!(!server.welcome.contains("--home-dir"), "{}", server.welcome);
    server.add_user(&json!({"username": "bob", "password": "secret", "permissions": ["list"]}));
    wait_for("the action to run", || seen.exists());
    assert_eq!(
        fs::read_to_string(&seen).unwrap(),
        "add bob 1 1 0 /srv/base/bob 0 0\n"
    );
}

#[test]
fn an_ipv6_address_in_brackets_is_listened_on() {
    let free = TcpListener::bind("[::1]:0").unwrap();
    let rest = free.local_addr().unwrap();
    drop(free);
    let mut server = Server::start(&[
        ("SFTPGO_SFTPD__BIND_ADDRESS", "[::1]"),
        ("SFTPGO_SFTPD__BIND_PORT", "0"),
        ("SFTPGO_HTTPD__BIND_ADDRESS", "[::1]"),
        ("SFTPGO_HTTPD__BIND_PORT", &rest.port().to_string()),
    ]);
    let mut answer = ureq::get(format!("http://{rest}/api/v1/version"))
        .call()
        .unwrap();
    assert!(
        answer
            .body_mut()
            .read_to_string()
            .unwrap()
            .contains("version")
    );
    let sftp = server
        .welcome
        .lines()
        .find_map(|line| line.trim().strip_prefix("SFTP "))
        .unwrap();
    let mut greeting = [0; 4];
    TcpStream::connect(sftp.trim())
        .unwrap()
        .read_exact(&mut greeting)
        .unwrap();
    assert_eq!(&greeting, b"SSH-");
    assert!(
        server
            .welcome
            .contains(&format!(" --server 'http://{rest}' user add ")),
        "{}",
        server.welcome
    );
    // sftp takes what is behind a colon outside of brackets for a path.
    assert!(
        server.welcome.trim_end().ends_with(" alice@'[::1]'"),
        "{}",
        server.welcome
    );
    assert!(server.is_running());
}
