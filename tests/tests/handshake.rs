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
use sftpgo_e2e::{Server, python, run};

/// The findings that stay, each for clients that have nothing better: docs/security.md explains them.
const EXPLAINED: &[(&str, &str, &str)] = &[
    ("kex", "ecdh-sha2-nistp", "elliptic curves"),
    ("key", "ecdsa-sha2-nistp256", "elliptic curves"),
    ("key", "ecdsa-sha2-nistp256", "weak random number generator"),
    ("kex", "", "protection against post-quantum attacks"),
];

#[test]
fn ssh_audit_finds_nothing_that_is_not_explained() {
    let server = Server::start();
    let audit = PathBuf::from(std::env::var("SFTPGO_TEST_PYTHON").expect("run ./test"))
        .with_file_name("ssh-audit");
    // Its exit code tells of the findings that are explained, too.
    let report = run(
        &server,
        Command::new(audit).args([
            "--json",
            "--skip-rate-test",
            "-p",
            &server.sftp_port.to_string(),
            "127.0.0.1",
        ]),
    );
    let report: Value = serde_json::from_str(&report.text).expect(&report.text);
    assert_eq!(
        report["kex"][0]["algorithm"], "mlkem768x25519-sha256",
        "a post-quantum exchange is offered first"
    );
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
                    EXPLAINED.iter().any(|(of, prefix, words)| {
                        *of == part && name.starts_with(prefix) && finding.contains(words)
                    }),
                    "{part} {name}: {finding}"
                );
            }
        }
    }
}

#[test]
fn who_has_nothing_better_than_encrypt_and_mac_is_offered_that() {
    let server = Server::start();
    for (client, offered) in [
        ("libssh2_1.10.0", true),
        ("JSCH-0.1.54", true),
        ("OpenSSH_9.2p1", false),
    ] {
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
        while !contains(&seen, b"hmac-sha2-512-etm@openssh.com") {
            let length = stream.read(&mut buffer).unwrap();
            assert!(length > 0, "{client}: {seen:?}");
            seen.extend_from_slice(&buffer[..length]);
        }
        assert!(seen.starts_with(b"SSH-2.0-SFTPGo_"), "{client}");
        assert!(
            !contains(&seen[1..], b"SSH-2.0-"),
            "{client}: the line is sent once"
        );
        assert_eq!(
            contains(&seen, b",hmac-sha2-512,") || contains(&seen, b",hmac-sha2-512\0"),
            offered,
            "{client}"
        );
    }
}

/// With a transfer in which keys are exchanged again: each choice has to survive that, too.
#[test]
fn every_algorithm_of_the_defaults_carries_a_session_and_no_outdated_one_does() {
    let server = Server::start();
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
                 "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512"]:
        await session({}, kex_algs=[name])
    for name in ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256", "rsa-sha2-512"]:
        await session({}, server_host_key_algs=[name])
    for name in ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]:
        await session({"send_cipher": name, "recv_cipher": name}, encryption_algs=[name])
    for cipher in ["aes128-ctr", "aes192-ctr", "aes256-ctr"]:
        for mac in ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"]:
            await session({"send_cipher": cipher, "recv_mac": mac}, encryption_algs=[cipher], mac_algs=[mac])
    await session({"recv_compression": "zlib@openssh.com"}, compression_algs=["zlib@openssh.com"])
    for outdated in [{"kex_algs": ["diffie-hellman-group14-sha1"]}, {"kex_algs": ["diffie-hellman-group-exchange-sha1"]},
                     {"server_host_key_algs": ["ssh-rsa"]}, {"encryption_algs": ["aes128-cbc"]}, {"encryption_algs": ["3des-cbc"]},
                     {"encryption_algs": ["aes128-ctr"], "mac_algs": ["hmac-sha1"]},
                     {"encryption_algs": ["aes128-ctr"], "mac_algs": ["hmac-sha2-256"]}]:
        try: await session({}, **outdated)
        except (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionError): continue
        raise AssertionError(f"{outdated} is accepted")
asyncio.run(main())
"#;
    python(&server, script).assert_ok();
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
