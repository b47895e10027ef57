//! Certificates by `ssh-keygen -s`, lists of what is revoked, and security keys in software.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use sftpgo_e2e::{Server, make_key, python, sftp, sftp_with_key, wait_for};
use tempfile::TempDir;

/// Authorities, and a server that trusts `ca` and `rsa_ca` of them.
struct Place {
    directory: TempDir,
    server: Server,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for (kind, name) in [
            ("ed25519", "ca"),
            ("rsa-3072", "rsa_ca"),
            ("ecdsa-256", "stranger"),
        ] {
            make_key(kind, &path(name));
        }
        let authorities =
            ["ca.pub", "rsa_ca.pub"].map(|name| fs::read_to_string(path(name)).unwrap());
        fs::write(
            path("trusted"),
            format!("# ours\n\n{}", authorities.concat()),
        )
        .unwrap();
        fs::write(path("revoked"), "[]").unwrap();
        let server = Server::start_with(&[
            (
                "SFTPGO_SFTPD__TRUSTED_USER_CA_KEYS",
                path("trusted").to_str().unwrap(),
            ),
            (
                "SFTPGO_SFTPD__REVOKED_USER_CERTS_FILE",
                path("revoked").to_str().unwrap(),
            ),
        ]);
        server.add_user("bob", &json!({}));
        Self { directory, server }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A new key of this kind with a certificate by `authority`.
    fn certified(&self, name: &str, kind: &str, authority: &str, options: &[&str]) -> PathBuf {
        let key = self.path(name);
        make_key(kind, &key);
        self.keygen(
            &[
                &["-q", "-s", self.path(authority).to_str().unwrap()],
                options,
            ]
            .concat(),
            Some(&key.with_extension("pub")),
        );
        key
    }

