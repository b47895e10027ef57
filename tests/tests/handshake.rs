//! Algorithms: what the server offers, as ssh-audit judges it, and that all of it works.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use sftpgo_e2e::{Server, python, run, sftp};

/// The findings that stay, each for clients that have nothing better: docs/security.md explains them.
const EXPLAINED: &[(&str, &str, &str)] = &[
    ("kex", "ecdh-sha2-nistp", "elliptic curves"),
    ("key", "ecdsa-sha2-nistp256", "elliptic curves"),
    ("key", "ecdsa-sha2-nistp256", "weak random number generator"),
    ("kex", "", "protection against post-quantum attacks"),
    ("kex", "diffie-hellman-group14-sha256", "2048-bit modulus"),
    (
        "kex",
        "diffie-hellman-group-exchange-sha256",
        "2048-bit modulus",
    ),
];

#[test]
fn ssh_audit_finds_nothing_that_is_not_explained() {
    let report = audit(&Server::start());
    assert_eq!(
        report["kex"][0]["algorithm"], "mlkem768x25519-sha256",
        "a post-quantum exchange is offered first"
    );
    assert_only(&report, EXPLAINED);
}

#[test]
fn ssh_audit_finds_nothing_in_the_hardened_lists_of_the_docs() {
    let docs = include_str!("../../docs/security.md");
    let lists = docs.split("### Hardened lists").nth(1).unwrap();
    let lists = lists
        .split("```json")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let lists: Value = serde_json::from_str(lists).unwrap();
    let joined = |key: &str| {
        let names = lists["sftpd"][key].as_array().unwrap();
        let names: Vec<_> = names.iter().map(|name| name.as_str().unwrap()).collect();
        names.join(",")
    };
    let server = Server::start_with(&[
        ("SFTPGO_SFTPD__KEX_ALGORITHMS", &joined("kex_algorithms")),
        ("SFTPGO_SFTPD__CIPHERS", &joined("ciphers")),
        ("SFTPGO_SFTPD__MACS", &joined("macs")),
    ]);
    // The host keys are those of a first start.
    let left: Vec<_> = EXPLAINED
        .iter()
        .filter(|(part, name, _)| *part == "key" || name.is_empty())
        .copied()
        .collect();
    assert_only(&audit(&server), &left);
}

/// What ssh-audit says of the server.
fn audit(server: &Server) -> Value {
    let audit = PathBuf::from(std::env::var("SFTPGO_TEST_PYTHON").expect("run ./test"))
        .with_file_name("ssh-audit");
    // Its exit code tells of the findings that are explained, too.
    let report = run(
        server,
        Command::new(audit).args([
            "--json",
            "--skip-rate-test",
            "-p",
            &server.sftp_port.to_string(),
            "127.0.0.1",
        ]),
    );
    serde_json::from_str(&report.text).expect(&report.text)
}

/// Fails when there is a finding besides those of `explained`.
#[track_caller]
fn assert_only(report: &Value, explained: &[(&str, &str, &str)]) {
    assert_eq!(report["cves"].as_array().map_or(0, Vec::len), 0, "{report}");
    for part in ["kex", "key", "enc", "mac"] {
        let algorithms = report[part].as_array().unwrap();
        assert!(!algorithms.is_empty(), "{part}");
        for algorithm in algorithms {
            let name = algorithm["algorithm"].as_str().unwrap();
            let findings = ["fail", "warn"].map(|level| algorithm["notes"][level].as_array());
            for finding in findings.into_iter().flatten().flatten() {
                let finding = finding.as_str().unwrap();
                assert!(
                    explained.iter().any(|(of, prefix, words)| {
                        *of == part && name.starts_with(prefix) && finding.contains(words)
                    }),
                    "{part} {name}: {finding}"
                );
            }
        }
    }
}

