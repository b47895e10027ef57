//! Logins that need more than one credential, by clients that people use.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};
use sftpgo_e2e::{Outcome, Server, make_key, python, sftp};
use sftpgo_test_support::{TOTP_SECRET, code_after};

const ALONE: [&str; 3] = ["publickey", "password", "keyboard-interactive"];

fn denied(names: &[&str]) -> Value {
    json!({ "denied_login_methods": names })
}

fn totp() -> Value {
    json!({"totp_config": {
        "enabled": true, "config_name": "Default", "protocols": ["SSH"],
        "secret": {"status": "Plain", "payload": TOTP_SECRET},
    }})
}

/// A server that knows `bob` with a key in the file `key`, and with these filters.
fn server(settings: &[(&str, &str)], filters: &Value) -> Server {
    let server = Server::start_with(settings);
    let line = make_key("ed25519", &server.path("key"));
    server.add_user("bob", &json!({ "public_keys": [line], "filters": filters }));
    server
}

/// OpenSSH, which answers the questions of a login by their words.
fn openssh(server: &Server, options: &[&str], answers: &[(&str, &str)]) -> Outcome {
    let cases: String = answers
        .iter()
        .map(|(question, answer)| format!("*\"{question}\"*) echo {answer};;\n"))
        .collect();
    let askpass = server.path("askpass");
    let script = format!("#!/bin/sh\necho \"$1\" >> asked\ncase \"$1\" in\n{cases}esac\n");
    fs::write(&askpass, script).unwrap();
    fs::set_permissions(&askpass, fs::Permissions::from_mode(0o700)).unwrap();
    sftp(server, "bob", options, "ls\n")
}

fn asked(server: &Server) -> String {
    let asked = server.read("asked");
    let _ = fs::remove_file(server.path("asked"));
    asked
}

fn last_login(server: &Server, sender: &str) -> Value {
    server.log_lines(sender).pop().expect(sender)
}

const ANY: &str = "-oPreferredAuthentications=publickey,keyboard-interactive,password";
const KEY: [&str; 3] = ["-ikey", "-oIdentitiesOnly=yes", ANY];

#[test]
fn openssh_gives_a_key_and_then_a_password() {
    let server = server(&[], &denied(&ALONE));
    let right = [("assword", "secret")];
    openssh(&server, &KEY, &right).assert_ok();
    let told = last_login(&server, "login");
    assert_eq!(told["login_type"], "publickey+keyboard-interactive");
    let password = [
        "-ikey",
        "-oIdentitiesOnly=yes",
        "-oPreferredAuthentications=publickey,password",
    ];
    openssh(&server, &password, &right).assert_ok();
    let told = last_login(&server, "login");
    assert_eq!(told["login_type"], "publickey+password");
    assert!(!openssh(&server, &KEY, &[("assword", "wrong")]).ok);
    // As Fail2ban looks for it.
    let told = server.log_lines("connection_failed");
    assert!(
        told.iter().any(|line| line["login_type"] == "password"),
        "{told:?}"
    );
    // Neither alone.
    for alone in ["publickey", "password", "keyboard-interactive"] {
        let only = format!("-oPreferredAuthentications={alone}");
        let only = ["-ikey", "-oIdentitiesOnly=yes", &only];
        assert!(!openssh(&server, &only, &right).ok, "{alone}");
    }
}

#[test]
fn openssh_is_offered_what_is_left_and_nothing_else() {
    let server = server(
        &[],
        &denied(&[&ALONE[..], &["publickey+password"]].concat()),
    );
    let verbose = [
        "-vv",
        "-oLogLevel=DEBUG2",
        "-ikey",
        "-oIdentitiesOnly=yes",
        ANY,
    ];
    let outcome = openssh(&server, &verbose, &[("assword", "secret")]);
    let partial = outcome
        .text
        .find("Authenticated using \"publickey\" with partial success.");
    let behind = &outcome.text[partial.expect(&outcome.text)..];
    let next = behind
        .lines()
        .find_map(|line| line.split_once("Authentications that can continue: "));
    assert_eq!(
        next.map(|(_, left)| left.trim()),
        Some("keyboard-interactive")
    );
    outcome.assert_ok();
}

