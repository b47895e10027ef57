//! Who gets in, with which credential.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown, symlink},
    process::Command,
};

use serde_json::{Value, json};
use sftpgo_e2e::{
    Server, make_key, python, python_command, run, sftp, sftp_with_key, ssh_options, wait_for,
};

#[test]
fn every_kind_of_key_logs_in_and_an_unknown_one_does_not() {
    let server = Server::start();
    let kinds = [
        "ed25519",
        "ecdsa-256",
        "ecdsa-384",
        "ecdsa-521",
        "rsa-2048",
        "rsa-4096",
    ];
    let lines: Vec<_> = kinds
        .iter()
        .map(|kind| make_key(kind, &server.path(kind)))
        .collect();
    make_key("ed25519", &server.path("unknown"));
    server.add_user("bob", &json!({ "password": null, "public_keys": lines }));
    for kind in kinds {
        sftp_with_key(&server, "bob", &server.path(kind), "ls\n").assert_ok();
    }
    assert!(!sftp_with_key(&server, "bob", &server.path("unknown"), "ls\n").ok);
    let failed = server.log_lines("connection_failed");
    assert_eq!(
        failed.last().unwrap()["login_type"],
        "public_key",
        "{failed:?}"
    );
}

#[test]
fn rsa_keys_sign_with_sha2_and_not_with_sha1() {
    let server = Server::start();
    let line = make_key("rsa-2048", &server.path("key"));
    server.add_user("bob", &json!({ "password": null, "public_keys": [line] }));
    for (algorithm, accepted) in [
        ("rsa-sha2-256", true),
        ("rsa-sha2-512", true),
        ("ssh-rsa", false),
    ] {
        let algorithm = format!("-oPubkeyAcceptedAlgorithms={algorithm}");
        let options = ["-ikey", "-oPreferredAuthentications=publickey", &algorithm];
        let outcome = sftp(&server, "bob", &options, "ls\n");
        assert_eq!(outcome.ok, accepted, "{algorithm}: {}", outcome.text);
    }
}

#[test]
fn clients_are_told_which_signatures_are_accepted() {
    let server = Server::start();
    let mut ssh = Command::new("ssh");
    // Before ours: the first of two equal options counts.
    ssh.args(["-oLogLevel=DEBUG1", "-oBatchMode=yes"])
        .args(ssh_options())
        .args(["-p", &server.sftp_port.to_string(), "bob@127.0.0.1"]);
    let text = run(&server, &mut ssh).text;
    let told = text
        .lines()
        .find_map(|line| line.split_once("server-sig-algs=<"))
        .expect(&text)
        .1;
    let told: Vec<_> = told.trim_end_matches('>').split(',').collect();
    for algorithm in [
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-256",
        "rsa-sha2-512",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    ] {
        assert!(told.contains(&algorithm), "{algorithm}: {told:?}");
    }
    assert!(!told.contains(&"ssh-rsa"), "{told:?}");
}

/// The token is asyncssh's: its signatures come from here instead of a device (OpenSSH's PROTOCOL.u2f).
#[test]
fn security_keys_log_in_and_only_with_a_signature_of_their_own() {
    let server = Server::start();
    server.add_user(
        "bob",
        &json!({ "password": null, "public_keys": [make_key("ed25519", &server.path("other"))] }),
    );
    let script = r#"
import asyncio, asyncssh, os, requests
from asyncssh import sk_ecdsa, sk_eddsa
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hashlib import sha256

raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
point = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
ed, p256, stranger = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
sign_ec = lambda key: lambda message: key.sign(message, ec.ECDSA(hashes.SHA256()))
tokens = {
    "ed25519": (sk_eddsa._SKEd25519Key(ed.public_key().public_bytes(*raw), "ssh:", 1, b"handle"), ed.sign),
    "ecdsa": (sk_ecdsa._SKECDSAKey(b"nistp256", p256.public_key().public_bytes(*point), "ssh:", 1, b"handle"), sign_ec(p256)),
}
lines = [key.export_public_key().decode().strip() for key, _ in tokens.values()]
assert [line.split()[0] for line in lines] == ["sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"]
requests.put(os.environ["HTTP"] + "/api/v1/user/1", json={"public_keys": lines}).raise_for_status()

def token(sign, application="ssh:", signed_counter=None, altered=b""):
    def sk_sign(data, _application, _handle, flags, _webauthn=False):
        signed = sha256(application.encode()).digest() + bytes([flags]) + (signed_counter or 7).to_bytes(4, "big")
        return flags, 7, sign(signed + sha256(data + altered).digest()), b""
    return sk_sign

async def log_in(key, sk_sign):
    sk_ecdsa.sk_sign = sk_eddsa.sk_sign = sk_sign
    async with asyncssh.connect("127.0.0.1", int(os.environ["PORT"]), username="bob", client_keys=[key], known_hosts=None,
                                config=None, agent_path=None, preferred_auth="publickey") as c:
        async with c.start_sftp_client() as s:
            return await s.realpath(".")

async def main():
    for kind, (key, sign) in tokens.items():
        assert await log_in(key, token(sign)) == "/", kind
        wrong_key = stranger.sign if kind == "ed25519" else sign_ec(ec.generate_private_key(ec.SECP256R1()))
        for what, sk_sign in {
            "another key": token(wrong_key), "another application": token(sign, application="ssh:other"),
            "another counter": token(sign, signed_counter=8), "other data": token(sign, altered=b"x"),
        }.items():
            try: await log_in(key, sk_sign)
            except asyncssh.PermissionDenied: pass
            else: raise AssertionError(f"{kind}: a signature with {what} is accepted")
        assert await log_in(key, token(sign)) == "/", kind
asyncio.run(main())
"#;
    python(&server, script).assert_ok();
}

