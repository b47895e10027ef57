//! Fail2ban over the server's real log: who is banned, and that a name can neither ban another nor hide.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{fs, process::Command};

use serde_json::json;
use sftpgo_e2e::{Server, make_key, python, sftp_with_key, wait_for};

/// The expression of the filter that SFTPGo ships: the keys of a line in this order, and a text at its end.
const SFTPGO: &str = r#"[Definition]
failregex = ^.*"sender":"connection_failed","client_ip":"<HOST>","username":".*","login_type":"password".*"}$
"#;
/// What is shipped.
const FILTER: &str = include_str!("../../packaging/fail2ban/filter.d/sftpgo.conf");
const JAIL: &str = include_str!("../../packaging/fail2ban/jail.d/sftpgo.conf");
/// What people try, or what would be taken for other fields where names were not escaped.
const NAMES: [&str; 4] = [
    "bob",
    "nobody",
    r#"x","login_type":"password","sender":"connection_failed","client_ip":"203.0.113.9"#,
    "2001-01-01T00:00:00.000Z",
];

#[test]
fn sftpgos_filter_and_the_documented_one_find_who_guesses_passwords() {
    let server = Server::start();
    let line = make_key("ed25519", &server.path("key"));
    make_key("ed25519", &server.path("unknown"));
    server.add_user("bob", &json!({ "public_keys": [line] }));
    let script = format!(
        r#"
import os, paramiko
for name in {NAMES:?}:
    t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
    t.start_client()
    try:
        t.auth_password(name, "wrong", fallback=False)
        raise SystemExit(f"{{name}} is in")
    except paramiko.AuthenticationException:
        t.close()
"#
    );
    python(&server, &script).assert_ok();
    // Refused keys, and no failure at all.
    assert!(!sftp_with_key(&server, "bob", &server.path("unknown"), "ls\n").ok);
    sftp_with_key(&server, "bob", &server.path("key"), "ls\n").assert_ok();
    wait_for("the line of the login", || {
        !server.log_lines("login").is_empty()
    });

    let failed = server.log_lines("connection_failed");
    let of_kind = |kind| {
        failed
            .iter()
            .filter(|line| line["login_type"] == kind)
            .count()
    };
    assert_eq!(of_kind("password"), NAMES.len(), "{failed:?}");
    assert_eq!(found(&server, SFTPGO), vec!["127.0.0.1"; NAMES.len()]);

    let both = of_kind("password") + of_kind("public_key");
    assert!(of_kind("public_key") > 0);
    assert_eq!(found(&server, FILTER), vec!["127.0.0.1"; both]);
    // As Fail2ban has lines of the journal.
    let log = server.read("sftpgo.log");
    let journal: String = log
        .lines()
        .map(|line| format!("files sftpgo-server[812]: {line}\n"))
        .collect();
    fs::write(server.path("sftpgo.log"), journal).unwrap();
    assert_eq!(found(&server, FILTER), vec!["127.0.0.1"; both]);
}

#[test]
fn the_documentation_has_the_filter_and_the_jail_that_are_shipped() {
    let documentation = include_str!("../../docs/operations.md");
    let without_comments = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| format!("{line}\n"))
            .collect::<String>()
            .trim_start()
            .to_owned()
    };
    for shipped in [FILTER, JAIL] {
        let shipped = without_comments(shipped);
        assert!(
            documentation.contains(&format!("```ini\n{shipped}```")),
            "{shipped}"
        );
    }
}

#[test]
fn fail2ban_takes_the_jail() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("fail2ban");
    let copied = Command::new("cp")
        .args(["-r", "/etc/fail2ban"])
        .arg(&config)
        .status();
    assert!(
        copied
            .expect("run ./test, which installs Fail2ban")
            .success()
    );
    fs::write(config.join("filter.d/sftpgo.conf"), FILTER).unwrap();
    // The other jails of the distribution want logs that are not here.
    fs::remove_file(config.join("jail.d/defaults-debian.conf")).unwrap();
    fs::write(config.join("jail.d/sftpgo.conf"), JAIL).unwrap();
    let tested = Command::new("fail2ban-client")
        .arg("-c")
        .arg(&config)
        .args(["-t", "-vv"])
        .output()
        .unwrap();
    assert!(tested.status.success(), "{tested:?}");
    let said = String::from_utf8_lossy(&[tested.stdout, tested.stderr].concat()).into_owned();
    assert!(said.contains("sftpgo"), "{said}");
}

/// The addresses that Fail2ban finds in the log with `filter`, one for each line that counts.
fn found(server: &Server, filter: &str) -> Vec<String> {
    let path = server.path("filter.conf");
    fs::write(&path, filter).unwrap();
    let output = Command::new("fail2ban-regex")
        .args(["--out", "ip"])
        .arg(server.path("sftpgo.log"))
        .arg(&path)
        .output()
        .expect("run ./test, which installs Fail2ban");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}
