//! What `connection`, `quota`, `status`, `version` and `completions` ask and print.

use std::process::Command;

use serde_json::{Value, json};

use crate::fake::{Fake, answer, binary, outcome, user};

fn connections() -> Value {
    json!([
        {
            "username": "bob", "connection_id": "SFTP_1", "client_version": "SSH-2.0-OpenSSH_9.9",
            "remote_address": "10.0.0.9:4711", "connection_time": 1_798_761_600_000_i64,
            // Ahead of this clock, as a server's may be.
            "last_activity": 4_102_444_800_000_i64, "protocol": "SFTP",
            "active_transfers": [{
                "operation_type": "upload", "path": "/a/b\u{7}", "start_time": 1_798_761_601_000_i64,
                "size": 1536, "last_activity": 1_798_761_602_000_i64,
            }],
        },
        {
            "username": "carol", "connection_id": "SCP_2", "client_version": "", "remote_address": "[::1]:9",
            "connection_time": 1_798_761_600_000_i64, "last_activity": 4_102_444_800_000_i64,
            "protocol": "SCP", "active_transfers": [],
        },
    ])
}

fn version() -> Value {
    json!([{"version": "1.2.3", "build_date": "2026-11-01", "commit_hash": "abc123"}])
}

#[test]
fn connections_are_listed_with_their_transfers() {
    let fake = Fake::answering([(200, connections()), (200, connections()), (200, json!([]))]);
    assert_eq!(
        fake.run(&["connection", "list"]).done(),
        "\
CONNECTION  USER   PROTOCOL  FROM           CLIENT               SINCE                    IDLE  TRANSFERS
SFTP_1      bob    SFTP      10.0.0.9:4711  SSH-2.0-OpenSSH_9.9  2027-01-01 00:00:00 UTC  0 s   1
SCP_2       carol  SCP       [::1]:9        -                    2027-01-01 00:00:00 UTC  0 s   0

CONNECTION  TRANSFER  PATH       SO FAR   SINCE
SFTP_1      upload    /a/b\\u{7}  1.5 KiB  2027-01-01 00:00:01 UTC
"
    );
    let shown = fake.run(&["connection", "list", "--output=json"]).done();
    assert_eq!(
        serde_json::from_str::<Value>(&shown).unwrap(),
        connections()
    );
    assert_eq!(
        fake.run(&["connection", "list"]).done(),
        "No connections.\n"
    );
    assert_eq!(fake.request_lines(), ["GET /api/v1/connection"; 3]);
}

#[test]
fn a_connection_is_closed_by_its_id_whatever_that_holds() {
    let fake = Fake::answering([
        answer(200, "Connection closed", ""),
        answer(200, "Connection closed", ""),
    ]);
    let shown = fake.run(&["connection", "close", "../user/7?x#y"]).done();
    assert_eq!(shown, "Connection ../user/7?x#y is closed.\n");
    let shown = fake
        .run(&["connection", "close", "SFTP_1", "-o", "json"])
        .done();
    assert_eq!(
        serde_json::from_str::<Value>(&shown).unwrap(),
        answer(200, "Connection closed", "").1
    );
    assert_eq!(
        fake.request_lines(),
        [
            "DELETE /api/v1/connection/..%2Fuser%2F7%3Fx%23y",
            "DELETE /api/v1/connection/SFTP_1"
        ]
    );
}

#[test]
fn a_scan_is_started_and_listed() {
    let fake = Fake::answering([
        answer(201, "Scan started", ""),
        (
            200,
            json!([{"username": "bob", "start_time": 1_798_761_600_000_i64}]),
        ),
        (200, json!([])),
    ]);
    let shown = fake.run(&["quota", "scan", "bob"]).done();
    assert_eq!(shown, "The scan of bob has started.\n");
    assert_eq!(fake.requests()[0].line, "POST /api/v1/quota_scan");
    assert_eq!(fake.requests()[0].body, json!({"username": "bob"}));
    assert_eq!(
        fake.run(&["quota", "list"]).done(),
        "USER  SINCE\nbob   2027-01-01 00:00:00 UTC\n"
    );
    assert_eq!(
        fake.run(&["quota", "list"]).done(),
        "No scans are running.\n"
    );
}

