//! Who may do what, how much, and what is left when a client disappears.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::Stdio,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::json;
use sftpgo_e2e::{noise, sftp, wait_for};

use super::ScpServer;

#[test]
fn scp_is_off_unless_it_is_switched_on() {
    let scp = ScpServer::with_settings(&[], &json!({}));
    fs::write(scp.server.path("l"), "x").unwrap();
    let outcome = scp.run(&["l", "@r"]);
    assert!(
        !outcome.ok
            && outcome
                .text
                .contains("This service allows SFTP connections only."),
        "{outcome:?}"
    );
}

#[test]
fn permissions_are_those_of_sftp() {
    let scp = ScpServer::with(&[], &json!({ "permissions": ["upload"] }));
    let (server, home) = (&scp.server, scp.server.home("bob"));
    fs::create_dir(home.join("d")).unwrap();
    fs::write(home.join("old"), "old").unwrap();
    fs::write(server.path("l"), "new").unwrap();
    fs::create_dir(server.path("tree")).unwrap();
    scp.run(&["l", "@d"]).assert_ok();
    for (arguments, message) in [
        (&["l", "@old"][..], "Permission denied: needs overwrite"),
        (&["-r", "tree", "@"], "Permission denied: needs create_dirs"),
        (&["@old", "b"], "Permission denied: needs download"),
        (&["-r", "@d", "b"], "Permission denied: needs download"),
        (&["@o*", "b"], "Permission denied: needs list"),
    ] {
        let outcome = scp.run(arguments);
        assert!(!outcome.ok && outcome.text.contains(message), "{outcome:?}");
    }
    assert_eq!(fs::read_to_string(home.join("old")).unwrap(), "old");
    let denied = scp.run(&["@../bob/../../../etc/passwd", "b"]);
    assert!(!denied.ok, "{denied:?}");
}

#[test]
fn what_is_uploaded_gets_its_mode_and_times_by_upload_alone() {
    let scp = ScpServer::with(&[], &json!({ "permissions": ["upload", "create_dirs"] }));
    let (server, home) = (&scp.server, scp.server.home("bob"));
    fs::create_dir(server.path("tree")).unwrap();
    fs::write(server.path("tree/f"), "x").unwrap();
    for (name, mode) in [("tree/f", 0o640), ("tree", 0o550)] {
        fs::set_permissions(server.path(name), fs::Permissions::from_mode(mode)).unwrap();
        let file = fs::File::open(server.path(name)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000))
            .unwrap();
    }
    scp.run(&["-r", "-p", "tree", "@"]).assert_ok();
    for (name, mode) in [("tree/f", 0o640), ("tree", 0o550)] {
        let found = fs::metadata(home.join(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, mode, "{name}");
        let modified = found.modified().unwrap().duration_since(UNIX_EPOCH);
        assert_eq!(modified.unwrap().as_secs(), 1_000_000, "{name}");
    }
    // A directory that was there before is somebody's already.
    fs::create_dir(home.join("there")).unwrap();
    fs::rename(server.path("tree"), server.path("there")).unwrap();
    let outcome = scp.run(&["-r", "-p", "there", "@"]);
    assert!(
        !outcome.ok && outcome.text.contains("needs chmod and chtimes"),
        "{outcome:?}"
    );
}

#[test]
fn past_the_quota_the_client_hears_why() {
    for mode in ["0", "1", "2"] {
        let quota = json!({ "quota_size": 100_000, "quota_files": 3 });
        let scp = ScpServer::with(&[("SFTPGO_SFTPD__UPLOAD_MODE", mode)], &quota);
        let (server, home) = (&scp.server, scp.server.home("bob"));
        fs::write(server.path("l"), noise(60_000)).unwrap();
        scp.run(&["l", "@a"]).assert_ok();
        let outcome = scp.run(&["l", "@b"]);
        assert!(
            !outcome.ok && outcome.text.contains("quota exceeded"),
            "{outcome:?}"
        );
        let usage: u64 = fs::read_dir(&home)
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(usage <= 100_000);
        assert_eq!(home.join("b").exists(), mode == "0");
        wait_for("the usage of what is left", || {
            server.rest("GET", "/api/v1/user/1", None).1["used_quota_size"] == usage
        });
    }
}

