//! What each block of commands is to do. Where it has the paths and ports of an installation, it gets those of the test.

use std::{fs, net::TcpStream, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, make_key, sftp, ssh_options, wait_for};

use crate::{
    blocks::{Block, workspace},
    desk::Desk,
};

/// It ends well.
pub(crate) fn runs(block: &Block) {
    Desk::new().types(&block.text);
}

/// A server with its own directory answers.
pub(crate) fn serves(block: &Block) {
    let desk = Desk::new();
    let [sftp, http] = [(); 2].map(|()| sftpgo_test_ports::reserve());
    let mut server = desk
        .shell(&format!("exec {}", block.text))
        .env("SFTPGO_SFTPD__BIND_PORT", sftp.to_string())
        .env("SFTPGO_HTTPD__BIND_PORT", http.to_string())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the server to listen", || {
        assert_eq!(server.try_wait().unwrap(), None, "it ended");
        let listens = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        listens(sftp) && listens(http)
    });
    for name in ["sftpgo.db", "id_ed25519", "sftpgo.log"] {
        assert!(desk.path().join(name).exists(), "{name}");
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

/// Who is added logs in. That a password is asked for is in the command line's own tests.
pub(crate) fn adds_a_user(block: &Block) {
    let server = Server::start();
    let home = server.path("alice").display().to_string();
    let typed = block.with(&[("/tmp/alice\n", &home)]);
    Desk::of(&server).types(&format!("echo secret | {typed} --password-stdin"));
    sftp(&server, "alice", &[], "put askpass given\n").assert_ok();
    assert!(server.path("alice/given").exists());
}

/// Variables that the server understands.
pub(crate) fn is_a_configuration(block: &Block) {
    let desk = Desk::new();
    let keys = ["ed25519", "rsa"].map(|kind| {
        let key = desk.path().join(format!("ssh_host_{kind}_key"));
        make_key(kind, &key);
        fs::copy(&key, desk.path().join(format!("id_{kind}"))).unwrap();
        key.display().to_string()
    });
    let text = block
        .text
        .replace("/etc/ssh/ssh_host_ed25519_key", &keys[0])
        .replace("/etc/ssh/ssh_host_rsa_key", &keys[1]);
    desk.types(&format!("set -a\n{text}\nsftpgo-server check-config"));
}

pub(crate) fn checks_the_packages_configuration(block: &Block) {
    let desk = Desk::new();
    let packaged = workspace().join("packaging/debian/sftpgo.json");
    desk.types(&block.with(&[
        ("/var/lib/sftpgo", desk.path().to_str().unwrap()),
        ("/etc/sftpgo/sftpgo.json", packaged.to_str().unwrap()),
    ]));
}

pub(crate) fn installs_from_source(block: &Block) {
    let desk = Desk::new();
    let at = |name: &str| desk.path().join(name).display().to_string();
    fs::create_dir_all(at("installed")).unwrap();
    fs::create_dir_all(at("completions")).unwrap();
    desk.types(&block.with(&[
        ("target/release", &at("bin")),
        ("/usr/local/bin/", &at("installed")),
        ("/etc/bash_completion.d", &at("completions")),
        ("/usr/local/share/man/man1", &at("man")),
    ]));
    for name in [
        "installed/sftpgo-server",
        "completions/sftpgo-cli",
        "man/sftpgo-server-serve.1",
        "man/sftpgo-cli.1",
    ] {
        assert!(desk.path().join(name).exists(), "{name}");
    }
}

/// Makes an admin `root`, and returns what the shell needs to know of the server.
pub(crate) fn makes_the_first_admin(block: &Block) {
    set_up(block, &Server::start());
}

fn set_up(block: &Block, server: &Server) {
    let http = format!("http://127.0.0.1:{}", server.http_port);
    let typed = block.with(&[
        ("http://127.0.0.1:8080", &http),
        ("…", "correct horse battery"),
        ("curl ", "curl -sf "),
    ]);
    let made = Desk::of(server).types(&typed);
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["username"], "root");
    assert_eq!(server.rest("GET", "/api/v1/user", None).0, 401);
}

pub(crate) fn resets_an_admin(block: &Block) {
    let server = Server::start();
    let blocks = crate::all_blocks();
    let first = blocks
        .iter()
        .find(|(_, block)| block.begins_with("curl -H"));
    set_up(&first.unwrap().1, &server);
    let directory = server.path("").display().to_string();
    let said = Desk::of(&server).types(&block.with(&[("/var/lib/sftpgo", &directory)]));
    let password = said.split_whitespace().last().unwrap();
    let login = format!("curl -sf -u root:{password} $SFTPGO_URL/api/v2/token");
    assert!(Desk::of(&server).types(&login).contains("access_token"));
}