#[test]
fn openssh_asks_for_a_password_and_then_for_a_code() {
    let server = server(&[], &totp());
    let interactive = ["-oPreferredAuthentications=keyboard-interactive"];
    let code = code_after(TOTP_SECRET, 0);
    let answers = [
        ("assword", "secret"),
        ("Authentication code", code.as_str()),
    ];
    openssh(&server, &interactive, &answers).assert_ok();
    let questions = asked(&server);
    let (password, code) = (
        questions.find("Password: "),
        questions.find("Authentication code: "),
    );
    assert!(password.is_some() && password < code, "{questions}");
    // It was used.
    assert!(!openssh(&server, &interactive, &answers).ok);
    let told = server.log_lines("connection_failed");
    let wrong = |line: &Value| line["error"] == "wrong code of the second factor";
    assert!(told.iter().any(wrong), "{told:?}");
    let next = code_after(TOTP_SECRET, 1);
    assert!(
        !openssh(
            &server,
            &interactive,
            &[("assword", "wrong"), ("code", &next)]
        )
        .ok
    );
    asked(&server);
    // The password alone is a step of two.
    let password = ["-oPreferredAuthentications=password"];
    assert!(!openssh(&server, &password, &answers).ok);
    asked(&server);
    let both = ["-oPreferredAuthentications=password,keyboard-interactive"];
    let answers = [
        ("assword", "secret"),
        ("Authentication code", next.as_str()),
    ];
    openssh(&server, &both, &answers).assert_ok();
    // A key is more than a password.
    openssh(&server, &KEY, &[]).assert_ok();
    let log = server.read("sftpgo.log");
    assert!(!log.contains(TOTP_SECRET));
    for code in [&code_after(TOTP_SECRET, 0), &next] {
        assert!(!log.contains(&format!("\"{code}\"")));
    }
}

#[test]
fn without_keyboard_interactive_a_second_factor_lets_no_password_in() {
    let off = ("SFTPGO_SFTPD__KEYBOARD_INTERACTIVE_AUTHENTICATION", "false");
    let server = server(&[off], &totp());
    let password = ["-oPreferredAuthentications=password,keyboard-interactive"];
    assert!(!openssh(&server, &password, &[("assword", "secret")]).ok);
    let told = last_login(&server, "connection_failed");
    let reason = told["error"].as_str().unwrap();
    assert!(
        reason.contains("keyboard-interactive, which asks for it"),
        "{reason}"
    );
    openssh(&server, &KEY, &[]).assert_ok();
}

/// What the scripts have in common: codes as an app computes them.
const CODES: &str = r#"
import asyncio, asyncssh, base64, hashlib, hmac, os, paramiko, struct, time
PORT = int(os.environ["PORT"])
def code(steps=0):
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(SECRET), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset:offset + 4])[0] & 0x7fffffff) % 1000000:06}"
"#;

fn script(server: &Server, text: &str) {
    let whole = format!("SECRET = \"{TOTP_SECRET}\"{CODES}{text}");
    python(server, &whole).assert_ok();
}

#[test]
fn paramiko_is_told_what_is_left() {
    let filters = json!({
        "denied_login_methods": ALONE, "totp_config": totp()["totp_config"],
    });
    let server = server(&[], &filters);
    script(
        &server,
        r#"
def transport():
    t = paramiko.Transport(("127.0.0.1", PORT))
    t.start_client()
    return t
key = paramiko.Ed25519Key.from_private_key_file("key")
def refused(call, *args):
    try:
        call(*args)
    except paramiko.AuthenticationException:
        return
    raise AssertionError("not refused")

# Before the key nothing else does.
t = transport()
refused(t.auth_password, "bob", "secret", None, False)
assert sorted(t.auth_publickey("bob", key)) == ["keyboard-interactive", "password"]
# The key once more is no failure, and no success either: six would end the connection.
for _ in range(10):
    refused(t.auth_publickey, "bob", key)
asked = []
def answer(title, text, prompts):
    asked.extend(prompts)
    return [code() for _ in prompts]
assert t.auth_interactive("bob", answer) == []
assert asked == [("Authentication code: ", False)], asked
assert t.is_authenticated()
paramiko.SFTPClient.from_transport(t).listdir(".")

# A password after the key is the other way.
t = transport()
t.auth_publickey("bob", key)
refused(t.auth_password, "bob", "wrong", None, False)
assert t.auth_password("bob", "secret", fallback=False) == []

# Wrong passwords after the key count.
t = transport()
t.auth_publickey("bob", key)
ended = 0
for tries in range(1, 8):
    try:
        t.auth_password("bob", "wrong", fallback=False)
    except paramiko.AuthenticationException:
        if not t.is_active():
            break
    except (paramiko.SSHException, EOFError):
        break
assert tries == 6, tries

# Another name begins nothing where the first one was.
t = transport()
t.auth_publickey("bob", key)
try:
    t.auth_password("alice", "secret", fallback=False)
    raise AssertionError("another name went on")
except (paramiko.SSHException, EOFError):
    pass
assert not t.is_authenticated()
"#,
    );
}