    fn keygen(&self, arguments: &[&str], file: Option<&Path>) {
        let mut command = Command::new("ssh-keygen");
        command
            .args(arguments)
            .args(file)
            .current_dir(self.directory.path());
        let done = command.output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    fn gets_in(&self, user: &str, key: &Path) -> bool {
        sftp_with_key(&self.server, user, key, "ls\n").ok
    }

    /// Why certificates were refused.
    fn refusals(&self) -> Vec<String> {
        let lines = self.server.log_lines("connection_failed");
        let reasons = lines.iter().map(|line| line["error"].as_str().unwrap());
        reasons
            .filter(|reason| reason.contains("key id"))
            .map(str::to_owned)
            .collect()
    }

    /// The server has read its files again.
    fn reload(&self) {
        self.server.signal("HUP");
    }
}

#[test]
fn a_certificate_of_each_kind_lets_in_whom_it_names() {
    let place = Place::new();
    for authority in ["ca", "rsa_ca"] {
        for kind in ["ed25519", "ecdsa-256", "ecdsa-384", "ecdsa-521", "rsa-2048"] {
            let name = format!("{authority}-{kind}");
            let key = place.certified(&name, kind, authority, &["-I", "id", "-n", "alice,bob"]);
            assert!(place.gets_in("bob", &key), "{name}: {:?}", place.refusals());
            // Nobody of this name is there.
            assert!(!place.gets_in("alice", &key), "{name}");
        }
    }
    let key = place.certified(
        "from-here",
        "ed25519",
        "ca",
        &[
            "-I",
            "id",
            "-n",
            "bob",
            "-V",
            "-1h:+1h",
            "-O",
            "source-address=192.0.2.0/24,127.0.0.0/8",
        ],
    );
    assert!(place.gets_in("bob", &key));
    // The key alone is nobody's.
    fs::remove_file(place.path("from-here-cert.pub")).unwrap();
    assert!(!place.gets_in("bob", &key));
}

#[test]
fn why_a_certificate_is_refused_stands_in_the_log() {
    let place = Place::new();
    let bob = ["-n", "bob"];
    let cases: [(&str, &str, &[&str], &str); 11] = [
        ("stranger", "", &bob, "authority is not trusted"),
        ("ca", "", &["-n", "bobby"], "does not name this user"),
        ("ca", "", &["-n", "bo"], "does not name this user"),
        ("ca", "", &[], "names no principal"),
        ("ca", "", &["-n", "bob", "-V", "-2h:-1h"], "has expired"),
        ("ca", "", &["-n", "bob", "-V", "+1h:+2h"], "not valid yet"),
        (
            "ca",
            "",
            &["-n", "bob", "-O", "force-command=ls"],
            "force-command",
        ),
        (
            "ca",
            "",
            &["-n", "bob", "-O", "verify-required"],
            "verify-required",
        ),
        (
            "ca",
            "",
            &["-n", "bob", "-O", "source-address=192.0.2.0/24"],
            "this address",
        ),
        (
            "ca",
            "",
            &["-n", "bob", "-O", "critical:new@example.com=1"],
            "\"new@example.com\"",
        ),
        ("rsa_ca", "ssh-rsa", &bob, "way to sign"),
    ];
    for (number, (authority, algorithm, options, expected)) in cases.iter().enumerate() {
        let id = format!("key \"{number}\"");
        let serial = (number + 1).to_string();
        let mut arguments = vec!["-I", id.as_str(), "-z", serial.as_str()];
        if !algorithm.is_empty() {
            arguments.extend(["-t", algorithm]);
        }
        arguments.extend(*options);
        let key = place.certified(&format!("key{number}"), "ed25519", authority, &arguments);
        assert!(!place.gets_in("bob", &key), "{expected}");
        let refusals = place.refusals();
        let last = refusals.last().unwrap();
        assert!(last.contains(expected), "{last}: {expected}");
        let which = format!("(key id \"key \\\"{number}\\\"\", serial {serial}, signed by SHA256:");
        assert!(last.contains(&which), "{last}: {which}");
    }
    // None of it counts against what is right.
    sftp(&place.server, "bob", &[], "ls\n").assert_ok();
}

#[test]
fn conditions_of_the_account_hold_for_certificates() {
    let place = Place::new();
    let key = place.certified("key", "ed25519", "ca", &["-I", "id", "-n", "eve"]);
    place.server.add_user("eve", &json!({ "status": 0 }));
    assert!(!place.gets_in("eve", &key));
    let last = place.server.log_lines("connection_failed").pop().unwrap();
    assert_eq!(last["error"], "the user is disabled");
    assert_eq!(last["login_type"], "public_key");
}

#[test]
fn what_is_revoked_passes_no_more_once_the_list_is_read_again() {
    let place = Place::new();
    let sign = |name: &str, serial: &str| {
        let key = place.certified(
            name,
            "ed25519",
            "ca",
            &["-I", name, "-n", "bob", "-z", serial],
        );
        assert!(place.gets_in("bob", &key));
        key
    };
    let keys = [
        sign("first", "1"),
        sign("second", "2"),
        sign("third", "3"),
        sign("fourth", "4"),
    ];
    let of_rsa = place.certified(
        "of_rsa",
        "ed25519",
        "rsa_ca",
        &["-I", "id", "-n", "bob", "-z", "1"],
    );
    let get_in = |expected: [bool; 4]| {
        place.reload();
        wait_for("the list to be read again", || {
            keys.iter()
                .map(|key| place.gets_in("bob", key))
                .eq(expected)
        });
        assert!(
            place.gets_in("bob", &of_rsa),
            "it is about another authority"
        );
    };
    // SFTPGo's list.
    let line = fs::read_to_string(place.path("second.pub")).unwrap();
    let fingerprint = fingerprint_of(&line);
    fs::write(place.path("revoked"), json!([fingerprint]).to_string()).unwrap();
    get_in([true, false, true, true]);
    assert!(
        place
            .refusals()
            .pop()
            .unwrap()
            .starts_with("the certificate is revoked (key id \"second\"")
    );
    // OpenSSH's.
    fs::write(place.path("spec"), "serial: 1\nid: third\n").unwrap();
    place.keygen(&["-k", "-q", "-f", "revoked", "-s", "ca.pub", "spec"], None);
    get_in([false, true, false, true]);
    // A broken one is not taken.
    let whole = fs::read(place.path("revoked")).unwrap();
    fs::write(place.path("revoked"), &whole[..whole.len() - 1]).unwrap();
    place.reload();
    wait_for("the log to say so", || {
        let log = fs::read_to_string(place.server.path("sftpgo.log")).unwrap();
        log.contains("the authorities of certificates cannot be read again and stays as it was")
    });
    get_in([false, true, false, true]);
    // An authority that is trusted no more.
    fs::write(place.path("revoked"), "[]").unwrap();
    fs::copy(place.path("rsa_ca.pub"), place.path("trusted")).unwrap();
    get_in([false; 4]);
}

/// As `ssh-keygen -l` shows it.
fn fingerprint_of(line: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pub");
    fs::write(&file, line).unwrap();
    let shown = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(&file)
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    shown.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn clients_in_python_bring_certificates_too() {
    let place = Place::new();
    place.certified("key", "ed25519", "ca", &["-I", "id", "-n", "bob"]);
    for name in ["key", "key-cert.pub"] {
        fs::copy(place.path(name), place.server.path(name)).unwrap();
    }
    python(
        &place.server,
        r#"
import asyncio, asyncssh, os, paramiko
PORT = int(os.environ["PORT"])
key = paramiko.Ed25519Key.from_private_key_file("key")
key.load_certificate("key-cert.pub")
c = paramiko.SSHClient()
c.set_missing_host_key_policy(paramiko.AutoAddPolicy())
c.connect("127.0.0.1", PORT, "bob", pkey=key, look_for_keys=False, allow_agent=False)
c.open_sftp().mkdir("by_paramiko")
c.close()
async def main():
    async with asyncssh.connect("127.0.0.1", PORT, username="bob", known_hosts=None, client_keys=[("key", "key-cert.pub")]) as c:
        async with c.start_sftp_client() as s:
            assert await s.exists("by_paramiko")
asyncio.run(main())
"#,
    )
    .assert_ok();
}

#[test]
fn a_security_key_has_to_be_touched_unless_its_line_says_otherwise() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    python(
        &server,
        r#"
import base64, hashlib, json, os, paramiko, struct, urllib.request
PORT, HTTP = int(os.environ["PORT"]), os.environ["HTTP"]
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
NAME = "sk-ssh-ed25519@openssh.com"
def s(b): return struct.pack(">I", len(b)) + b
class SecurityKey(paramiko.PKey):
    public_blob = None
    def __init__(self, flags):
        self.flags, self.secret = flags, secret
    def get_name(self): return NAME
    def asbytes(self):
        raw = self.secret.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return s(NAME.encode()) + s(raw) + s(b"ssh:")
    def can_sign(self): return True
    def sign_ssh_data(self, data, algorithm=None):
        more = struct.pack(">BI", self.flags, 7)
        signed = hashlib.sha256(b"ssh:").digest() + more + hashlib.sha256(data).digest()
        m = paramiko.Message()
        m.add_string(NAME); m.add_string(self.secret.sign(signed)); m.add_bytes(more)
        return m
secret = Ed25519PrivateKey.generate()
line = NAME + " " + base64.b64encode(SecurityKey(0).asbytes()).decode()
def get_in(flags):
    t = paramiko.Transport(("127.0.0.1", PORT))
    t.start_client()
    try:
        t.auth_publickey("bob", SecurityKey(flags))
        return t.is_authenticated()
    except paramiko.AuthenticationException:
        return False
    finally:
        t.close()
def store(options):
    user = rest("GET", "/user?username=bob")[0]
    user["public_keys"] = [options + line]
    rest("PUT", "/user/%d" % user["id"], user)
def rest(method, path, body=None):
    request = urllib.request.Request(HTTP + "/api/v1" + path, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"}, method=method)
    return json.load(urllib.request.urlopen(request))
# 1 is a touch, 4 is a user that the device has verified.
for options, expected in [
    ("", {0: False, 1: True, 4: False, 5: True}),
    ("no-touch-required ", {0: True, 1: True, 4: True, 5: True}),
    ("verify-required ", {0: False, 1: False, 4: False, 5: True}),
    ("no-touch-required,verify-required ", {0: False, 1: False, 4: True, 5: True}),
]:
    store(options)
    assert {flags: get_in(flags) for flags in expected} == expected, options
"#,
    )
    .assert_ok();
    let failed = server.log_lines("connection_failed");
    for reason in [
        "nobody touched the security key",
        "the security key has not verified its user, as verify-required asks",
    ] {
        assert!(
            failed.iter().any(|line| line["error"] == reason),
            "{failed:?}"
        );
    }
}

#[test]
fn clients_know_a_server_by_its_certificates_authority() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let keygen = |arguments: &[&str]| {
        let mut command = Command::new("ssh-keygen");
        command.args(arguments).current_dir(directory.path());
        assert!(command.output().unwrap().status.success(), "{arguments:?}");
    };
    make_key("ed25519", &path("ca"));
    make_key("rsa-3072", &path("other_ca"));
    let kinds = ["ed25519", "ecdsa-384", "rsa-2048"];
    for kind in kinds {
        make_key(kind, &path(kind));
        let public = format!("{kind}.pub");
        keygen(&[
            "-q",
            "-s",
            "ca",
            "-I",
            kind,
            "-h",
            "-n",
            "127.0.0.1",
            &public,
        ]);
    }
    let listed = |ending: &str| {
        let paths = kinds.map(|kind| {
            path(&format!("{kind}{ending}"))
                .to_str()
                .unwrap()
                .to_owned()
        });
        paths.join(",")
    };
    let (keys, certificates) = (listed(""), listed("-cert.pub"));
    let server = Server::start_with(&[
        ("SFTPGO_SFTPD__HOST_KEYS", &keys),
        ("SFTPGO_SFTPD__HOST_CERTIFICATES", &certificates),
    ]);
    server.add_user("bob", &json!({}));
    let known_by = |authority: &str, algorithm: &str| {
        let line = fs::read_to_string(path(authority)).unwrap();
        fs::write(path("known_hosts"), format!("@cert-authority * {line}")).unwrap();
        let known = format!("-oUserKnownHostsFile={}", path("known_hosts").display());
        let algorithm = format!("-oHostKeyAlgorithms={algorithm}");
        // Rekeys often: what the client knows the server by has to stay.
        let options = [
            "-oStrictHostKeyChecking=yes",
            "-oUpdateHostKeys=no",
            "-oRekeyLimit=1M",
            &known,
            &algorithm,
        ];
        sftp(
            &server,
            "bob",
            &options,
            "put known_hosts\nput big\nget big back\n",
        )
    };
    fs::write(server.path("known_hosts"), "a file").unwrap();
    fs::write(server.path("big"), vec![7; 5 << 20]).unwrap();
    for algorithm in [
        "ssh-ed25519-cert-v01@openssh.com",
        "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        "rsa-sha2-512-cert-v01@openssh.com",
        "rsa-sha2-256-cert-v01@openssh.com",
        "^ssh-ed25519-cert-v01@openssh.com",
    ] {
        known_by("ca.pub", algorithm).assert_ok();
        let refused = known_by("other_ca.pub", algorithm);
        assert!(
            refused.text.contains("Host key verification failed"),
            "{}",
            refused.text
        );
    }
    // A certificate that is renewed by another authority is there after SIGHUP; a broken one changes nothing.
    fs::remove_file(path("ed25519-cert.pub")).unwrap();
    keygen(&[
        "-q",
        "-s",
        "other_ca",
        "-I",
        "new",
        "-h",
        "-n",
        "127.0.0.1",
        "ed25519.pub",
    ]);
    server.signal("HUP");
    wait_for("the new certificate", || {
        known_by("other_ca.pub", "ssh-ed25519-cert-v01@openssh.com").ok
    });
    fs::copy(path("ca.pub"), path("ed25519-cert.pub")).unwrap();
    server.signal("HUP");
    wait_for("the log to say so", || {
        let log = fs::read_to_string(server.path("sftpgo.log")).unwrap();
        log.contains("certificates of host keys cannot be read again and stays as it was")
    });
    known_by("other_ca.pub", "ssh-ed25519-cert-v01@openssh.com").assert_ok();
}