pub(crate) fn pings(block: &Block) {
    let server = Server::start();
    let directory = server.path("").display().to_string();
    let typed = block.with(&[("/var/lib/sftpgo", &directory)]);
    assert_eq!(Desk::of(&server).types(&typed), "ok\n");
}

/// A log with a line of a change in it is as it was written.
pub(crate) fn verifies_the_audit_log(block: &Block) {
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("audit.key");
    fs::write(&key, "0123456789abcdef".repeat(4)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let key = key.to_str().unwrap();
    let mut server = Server::start_with(&[
        ("SFTPGO_COMMON__AUDIT__FILE", "audit.log"),
        ("SFTPGO_COMMON__AUDIT__KEY_FILE", key),
    ]);
    server.add_user("alice", &json!({}));
    server.signal("TERM");
    server.wait();
    assert!(server.read("audit.log").contains("user added"));
    let directory = server.path("").display().to_string();
    let directory = directory.trim_end_matches('/');
    let typed = block.with(&[
        ("/etc/sftpgo/audit.key", key),
        ("/var/log/sftpgo", directory),
    ]);
    Desk::of(&server).types(&typed);
}

/// Exactly this is printed.
pub(crate) fn explains(block: &Block) {
    let server = Server::start();
    server.add_user("alice", &json!({"permissions": ["list", "upload"]}));
    fs::create_dir_all(server.home("alice").join("reports")).unwrap();
    fs::write(server.home("alice").join("reports/may.pdf"), "").unwrap();
    for shown in block.shown() {
        // Whoever may not is told so by the exit code, too.
        let typed = format!("{} || test $? = 4", shown.command);
        assert_eq!(Desk::of(&server).types(&typed), shown.output);
    }
}

pub(crate) fn reads_pages(block: &Block) {
    let server = Server::start();
    let key = make_key("ed25519", &server.path("key"));
    for number in 0..=500 {
        let username = format!("u{number:04}");
        server.add_user(&username, &json!({"password": null, "public_keys": [key]}));
    }
    let http = format!("http://127.0.0.1:{}", server.http_port);
    for shown in block.shown() {
        let typed = shown.command.replace("http://127.0.0.1:8080", &http);
        assert_eq!(Desk::of(&server).types(&typed), shown.output);
    }
}

pub(crate) fn backs_up(block: &Block) {
    let mut server = Server::start();
    server.add_user("alice", &json!({}));
    fs::write(server.path("sftpgo.json"), "{}").unwrap();
    let backups = server.path("backups").display().to_string();
    fs::create_dir(&backups).unwrap();
    let directory = server.path("").display().to_string();
    let typed = block.with(&[
        ("/var/lib/sftpgo", directory.trim_end_matches('/')),
        ("/var/backups", &backups),
    ]);
    Desk::of(&server).types(&typed);
    // And back again.
    server.kill();
    for name in ["sftpgo.db", "sftpgo.db-wal", "sftpgo.db-shm"] {
        let _ = fs::remove_file(server.path(name));
    }
    fs::copy(server.path("backups/sftpgo.db"), server.path("sftpgo.db")).unwrap();
    assert!(server.path("backups/id_ed25519").exists());
    server.restart();
    let (status, users) = server.rest("GET", "/api/v1/user", None);
    assert_eq!((status, &users[0]["username"]), (200, &json!("alice")));
}

/// After it bob may be only what it says.
pub(crate) fn changes_bob(block: &Block) {
    let server = Server::start();
    server.add_user("bob", &json!({"status": 0, "permissions": ["upload"]}));
    Desk::of(&server).types(&block.text);
    let (_, users) = server.rest("GET", "/api/v1/user", None);
    let named = block.text.split("--permission ").nth(1).unwrap();
    let named = named.split_whitespace().next().unwrap();
    let given = users[0]["permissions"].as_array().unwrap();
    assert_eq!(given.len(), named.split(',').count(), "{given:?}");
    assert!(
        given
            .iter()
            .all(|name| named.contains(name.as_str().unwrap()))
    );
}

pub(crate) fn previews_an_import(block: &Block) {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let desk = Desk::of(&server);
    let dump = workspace().join("bins/sftpgo-cli/tests/cli/dumps/sftpgo-0.9.json");
    fs::copy(dump, server.path("dump.json")).unwrap();
    let said = desk.types(&block.text);
    assert!(said.contains("uploader"), "{said}");
    let (_, users) = server.rest("GET", "/api/v1/user", None);
    assert_eq!(users.as_array().unwrap().len(), 1, "nothing is changed");
}

pub(crate) fn previews_accounts(block: &Block) {
    let server = Server::start();
    let desk = Desk::of(&server);
    let passwd = "root:x:0:0::/root:/bin/sh\ncarol:x:1001:1001::/home/carol:/bin/sh\n";
    fs::write(server.path("passwd"), passwd).unwrap();
    fs::write(
        server.path("shadow"),
        "root:*:1::::::\ncarol:$6$salt$hash:1::::::\n",
    )
    .unwrap();
    let said = desk.types(&block.with(&[("/etc/passwd", "passwd"), ("/etc/shadow", "shadow")]));
    assert!(said.contains("carol") && !said.contains("root"), "{said}");
}

/// A certificate, and a list by which it is revoked, as OpenSSH sees it too.
pub(crate) fn makes_certificates(block: &Block) {
    let desk = Desk::new();
    make_key("ed25519", &desk.path().join("id_ed25519"));
    let typed = block.with(&[("-t ed25519 -f user_ca ", "-q -N '' -t ed25519 -f user_ca ")]);
    desk.types(&typed);
    let shown = desk.types("ssh-keygen -L -f id_ed25519-cert.pub");
    assert!(shown.contains("alice's laptop"), "{shown}");
    let revoked = desk.types("ssh-keygen -Q -f revoked id_ed25519-cert.pub || true");
    assert!(revoked.contains("REVOKED"), "{revoked}");
}

/// Measuring takes long: each line is one that the program understands.
pub(crate) fn are_understood(block: &Block) {
    let desk = Desk::new();
    block.text.lines().for_each(|line| {
        desk.types(line);
    });
}

/// The package is built with the same.
pub(crate) fn names_features(block: &Block) {
    let features = block.text.split("--features ").nth(1).unwrap().trim();
    let build = fs::read_to_string(workspace().join("packaging/build")).unwrap();
    assert!(build.contains(features), "{features}");
}

/// A database of before is brought up to date; by now there are more migrations than are shown.
pub(crate) fn migrates(block: &Block) {
    let desk = Desk::new();
    let shown = block.shown();
    let [check, run] = &shown[..] else {
        panic!("{}", block.text);
    };
    let due = check.output.trim();
    desk.types(&format!(
        "sftpgo-server migrate --run
         until {{ {} || true; }} | grep -qx '{due}'; do sftpgo-server migrate --revert; done",
        check.command
    ));
    let found = desk.types(&format!("{} || test $? = 3", check.command));
    assert!(found.contains(due), "{found}");
    let said = desk.types(&run.command);
    for line in run.output.trim().lines() {
        assert!(said.contains(line), "{line} in {said}");
    }
}

/// What ssh-keygen says of a receipt of a file that is there.
pub(crate) fn gives_a_receipt(block: &Block) {
    let server = Server::start_with(&[("SFTPGO_SFTPD__RECEIPTS", "true")]);
    let key = make_key("ed25519", &server.path("key"));
    server.add_user("alice", &json!({ "public_keys": [key] }));
    fs::create_dir_all(server.home("alice").join("reports")).unwrap();
    fs::write(server.home("alice").join("reports/a.csv"), "content").unwrap();
    let shown = block.shown();
    let typed: Vec<_> = shown.iter().map(|shown| shown.command.as_str()).collect();
    let port = server.sftp_port;
    let options = ssh_options().join(" ");
    let typed = typed.join("\n").replace(
        "ssh -p 2022 alice@files.example.org",
        &format!("ssh {options} -i key -p {port} alice@127.0.0.1"),
    );
    let said = Desk::of(&server).types(&typed);
    assert!(
        said.contains("Good \"receipt@sftpgo-rs.github.io\""),
        "{said}"
    );
}

/// What ssh-keygen says of one that an admin has saved.
pub(crate) fn saves_a_receipt(block: &Block) {
    let server = Server::start_with(&[("SFTPGO_SFTPD__RECEIPTS", "true")]);
    server.add_user("alice", &json!({}));
    fs::create_dir_all(server.home("alice").join("reports")).unwrap();
    fs::write(server.home("alice").join("reports/a.csv"), "content").unwrap();
    let desk = Desk::of(&server);
    desk.types(
        "echo 'correct horse battery' > password
sftpgo-cli admin add root --setup-code-file setup-code --password-file password
sftpgo-cli login --username root --password-file password
echo \"files.example.org $(ssh-keygen -y -f id_ed25519)\" > signers",
    );
    let shown = block.shown();
    let typed: Vec<_> = shown.iter().map(|shown| shown.command.as_str()).collect();
    let said = desk.types(&typed.join("\n"));
    for line in shown.iter().flat_map(|shown| shown.output.lines()) {
        assert!(said.contains(line), "{line} in {said}");
    }
    assert!(
        said.contains("Good \"receipt@sftpgo-rs.github.io\""),
        "{said}"
    );
}