#[test]
fn keyboard_interactive_asks_for_the_password() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    sftp(
        &server,
        "bob",
        &["-o", "PreferredAuthentications=keyboard-interactive"],
        "ls\n",
    )
    .assert_ok();
}

#[test]
fn methods_that_are_switched_off_are_not_offered_and_let_nobody_in() {
    for (password, questions, offered) in [
        ("false", "true", "(publickey,keyboard-interactive)"),
        ("true", "false", "(publickey,password)"),
        ("false", "false", "(publickey)"),
    ] {
        let server = Server::start_with(&[
            ("SFTPGO_SFTPD__PASSWORD_AUTHENTICATION", password),
            (
                "SFTPGO_SFTPD__KEYBOARD_INTERACTIVE_AUTHENTICATION",
                questions,
            ),
        ]);
        let line = make_key("ed25519", &server.path("key"));
        server.add_user("bob", &json!({ "public_keys": [line] }));
        for (method, is_offered) in [
            ("password", password),
            ("keyboard-interactive", questions),
            ("none", "false"),
        ] {
            let asked = format!("-oPreferredAuthentications={method}");
            let outcome = sftp(&server, "bob", &[&asked], "ls\n");
            assert_eq!(
                outcome.ok.to_string(),
                is_offered,
                "{method}: {}",
                outcome.text
            );
            let refused = format!("Permission denied {offered}");
            assert!(
                outcome.ok || outcome.text.contains(&refused),
                "{}",
                outcome.text
            );
        }
        sftp_with_key(&server, "bob", &server.path("key"), "ls\n").assert_ok();
        // Sent unasked it is not looked at, however right it is.
        python(
            &server,
            &format!(
                r#"
import os, paramiko
t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
t.start_client()
try: t.auth_password("bob", "secret", fallback=False)
except paramiko.BadAuthenticationType as e: assert "password" not in e.allowed_types
assert t.is_authenticated() == ("{password}" == "true")
"#
            ),
        )
        .assert_ok();
    }
}

#[test]
fn whoever_may_not_log_in_hears_the_same() {
    let server = Server::start();
    server.add_user("bob", &json!({ "password": "other" }));
    server.add_user("disabled", &json!({ "status": 0 }));
    server.add_user("expired", &json!({ "expiration_date": 1000 }));
    let answers: Vec<_> = ["bob", "disabled", "expired", "nobody"]
        .iter()
        .map(|user| {
            let outcome = sftp(&server, user, &[], "ls\n");
            assert!(!outcome.ok, "{user} is in");
            outcome.text.replace(user, "USER")
        })
        .collect();
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert!(answers[0].contains("Permission denied"), "{answers:?}");
    let reasons: Vec<_> = server
        .log_lines("connection_failed")
        .iter()
        .filter(|line| line["username"] != "")
        .map(|line| line["error"].to_string())
        .collect();
    assert!(
        reasons[0].contains("wrong password")
            && reasons[1].contains("disabled")
            && reasons[2].contains("expired"),
        "{reasons:?}"
    );
}