#[test]
fn a_client_that_is_killed_leaves_what_the_upload_mode_promises() {
    for (mode, is_old) in [("0", false), ("1", true), ("2", false)] {
        let scp = ScpServer::with(&[("SFTPGO_SFTPD__UPLOAD_MODE", mode)], &json!({}));
        let (server, home) = (&scp.server, scp.server.home("bob"));
        fs::write(home.join("f"), "old").unwrap();
        let mut client = scp
            .ssh_command(&["scp", "-t", "f"])
            .current_dir(server.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = client.stdin.take().unwrap();
        input.write_all(b"C0644 1000000 f\nnew data").unwrap();
        wait_for("the transfer to be listed", || {
            let listed = server.rest("GET", "/api/v1/connection", None).1;
            listed[0]["protocol"] == "SCP"
                && listed[0]["active_transfers"][0]["size"] == 8
                && listed[0]["active_transfers"][0]["path"] == "/f"
        });
        client.kill().unwrap();
        client.wait().unwrap();
        wait_for("the failed upload in the log", || {
            server
                .log_lines("Upload")
                .iter()
                .any(|line| line["error"].is_string() && line["protocol"] == "SCP")
        });
        let expected = if is_old { "old" } else { "new data" };
        assert_eq!(
            fs::read_to_string(home.join("f")).unwrap(),
            expected,
            "mode {mode}"
        );
        assert_eq!(fs::read_dir(&home).unwrap().count(), 1);
    }
}

#[test]
fn a_bandwidth_limit_holds_a_transfer_that_an_operator_can_end() {
    let limits = json!({ "upload_bandwidth": 1, "download_bandwidth": 1 });
    let scp = ScpServer::with(&[("SFTPGO_SFTPD__IDLE_TIMEOUT", "1")], &limits);
    let server = &scp.server;
    fs::write(server.path("l"), noise(4 << 20)).unwrap();
    fs::write(server.home("bob").join("r"), noise(4 << 20)).unwrap();
    for arguments in [&["l", "@up"][..], &["@r", "down"]] {
        let mut client = scp
            .command(arguments)
            .current_dir(server.path(""))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut id = String::new();
        wait_for("the transfer to be listed", || {
            let listed = server.rest("GET", "/api/v1/connection", None).1;
            id = listed[0]["connection_id"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            listed[0]["active_transfers"][0]["size"].as_u64() > Some(0)
        });
        assert_eq!(
            server
                .rest("DELETE", &format!("/api/v1/connection/{id}"), None)
                .0,
            200
        );
        assert!(!client.wait().unwrap().success());
        wait_for("the connection to be gone", || {
            server.rest("GET", "/api/v1/connection", None).1 == json!([])
        });
    }
}

#[test]
fn a_client_with_keep_alives_does_not_lose_a_slow_upload() {
    let scp = ScpServer::with(&[], &json!({ "upload_bandwidth": 500 }));
    let server = &scp.server;
    fs::write(server.path("l"), noise(4 << 20)).unwrap();
    let alive = ["-oServerAliveInterval=2", "-oServerAliveCountMax=2"];
    std::thread::scope(|scope| {
        let by_sftp = scope.spawn(|| sftp(server, "bob", &alive, "put l a\n"));
        let by_scp = scp
            .command(&[alive[0], alive[1], "l", "@b"])
            .current_dir(server.path(""))
            .status();
        assert!(by_scp.unwrap().success());
        by_sftp.join().unwrap().assert_ok();
    });
    for name in ["a", "b"] {
        assert_eq!(
            fs::read(server.home("bob").join(name)).unwrap(),
            noise(4 << 20)
        );
    }
}
