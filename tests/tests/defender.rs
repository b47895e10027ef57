//! Addresses that guess are banned, and nobody else is: by real clients, each from an address of its own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{fs, process::Command};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, binary, make_key, python_command, sftp, ssh_options, wait_for};

const PASSWORD: &str = "correct horse battery";

/// A server that bans after four wrong passwords, and its admin, who comes from 127.0.0.1. That is the only address spared.
struct Defended {
    server: Server,
}

impl Defended {
    fn start() -> Self {
        let server = Server::start_with(&[
            ("SFTPGO_COMMON__DEFENDER__THRESHOLD", "4"),
            ("SFTPGO_COMMON__DEFENDER__SCORE_NO_AUTH", "1"),
        ]);
        server.add_user("alice", &json!({}));
        server.add_user("bob", &json!({"password": "another one"}));
        let code = fs::read_to_string(server.path("setup-code")).unwrap();
        let defended = Self { server };
        let root = json!({
            "username": "root", "password": PASSWORD, "status": 1, "permissions": ["*"],
        });
        let header = format!("X-SFTPGO-SETUP-CODE: {}", code.trim());
        let made = defended.curl(
            "127.0.0.1",
            &["-H", &header, "-d", &root.to_string()],
            "admins",
        );
        assert_eq!(made.0, 201, "{made:?}");
        let itself = json!({"ipornet": "127.0.0.1", "mode": 1}).to_string();
        let added = defended.as_root(&["-d", &itself], "iplists/2");
        assert_eq!(added.0, 201, "{added:?}");
        let loopback = defended.as_root(&["-X", "DELETE"], "iplists/2/127.0.0.0%2F8");
        assert_eq!(loopback.0, 200, "{loopback:?}");
        defended
    }

    /// A call of `/api/v2` from an address; status 0 where the connection was closed without an answer.
    fn curl(&self, from: &str, arguments: &[&str], path: &str) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}/api/v2/{path}", self.server.http_port);
        let output = Command::new("curl")
            .args(["-s", "--interface", from, "-w", "\n%{http_code}"])
            .args(arguments)
            .arg(url)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        let value = serde_json::from_str(body).unwrap_or_else(|_| body.into());
        (status.parse().unwrap(), value)
    }

    fn as_root(&self, arguments: &[&str], path: &str) -> (u16, Value) {
        let credentials = format!("root:{PASSWORD}");
        let arguments = [&["-u", &credentials], arguments].concat();
        self.curl("127.0.0.1", &arguments, path)
    }

    /// What the defender has of an address: a score, or a ban.
    fn host(&self, address: &str) -> Option<Value> {
        let (status, hosts) = self.as_root(&[], "defender/hosts");
        assert_eq!(status, 200, "{hosts}");
        let mut hosts = hosts.as_array().unwrap().iter();
        hosts.find(|host| host["ip"] == address).cloned()
    }

    #[track_caller]
    fn waits_for_score(&self, address: &str, score: u32) {
        wait_for("the score", || {
            self.host(address)
                .is_some_and(|host| host["score"] == score)
        });
    }

    #[track_caller]
    fn waits_for_ban(&self, address: &str) {
        wait_for("the ban", || {
            self.host(address)
                .is_some_and(|host| host["ban_time"].is_string())
        });
        let bans = self.server.log_lines("defender").into_iter();
        let bans = bans.filter(|line| line["event"] == "banned" && line["client_ip"] == address);
        assert_eq!(bans.count(), 1);
    }

    /// Does a login with the password `secret`, which is alice's and not bob's?
    fn logs_in(&self, username: &str, from: &str) -> bool {
        let bind = format!("-oBindAddress={from}");
        sftp(&self.server, username, &[&bind], "pwd\n").ok
    }
}