/// The users of the failed logins of this type, in order.
fn failed(server: &Server, login_type: &str) -> Vec<String> {
    let lines = server.log_lines("connection_failed");
    let of_type = lines.iter().filter(|line| line["login_type"] == login_type);
    of_type
        .map(|line| line["username"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn wrong_signatures_and_numbers_of_answers_are_failed_logins_with_a_name() {
    let server = Server::start();
    let lines = ["key", "other"].map(|name| make_key("ed25519", &server.path(name)));
    server.add_user("bob", &json!({ "public_keys": lines }));
    let script = r#"
import asyncio, asyncssh, os, paramiko
port = int(os.environ["PORT"])
class Wrong(paramiko.Ed25519Key):
    def sign_ssh_data(self, data, algorithm=None): return super().sign_ssh_data(b"something else", algorithm)
def refused(method, *args):
    t = paramiko.Transport(("127.0.0.1", port)); t.start_client()
    try: getattr(t, method)(*args); raise AssertionError(args)
    except paramiko.AuthenticationException: t.close()
# Signed at once, twice.
for _ in range(2): refused("auth_publickey", "bob", Wrong(filename="key"))
# Shown first, and then another key or none.
async def show(right):
    lie = asyncssh.load_keypairs([asyncssh.read_private_key("key")])[0]
    sign = lie.sign
    lie.sign = lambda data: sign(b"something else")
    keys = [lie, "other"] if right else [lie]
    try:
        async with asyncssh.connect("127.0.0.1", port, username="bob", client_keys=keys, agent_path=None, known_hosts=None, config=None,
                                    preferred_auth="publickey"): return True
    except asyncssh.PermissionDenied: return False
assert asyncio.run(show(True)) and not asyncio.run(show(False))
for answers in [[], ["secret", "secret"]]: refused("auth_interactive", "bob", lambda *asked: answers)
"#;
    python(&server, script).assert_ok();
    wait_for("the lines", || failed(&server, "public_key").len() == 4);
    assert_eq!(failed(&server, "public_key"), ["bob"; 4]);
    assert_eq!(failed(&server, "password"), ["bob"; 2]);
}

#[test]
fn a_key_that_is_shown_and_then_signs_has_not_failed() {
    let server = Server::start();
    let line = make_key("ed25519", &server.path("key"));
    server.add_user("bob", &json!({ "public_keys": [line] }));
    sftp_with_key(&server, "bob", &server.path("key"), "ls\n").assert_ok();
    assert_eq!(failed(&server, "public_key"), [""; 0]);
}

#[test]
fn a_name_or_a_password_that_is_no_text_is_a_failed_login() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    let script = r#"
import os, paramiko
for name, password in [("bob", b"s\xe9cret"), (b"b\xf6b", "secret")]:
    t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"]))); t.start_client()
    try: t.auth_password(name, password); raise AssertionError("logged in")
    except (paramiko.SSHException, EOFError): pass
    t.close()
"#;
    python(&server, script).assert_ok();
    wait_for("the lines", || failed(&server, "password").len() == 2);
    let lines = server.log_lines("connection_failed");
    let told = lines.last().unwrap()["error"].as_str().unwrap();
    assert!(told.contains("UTF-8"), "{told}");
}

/// Tries a wrong password for `dear` on fifteen connections at once.
const GUESS: &str = r#"
import os, paramiko, threading
def guess():
    t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
    t.start_client(timeout=60)
    try:
        t.auth_password("dear", "wrong")
    except Exception:
        pass
threads = [threading.Thread(target=guess) for _ in range(15)]
for thread in threads:
    thread.start()
"#;

#[test]
fn many_wrong_passwords_of_one_source_for_one_dear_hash_keep_nobody_else_waiting() {
    const BCRYPT_14: &str = "$2a$14$ajq8Q7fbtFRQvXpdCq7Jcuy.Rx1h/L4J60Otx.gyNLbAYctGMJ9tK";
    let server = Server::start();
    server.add_user("dear", &json!({ "password": BCRYPT_14 }));
    server.add_user("bob", &json!({}));
    let mut guessing = python_command(&server, GUESS).spawn().unwrap();
    let failed = || server.log_lines("connection_failed").len();
    // One check takes a second, so the others wait by now.
    wait_for("the first to be refused", || failed() > 0);
    let before = failed();
    sftp(&server, "bob", &[], "ls\n").assert_ok();
    // Not all of them went first, as they would in one line.
    assert!(failed() < before + 10, "{before} and then {}", failed());
    let _ = guessing.kill();
    let _ = guessing.wait();
}

/// As root only: others have no way to a home that they could look at, nor anybody to give one to.
#[test]
fn as_root_a_home_below_a_directory_of_another_account_is_refused_and_parents_are_made_for_root() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    const ACCOUNT: u32 = 12_345;
    let server = Server::start();
    let theirs = server.path("theirs");
    fs::create_dir_all(theirs.join("inner")).unwrap();
    chown(&theirs, Some(ACCOUNT), None).unwrap();
    symlink("/", theirs.join("link")).unwrap();
    for (name, home) in [("inner", "theirs/inner"), ("link", "theirs/link")] {
        let fields = json!({ "home_dir": server.path(home), "uid": ACCOUNT, "gid": ACCOUNT });
        server.add_user(name, &fields);
        let refused = sftp(&server, name, &[], "ls\n");
        assert!(!refused.ok, "{}", refused.text);
    }
    for name in ["inner", "link"] {
        let failed = server.log_lines("connection_failed");
        let mut of_name = failed.iter().filter(|line| line["username"] == name);
        let is_told = |line: &Value| line["error"].to_string().contains("theirs belongs to uid");
        assert!(of_name.any(is_told), "{name}: {failed:?}");
    }

    let home = server.path("made/for/carol");
    let fields = json!({ "home_dir": home, "uid": ACCOUNT, "gid": ACCOUNT });
    server.add_user("carol", &fields);
    fs::write(server.path("l"), "content").unwrap();
    sftp(&server, "carol", &[], "put l\n").assert_ok();
    let owner = |path: &str| fs::metadata(server.path(path)).unwrap().uid();
    assert_eq!(owner("made/for/carol"), ACCOUNT);
    assert_eq!(owner("made/for/carol/l"), ACCOUNT);
    assert_eq!((owner("made"), owner("made/for")), (0, 0));
}