#[test]
fn paramiko_has_a_password_and_no_code() {
    let server = server(&[], &totp());
    script(
        &server,
        r#"
t = paramiko.Transport(("127.0.0.1", PORT))
t.start_client()
assert t.auth_password("bob", "secret", fallback=False) == ["keyboard-interactive"]
assert not t.is_authenticated()
# Nothing is open before the code.
try:
    t.open_session(timeout=5)
    raise AssertionError("a channel without a login")
except (paramiko.SSHException, EOFError):
    pass
t = paramiko.Transport(("127.0.0.1", PORT))
t.start_client()
# paramiko goes on by itself where it is left with the dialogue: it has no code.
try:
    t.auth_interactive("bob", lambda title, text, prompts: ["secret" for _ in prompts])
    raise AssertionError("the password twice is no code")
except paramiko.AuthenticationException:
    pass
"#,
    );
}

#[test]
fn asyncssh_answers_each_question() {
    let filters = denied(&ALONE);
    let server = server(&[], &filters);
    server.add_user("alice", &json!({ "filters": totp() }));
    script(
        &server,
        r#"
class Client(asyncssh.SSHClient):
    def __init__(self):
        self.asked = []
    def kbdint_auth_requested(self):
        return ""
    def kbdint_challenge_received(self, name, instructions, language, prompts):
        self.asked.extend(prompt for prompt, _ in prompts)
        return ["secret" if "Password" in prompt else code() for prompt, _ in prompts]

async def log_in(username, methods, **options):
    made = []
    def client():
        made.append(Client())
        return made[-1]
    options = {"client_keys": None, "agent_path": None, "known_hosts": None, **options}
    connection = await asyncssh.connect("127.0.0.1", PORT, username=username, config=None, client_factory=client,
                                        preferred_auth=methods, **options)
    async with connection, connection.start_sftp_client() as sftp:
        await sftp.listdir(".")
    return made[0].asked

async def main():
    asked = await log_in("alice", "keyboard-interactive")
    assert asked == ["Password: ", "Authentication code: "], asked
    key = {"client_keys": ["key"]}
    await log_in("bob", "publickey,password", password="secret", **key)
    asked = await log_in("bob", "publickey,keyboard-interactive", **key)
    assert asked == ["Password: "], asked
    for methods in ["publickey", "password", "keyboard-interactive"]:
        try:
            await log_in("bob", methods, password="secret", **key)
            raise AssertionError(methods)
        except asyncssh.PermissionDenied:
            pass
asyncio.run(main())
"#,
    );
}

/// Two of the ways in which operators manage it: the CLI enables it, REST shows that there is one.
#[test]
fn an_operator_enables_and_disables_a_second_factor() {
    let server = Server::start();
    let bob = server.add_user("bob", &json!({}));
    let id = bob["id"].as_i64().unwrap();
    let cli = |arguments: &[&str]| {
        let output = server.cli(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let made = cli(&["user", "totp", "enable", "bob", "--output", "json"]);
    let made: Value = serde_json::from_str(&made).unwrap();
    let secret = made["secret"].as_str().unwrap();
    assert!(made["url"].as_str().unwrap().starts_with("otpauth://totp/"));
    let recovery = made["recovery_codes"][0].as_str().unwrap();
    let password = ["-oPreferredAuthentications=password"];
    assert!(!openssh(&server, &password, &[("assword", "secret")]).ok);
    let interactive = ["-oPreferredAuthentications=keyboard-interactive"];
    for code in [code_after(secret, 0).as_str(), recovery] {
        let answers = [("assword", "secret"), ("Authentication code", code)];
        openssh(&server, &interactive, &answers).assert_ok();
        assert!(!openssh(&server, &interactive, &answers).ok);
    }
    let shown = cli(&["user", "totp", "show", "bob"]);
    assert!(shown.contains("11") && !shown.contains(secret), "{shown}");
    let (_, shown) = server.rest("GET", &format!("/api/v1/user/{id}"), None);
    assert_eq!(
        shown["filters"]["totp_config"]["secret"],
        json!({"status": "Redacted"})
    );
    // What was shown may come back, and less of it changes nothing.
    for body in [shown.clone(), json!({"uid": 0})] {
        let (status, answer) = server.rest("PUT", &format!("/api/v1/user/{id}"), Some(&body));
        assert_eq!(status, 200, "{answer}");
    }
    assert!(!openssh(&server, &password, &[("assword", "secret")]).ok);
    cli(&["user", "totp", "disable", "bob", "--yes"]);
    openssh(&server, &password, &[("assword", "secret")]).assert_ok();
    assert!(!server.read("sftpgo.log").contains(secret));
}