#[test]
fn how_the_last_scan_ended_is_shown_and_is_the_exit_code() {
    for (unreadable, error, code) in [
        (json!([]), "", 0),
        (json!(["/d", "/e\u{7}"]), "", 5),
        (json!([]), "the home directory is not there", 1),
    ] {
        let ended = json!({
            "username": "bob", "start_time": 1_798_761_600_000_i64, "end_time": 1_798_761_601_000_i64,
            "unreadable": unreadable, "error": error,
        });
        let fake = Fake::answering([(200, json!([user(7, "bob")])), (200, json!([ended]))]);
        let shown = fake.run(&["quota", "last", "bob"]);
        assert_eq!(shown.code, Some(code), "{shown:?}");
        assert!(
            shown.stdout.contains("2027-01-01 00:00:01 UTC"),
            "{shown:?}"
        );
        assert_eq!(
            shown.stdout.contains("/d, /e\\u{7}"),
            code == 5,
            "{shown:?}"
        );
        assert!(shown.stdout.contains(error), "{shown:?}");
        assert_eq!(fake.requests()[1].line, "GET /api/v1/user/7/quota_scan");
    }
    let fake = Fake::answering([(200, json!([user(7, "bob")])), (200, json!([]))]);
    let shown = fake.run(&["quota", "last", "bob"]);
    assert_eq!(shown.code, Some(4), "{shown:?}");
    assert!(shown.stdout.starts_with("No scan of bob"), "{shown:?}");
}

#[test]
fn status_tells_how_the_server_is() {
    let answers = || {
        [
            (200, version()),
            (200, connections()),
            answer(200, "Alive", ""),
        ]
    };
    let fake = Fake::answering(answers());
    assert_eq!(
        fake.run(&["status"]).done(),
        "Server version  1.2.3\nData provider   Alive\nConnections     2\nTransfers       1\n"
    );
    let fake = Fake::answering(answers());
    let shown: Value = serde_json::from_str(&fake.run(&["status", "-o=json"]).done()).unwrap();
    assert_eq!(
        shown,
        json!({
            "provider": {"alive": true, "detail": "Alive"}, "version": version()[0],
            "connections": 2, "transfers": 1,
        })
    );
}

#[test]
fn status_shows_the_rest_when_the_database_is_gone() {
    let fake = Fake::answering([
        (200, version()),
        (200, json!([])),
        answer(500, "", "disk I/O error"),
    ]);
    let outcome = fake.run(&["status"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.stdout.contains("Connections     0\n"),
        "{outcome:?}"
    );
    assert_eq!(
        outcome.stderr,
        "error: the database does not answer: disk I/O error (HTTP 500)\n"
    );
}

#[test]
fn version_tells_both() {
    let fake = Fake::answering([(200, version()), (200, version())]);
    let ours = env!("CARGO_PKG_VERSION");
    assert_eq!(
        fake.run(&["version"]).done(),
        format!(
            "sftpgo-cli  {ours}\nServer      1.2.3\nBuilt       2026-11-01\nCommit      abc123\n"
        )
    );
    let shown: Value = serde_json::from_str(&fake.run(&["version", "-ojson"]).done()).unwrap();
    assert_eq!(shown, json!({"client": ours, "server": version()[0]}));
}

#[test]
fn completions_need_no_server() {
    for (shell, mark) in [
        ("bash", "complete -F _sftpgo__cli "),
        ("zsh", "#compdef sftpgo-cli"),
        ("fish", "complete -c sftpgo-cli"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[sftpgo-cli]"),
    ] {
        let mut command = binary();
        command.args(["gen", "completion", shell]);
        let script = outcome(command, "").done();
        assert!(script.contains(mark), "{shell}: {script}");
        assert!(script.contains("permission"), "{shell}: {script}");
        let mut command = binary();
        command.args(["completions", shell]);
        assert_eq!(outcome(command, "").done(), script);
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    let man = |place: &std::path::Path| {
        let mut command = binary();
        command.args(["gen", "man"]).arg(place);
        outcome(command, "")
    };
    assert_eq!(man(&pages).done(), "");
    for name in ["sftpgo-cli", "sftpgo-cli-user-add", "sftpgo-cli-gen-man"] {
        let page = std::fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}: {page}");
    }
    assert!(!pages.join("sftpgo-cli-completions.1").exists());
    let refused = man(&pages.join("sftpgo-cli.1"));
    assert_eq!(refused.code, Some(2), "{refused:?}");
}

#[test]
fn bash_completes_commands_options_and_values() {
    for (words, expected) in [
        (&["us"][..], "user"),
        (&["user", "de"], "delete"),
        (&["user", "add", "bob", "--quota-f"], "--quota-files"),
        (&["user", "add", "bob", "--permission", "over"], "overwrite"),
        (&["quota", "list", "--output", "j"], "json"),
    ] {
        // What bash calls the function with, and sets before.
        let script = r#"
            source <("$0" gen completion bash)
            COMP_WORDS=(sftpgo-cli "$@"); COMP_CWORD=$#
            function=$(complete -p sftpgo-cli | sed 's/.* -F \([^ ]*\) .*/\1/')
            "$function" sftpgo-cli "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            echo "${COMPREPLY[@]}"
        "#;
        let mut command = Command::new("bash");
        command
            .args(["-c", script, env!("CARGO_BIN_EXE_sftpgo-cli")])
            .args(words);
        assert_eq!(
            outcome(command, "").done().trim_end(),
            expected,
            "{words:?}"
        );
    }
}