/// What the server offers to a client that says who it is and nothing more.
fn offered(server: &Server, client: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", server.sftp_port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    // In parts, as a network may bring it.
    for part in ["SSH-2.", &format!("0-{client}\r\n")] {
        stream.write_all(part.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !contains(&seen, b"zlib@openssh.com") {
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "{client}: {seen:?}");
        seen.extend_from_slice(&buffer[..length]);
    }
    assert!(seen.starts_with(b"SSH-2.0-SFTPGo_"), "{client}");
    assert!(
        !contains(&seen[1..], b"SSH-2.0-"),
        "{client}: the line is sent once"
    );
    let begin = position(&seen, b"mlkem768x25519-sha256").unwrap();
    let end = position(&seen, b"zlib@openssh.com").unwrap();
    seen[begin..end].to_vec()
}

#[test]
fn who_waits_for_the_offer_gets_what_its_age_needs() {
    let server = Server::start();
    let modern = b"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com\0";
    let old = b"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512\0";
    for client in ["OpenSSH_9.2p1", "libssh2_1.11.1", "Go"] {
        let list = offered(&server, client);
        assert!(contains(&list, modern), "{client}");
        assert!(
            contains(&list, b"chacha20-poly1305@openssh.com"),
            "{client}"
        );
    }
    for client in [
        "libssh2_1.10.0",
        "Renci.SshNet.SshClient.0.0.1",
        "libssh_0.7.5",
        "my own",
    ] {
        let list = offered(&server, client);
        assert!(contains(&list, old), "{client}");
        assert!(
            !contains(&list, b"chacha20-poly1305@openssh.com"),
            "{client}"
        );
    }
    let named = Server::start_with(&[("SFTPGO_SFTPD__MACS", "hmac-sha2-512")]);
    for client in ["OpenSSH_9.2p1", "my own"] {
        assert!(contains(
            &offered(&named, client),
            b"\0\0\0\rhmac-sha2-512\0"
        ));
    }
}

#[test]
fn clients_that_have_nothing_better_get_in_under_any_name() {
    let server = Server::start();
    server.add_user("bob", &json!({}));
    // What Twisted, paramiko 2.0 to 2.4, Apache MINA before 2.4 and sshj before 0.24 can do at most, and paramiko 1.x and
    // phpseclib 1 without their SHA-1.
    let script = r#"
import os, paramiko
def log_in(name, kex, macs):
    t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
    t.local_version = "SSH-2.0-" + name
    t._preferred_kex, t._preferred_macs, t._preferred_ciphers = [kex], macs, ["aes128-ctr", "aes256-ctr"]
    t.connect(username="bob", password="secret")
    s = paramiko.SFTPClient.from_transport(t)
    with s.open("f", "w") as f: f.write("x" * 100000)
    t.renegotiate_keys()
    assert s.stat("f").st_size == 100000
    assert t.remote_mac in macs, t.remote_mac
    t.close()
for name in ["Twisted_22.4.0", "SSHD-CORE-2.0.0", "SSHJ_0.23.0", "paramiko_2.4.2", "phpseclib_1.0", "anything"]:
    for kex in ["diffie-hellman-group14-sha256", "diffie-hellman-group-exchange-sha256", "ecdh-sha2-nistp256"]:
        log_in(name, kex, ["hmac-sha2-256"])
log_in("x", "diffie-hellman-group-exchange-sha256", ["hmac-sha2-512", "hmac-sha1"])
"#;
    python(&server, script).assert_ok();
    // A client whose name is known for better is not waited for; it gets what an operator names.
    let server = Server::start_with(&[("SFTPGO_SFTPD__MACS", "hmac-sha2-256")]);
    server.add_user("bob", &json!({}));
    for kex in [
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group14-sha256",
    ] {
        let options = [
            "-oMACs=hmac-sha2-256".to_owned(),
            "-oCiphers=aes128-ctr".to_owned(),
            format!("-oKexAlgorithms={kex}"),
        ];
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        sftp(&server, "bob", &options, "put askpass by-openssh\n").assert_ok();
        assert!(server.home("bob").join("by-openssh").exists(), "{kex}");
    }
}

/// With a transfer in which keys are exchanged again: each choice has to survive that, too.
#[test]
fn every_algorithm_of_the_defaults_carries_a_session_and_no_outdated_one_does() {
    // The last two are offered to who has nothing better, and here to everybody.
    let macs =
        "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";
    let server = Server::start_with(&[("SFTPGO_SFTPD__MACS", macs)]);
    server.add_user("bob", &json!({}));
    let script = r#"
import asyncio, asyncssh, os
data = os.urandom(600000)
async def session(expected, **algorithms):
    async with asyncssh.connect("127.0.0.1", int(os.environ["PORT"]), username="bob", password="secret", known_hosts=None,
                                config=None, rekey_bytes="256k", **algorithms) as c:
        async with c.start_sftp_client() as s:
            async with s.open("f", "wb") as f: await f.write(data)
            async with s.open("f", "rb") as f: assert await f.read() == data
        for key, value in expected.items(): assert c.get_extra_info(key) == value, (key, value, c.get_extra_info(key))
async def main():
    for name in ["mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256",
                 "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512",
                 "diffie-hellman-group-exchange-sha256"]:
        await session({}, kex_algs=[name])
    for name in ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256", "rsa-sha2-512"]:
        await session({}, server_host_key_algs=[name])
    for name in ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]:
        await session({"send_cipher": name, "recv_cipher": name}, encryption_algs=[name])
    for cipher in ["aes128-ctr", "aes192-ctr", "aes256-ctr"]:
        for mac in ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"]:
            await session({"send_cipher": cipher, "recv_mac": mac}, encryption_algs=[cipher], mac_algs=[mac])
    await session({"recv_compression": "zlib@openssh.com"}, compression_algs=["zlib@openssh.com"])
    for outdated in [{"kex_algs": ["diffie-hellman-group14-sha1"]}, {"kex_algs": ["diffie-hellman-group-exchange-sha1"]},
                     {"server_host_key_algs": ["ssh-rsa"]}, {"encryption_algs": ["aes128-cbc"]}, {"encryption_algs": ["3des-cbc"]},
                     {"kex_algs": ["diffie-hellman-group18-sha512"]},
                     {"encryption_algs": ["aes128-ctr"], "mac_algs": ["hmac-sha1"]}]:
        try: await session({}, **outdated)
        except (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionError): continue
        raise AssertionError(f"{outdated} is accepted")
asyncio.run(main())
"#;
    python(&server, script).assert_ok();
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    position(haystack, needle).is_some()
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