#[test]
fn guessing_passwords_bans_the_address_alone_until_an_operator_frees_it() {
    let defended = Defended::start();
    for tries in 1..4 {
        assert!(!defended.logs_in("bob", "127.0.0.2"));
        defended.waits_for_score("127.0.0.2", tries);
    }
    assert!(defended.logs_in("alice", "127.0.0.2"), "not banned yet");
    assert!(!defended.logs_in("bob", "127.0.0.2"));
    defended.waits_for_ban("127.0.0.2");
    assert!(!defended.logs_in("alice", "127.0.0.2"), "banned");
    assert!(defended.logs_in("alice", "127.0.0.3"), "another address");
    assert_eq!(defended.curl("127.0.0.2", &[], "version").0, 0);

    let key = defended.server.path("password");
    fs::write(&key, PASSWORD).unwrap();
    let types = |arguments: &[&str]| {
        let output = Command::new(binary("sftpgo-cli"))
            .args(arguments)
            .env(
                "SFTPGO_URL",
                format!("http://127.0.0.1:{}", defended.server.http_port),
            )
            .env("HOME", defended.server.path(""))
            .env_remove("XDG_CONFIG_HOME")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    types(&[
        "login",
        "--username",
        "root",
        "--password-file",
        key.to_str().unwrap(),
    ]);
    assert!(types(&["ban", "list"]).contains("127.0.0.2  until "));
    types(&["ban", "remove", "127.0.0.2"]);
    assert!(defended.logs_in("alice", "127.0.0.2"), "freed");
    types(&["ban", "add", "127.0.0.2"]);
    assert!(!defended.logs_in("alice", "127.0.0.2"), "refused");
    types(&["ban", "remove", "127.0.0.2"]);
    assert!(defended.logs_in("alice", "127.0.0.2"), "freed again");

    let told = |sender: &str, field: &str| {
        let lines = defended.server.log_lines(sender).into_iter();
        let changes = lines.filter(|line| line["by"] == "root" && line["by_type"] == "admin");
        let told = changes.map(|line| {
            format!(
                "{}: {}",
                line["message"].as_str().unwrap(),
                line[field].as_str().unwrap()
            )
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        told("defender", "host"),
        ["ban or score taken back: 127.0.0.2"]
    );
    assert_eq!(
        told("ip_lists", "entry"),
        [
            "list entry added: defender/127.0.0.1/32",
            "list entry deleted: defender/127.0.0.0/8",
            "list entry added: defender/127.0.0.2/32",
            "list entry deleted: defender/127.0.0.2/32",
        ]
    );
}

#[test]
fn names_that_nobody_has_count_more_and_an_address_that_is_spared_not_at_all() {
    let defended = Defended::start();
    assert!(!defended.logs_in("nobody", "127.0.0.2"));
    defended.waits_for_score("127.0.0.2", 2);
    for _ in 0..6 {
        assert!(!defended.logs_in("nobody", "127.0.0.1"));
    }
    assert!(defended.logs_in("alice", "127.0.0.1"));
    assert_eq!(defended.host("127.0.0.1"), None);
}

#[test]
fn the_keys_of_a_connection_count_once_and_not_at_all_before_the_right_one() {
    let defended = Defended::start();
    let server = &defended.server;
    let keys: Vec<_> = (0..3).map(|n| server.path(format!("key{n}"))).collect();
    let lines: Vec<_> = keys.iter().map(|key| make_key("ed25519", key)).collect();
    server_user(&defended, "carol", lines[2].trim());
    let offer = |from: &str, count: usize| {
        let mut ssh = Command::new("sftp");
        for key in &keys[..count] {
            ssh.arg("-i").arg(key);
        }
        let output = ssh
            .args(ssh_options())
            .args(["-oIdentitiesOnly=yes", "-oBatchMode=yes", "-b", "/dev/null"])
            .arg(format!("-oBindAddress={from}"))
            .args(["-P", &server.sftp_port.to_string(), "carol@127.0.0.1"])
            .output();
        output.unwrap().status.success()
    };
    assert!(!offer("127.0.0.2", 2));
    defended.waits_for_score("127.0.0.2", 1);
    assert!(offer("127.0.0.3", 3), "the third one is right");
    assert!(!offer("127.0.0.2", 2));
    defended.waits_for_score("127.0.0.2", 2);
    assert_eq!(defended.host("127.0.0.3"), None);

    // Asks whether the right key would do, and cannot sign.
    let public = server.path("public-only");
    fs::write(server.path("public-only.pub"), &lines[2]).unwrap();
    let probe = Command::new("sftp")
        .args(ssh_options())
        .args(["-oIdentitiesOnly=yes", "-oBatchMode=yes", "-b", "/dev/null"])
        .args(["-oBindAddress=127.0.0.4", "-i"])
        .arg(&public)
        .args(["-P", &server.sftp_port.to_string(), "carol@127.0.0.1"])
        .output();
    assert!(!probe.unwrap().status.success());
    defended.waits_for_score("127.0.0.4", 1);
}

fn server_user(defended: &Defended, username: &str, key: &str) {
    let user = json!({
        "username": username, "status": 1, "permissions": ["*"], "public_keys": [key],
        "home_dir": defended.server.home(username),
    });
    let url = format!("http://127.0.0.1:{}/api/v1/user", defended.server.http_port);
    let added = Command::new("curl")
        .args([
            "-sf",
            "-u",
            &format!("root:{PASSWORD}"),
            "-d",
            &user.to_string(),
            &url,
        ])
        .status();
    assert!(added.unwrap().success());
}

#[test]
fn paramiko_is_counted_for_passwords_and_for_asking_without_trying() {
    let defended = Defended::start();
    let script = r#"
import os, paramiko, socket
def transport(source):
    s = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), source_address=(source, 0))
    t = paramiko.Transport(s)
    t.start_client()
    return t
t = transport("127.0.0.2")
try: t.auth_none("alice")
except paramiko.SSHException: pass
t.close()
t = transport("127.0.0.3")
for _ in range(4):
    try: t.auth_password("alice", "wrong")
    except paramiko.SSHException: pass
t.close()
"#;
    let output = python_command(&defended.server, script).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    defended.waits_for_score("127.0.0.2", 1);
    defended.waits_for_ban("127.0.0.3");
    assert!(!defended.logs_in("alice", "127.0.0.3"));
}

#[test]
fn guessing_over_http_bans_for_every_protocol() {
    let defended = Defended::start();
    for _ in 0..4 {
        let (status, _) = defended.curl("127.0.0.2", &["-u", "root:wrong"], "version");
        assert_eq!(status, 401);
    }
    defended.waits_for_ban("127.0.0.2");
    let right = format!("root:{PASSWORD}");
    assert_eq!(defended.curl("127.0.0.2", &["-u", &right], "version").0, 0);
    assert!(!defended.logs_in("alice", "127.0.0.2"));
    // A name that nobody has counts twice, as an unknown key does.
    for arguments in [["-u", "nobody:x"], ["-H", "X-SFTPGO-API-KEY: abc.def"]] {
        defended.curl("127.0.0.3", &arguments, "version");
    }
    defended.waits_for_ban("127.0.0.3");
    // A token that is none is no guess at a password.
    for _ in 0..6 {
        defended.curl(
            "127.0.0.4",
            &["-H", "Authorization: Bearer x.y.z"],
            "version",
        );
    }
    assert_eq!(defended.host("127.0.0.4"), None);
}

#[test]
fn guessing_at_the_web_admin_bans_too() {
    let defended = Defended::start();
    let script = r#"
import http.client, os, re, urllib.parse
def ask(method, path, body=None, headers={}):
    c = http.client.HTTPConnection("127.0.0.1", int(os.environ["WEB_PORT"]), source_address=("127.0.0.2", 0))
    c.request(method, path, body, headers)
    answer = c.getresponse()
    return answer, answer.read().decode()
for _ in range(4):
    page, text = ask("GET", "/web/login")
    cookies = "; ".join(c.split(";")[0] for c in page.headers.get_all("Set-Cookie") or [])
    fields = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"', text))
    fields |= {"username": "root", "password": "wrong"}
    ask("POST", "/web/login", urllib.parse.urlencode(fields),
        {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookies})
try:
    ask("GET", "/web/login")
except (http.client.RemoteDisconnected, ConnectionResetError):
    print("closed")
"#;
    let output = python_command(&defended.server, script)
        .env("WEB_PORT", defended.server.http_port.to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "closed\n");
    defended.waits_for_ban("127.0.0.2");
}
