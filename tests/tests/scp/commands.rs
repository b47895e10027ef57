//! Commands of `ssh`, and rclone, which uses them.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::json;
use sftpgo_e2e::{make_tree, run, wait_for};

use super::ScpServer;

impl ScpServer {
    fn ssh(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut client = self
            .ssh_command(arguments)
            .current_dir(self.server.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = client.stdin.take().unwrap().write_all(input);
        client.wait_with_output().unwrap()
    }
}

#[test]
fn checksums_are_those_of_the_system() {
    let scp = ScpServer::new();
    let home = scp.server.home("bob");
    fs::create_dir(home.join("d")).unwrap();
    fs::write(home.join("d/a b"), "content").unwrap();
    fs::write(home.join("large"), vec![7; 5 << 20]).unwrap();
    for sum in ["md5sum", "sha1sum", "sha256sum", "sha384sum", "sha512sum"] {
        let expected = Command::new(sum)
            .args(["d/a b", "large"])
            .current_dir(&home)
            .output()
            .unwrap();
        let answered = scp.ssh(&[sum, "'d/a b'", "large"], b"");
        assert_eq!(answered.stdout, expected.stdout);
        assert!(answered.status.success() && answered.stderr.is_empty());
    }
    let answered = scp.ssh(&["md5sum"], b"abc\n");
    assert_eq!(answered.stdout, b"0bee89b07a248e27c83fc3d5951213c1  -\n");
    let answered = scp.ssh(&["sha1sum", "none"], b"");
    assert_eq!(answered.status.code(), Some(1));
    assert_eq!(
        answered.stderr,
        b"sha1sum: none: No such file or directory\n"
    );
    assert_eq!(scp.ssh(&["pwd"], b"").stdout, b"/\n");
    assert_eq!(scp.ssh(&["-t", "pwd"], b"").stdout, b"/\n");
    let answered = scp.ssh(&["cd", "d"], b"");
    assert!(answered.status.success() && answered.stdout.is_empty());
    // A checksum is no download.
    assert_eq!(scp.server.log_lines("Download").len(), 0);
}

#[test]
fn everything_else_is_refused_with_a_line_that_is_printed() {
    let scp = ScpServer::new();
    for arguments in [
        &["ls"][..],
        &[],
        &["-t", "sh"],
        &["-t"],
        &["sh", "-c", "id"],
        &["md5sum|id"],
        &["cd / && touch x"],
        &["pwd\nid"],
        &["pwd $(id)"],
        &["/usr/bin/md5sum", "f"],
        &["scp"],
    ] {
        let answered = scp.ssh(arguments, b"");
        let printed = String::from_utf8(answered.stderr).unwrap();
        let line = match arguments {
            ["scp"] => "scp: either -f or -t is needed",
            _ => "This service allows SFTP and SCP connections only.",
        };
        assert!(printed.contains(line), "{arguments:?}: {printed}");
        assert_eq!(answered.status.code(), Some(1), "{arguments:?}");
        assert!(answered.stdout.is_empty());
    }
}

#[test]
fn only_the_commands_that_are_enabled_run() {
    let settings = [("SFTPGO_SFTPD__ENABLED_SSH_COMMANDS", "pwd,sha256sum")];
    let scp = ScpServer::with_settings(&settings, &json!({}));
    assert!(scp.ssh(&["pwd"], b"").status.success());
    assert!(scp.ssh(&["sha256sum"], b"").status.success());
    let refused = scp.ssh(&["md5sum"], b"");
    assert_eq!(
        refused.stderr,
        b"This service allows SFTP connections only.\r\n"
    );
}

#[test]
fn a_running_command_is_listed_as_its_connection_and_ends_with_its_user() {
    let scp = ScpServer::new();
    let server = &scp.server;
    let mut client = scp
        .ssh_command(&["md5sum"])
        .current_dir(server.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    wait_for("the login", || !server.log_lines("login").is_empty());
    input.write_all(b"abc").unwrap();
    // No protocol of the list: what is listed is the connection, which has no session of those.
    let listed = || server.rest("GET", "/api/v1/connection", None).1;
    wait_for("the connection", || listed() != json!([]));
    let listed = listed();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed[0]["active_transfers"], json!([]), "{listed}");
    assert_eq!(server.rest("DELETE", "/api/v1/user/1", None).0, 200);
    assert!(!client.wait().unwrap().success());
}

#[test]
fn rclone_compares_by_checksum() {
    let scp = ScpServer::with_settings(&[], &json!({}));
    let server = &scp.server;
    make_tree(server);
    let remote = format!(
        ":sftp,host=127.0.0.1,port={},user=bob,key_file=key:up",
        server.sftp_port
    );
    let rclone = |arguments: &[&str]| {
        let mut command = Command::new("rclone");
        run(
            server,
            command.args(["--config", "/dev/null"]).args(arguments),
        )
    };
    rclone(&["copy", "tree", &remote]).assert_ok();
    for (hash, program) in [("md5", "md5sum"), ("sha1", "sha1sum")] {
        // Told how: here rclone 1.60 asks for checksums before it has found out. `check` finds out first.
        let told = remote.replace(":up", &format!(",{hash}sum_command={program}:up"));
        let listed = rclone(&["hashsum", hash, &told]).assert_ok();
        let mut listed: Vec<_> = listed.lines().collect();
        listed.sort_unstable();
        let expected = Command::new("sh")
            .args([
                "-c",
                &format!("find . -type f | sed 's,^./,,' | tr '\\n' '\\0' | xargs -0 {program}"),
            ])
            .current_dir(server.path("tree"))
            .output()
            .unwrap();
        let expected = String::from_utf8(expected.stdout).unwrap();
        let mut expected: Vec<_> = expected.lines().collect();
        expected.sort_unstable();
        assert_eq!(listed, expected, "{hash}");
    }
    let text = rclone(&["check", "--checksum", "tree", &remote]).assert_ok();
    assert!(!text.contains("hashes could not be checked"), "{text}");
    fs::write(server.home("bob").join("up/c/file 1"), "X").unwrap();
    let outcome = rclone(&["check", "--checksum", "tree", &remote]);
    assert!(
        !outcome.ok && outcome.text.contains("1 differences found"),
        "{outcome:?}"
    );
}
