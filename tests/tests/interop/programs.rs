//! Programs: PuTTY, Dropbear and curl.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use sftpgo_e2e::{Outcome, Server, assert_same, run};

use crate::{
    algorithms::{CIPHERS, MACS},
    client::start,
};

const BATCH: &str = "put data remote\nls\nget remote back\n";

/// The client ended well and the file came back as it went.
#[track_caller]
fn assert_moved(server: &Server, outcome: Outcome) {
    outcome.assert_ok();
    assert_same(&server.path("data"), &server.path("back"));
    fs::remove_file(server.path("back")).unwrap();
}

fn psftp(server: &Server, options: &[&str]) -> Outcome {
    fs::write(server.path("batch"), BATCH).unwrap();
    let mut psftp = Command::new("psftp");
    psftp.args(["-batch", "-P", &server.sftp_port.to_string(), "-b", "batch"]);
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let host_key = format!("id_{kind}");
        let text = run(server, Command::new("ssh-keygen").args(["-lf", &host_key])).assert_ok();
        psftp.args(["-hostkey", text.split(' ').nth(1).unwrap()]);
    }
    run(server, psftp.args(options).arg("bob@127.0.0.1"))
}

#[test]
fn psftp_gets_in_by_password_and_by_each_kind_of_key_and_by_a_password_after_a_key() {
    let server = start(&[]);
    assert_moved(&server, psftp(&server, &["-pw", "secret"]));
    assert_moved(&server, psftp(&server, &["-pw", "secret", "-C"]));
    for kind in ["ed25519", "ecdsa", "rsa", "other-ecdsa"] {
        let (key, converted) = (format!("keys/{kind}"), format!("{kind}.ppk"));
        let convert = [key.as_str(), "-O", "private", "-o", &converted];
        run(&server, Command::new("puttygen").args(convert)).assert_ok();
    }
    for kind in ["ed25519.ppk", "ecdsa.ppk", "rsa.ppk"] {
        assert_moved(&server, psftp(&server, &["-i", kind]));
    }
    assert_moved(
        &server,
        psftp(&server, &["-i", "other-ecdsa.ppk", "-pw", "secret"]),
    );
}

/// Runs OpenSSH's `sftp` over Dropbear's client.
fn dbclient(server: &Server, password: &str, options: &str) -> Outcome {
    let wrapper = "#!/bin/sh\nexec dbclient -y -y $OPTIONS -p $PORT -s bob@127.0.0.1 sftp\n";
    let path = server.path("wrapper");
    fs::write(&path, wrapper).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(server.path("batch"), BATCH).unwrap();
    let mut sftp = Command::new("sftp");
    sftp.env("DROPBEAR_PASSWORD", password)
        .env("OPTIONS", options)
        .env("PORT", server.sftp_port.to_string());
    let wrapper = path.to_str().unwrap();
    run(
        server,
        sftp.args(["-b", "batch", "-S", wrapper, "bob@127.0.0.1"]),
    )
}

#[test]
fn dropbear_gets_in_by_password_and_key_and_with_each_cipher_and_mac_that_it_has() {
    let server = start(&[]);
    assert_moved(&server, dbclient(&server, "secret", ""));
    for kind in ["ed25519", "ecdsa", "rsa", "other-ecdsa"] {
        let (key, converted) = (format!("keys/{kind}"), format!("{kind}.db"));
        let convert = ["openssh", "dropbear", &key, &converted];
        run(&server, Command::new("dropbearconvert").args(convert)).assert_ok();
    }
    for kind in ["ed25519", "ecdsa", "rsa"] {
        assert_moved(&server, dbclient(&server, "", &format!("-i {kind}.db")));
    }
    assert_moved(&server, dbclient(&server, "secret", "-i other-ecdsa.db"));
    let known = |kind: &str| run(&server, Command::new("dbclient").args([kind, "help"])).text;
    let (ciphers, macs) = (known("-c"), known("-m"));
    let ciphers = CIPHERS
        .defaults
        .iter()
        .filter(|name| ciphers.contains(**name));
    let macs = MACS.defaults.iter().filter(|name| macs.contains(**name));
    let ciphers = ciphers.map(|name| format!("-c {name}"));
    let macs = macs.map(|name| format!("-c aes128-ctr -m {name}"));
    let options: Vec<_> = ciphers.chain(macs).collect();
    assert!(options.len() > 3, "{options:?}");
    for option in options {
        assert_moved(&server, dbclient(&server, "secret", &option));
    }
}

/// curl's SFTP is libssh2's.
#[test]
fn curl_gets_in_by_password_and_by_key_and_compressed() {
    let server = start(&[]);
    let url = format!("sftp://127.0.0.1:{}/remote", server.sftp_port);
    for credential in [
        &["--user", "bob:secret"][..],
        &["--user", "bob:secret", "--compressed-ssh"],
        &[
            "--user",
            "bob:",
            "--key",
            "keys/ecdsa",
            "--pubkey",
            "keys/ecdsa.pub",
        ],
        &[
            "--user",
            "bob:secret",
            "--key",
            "keys/other-ecdsa",
            "--pubkey",
            "keys/other-ecdsa.pub",
        ],
    ] {
        for direction in [&["-T", "data"], &["-o", "back"]] {
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--show-error", "--insecure"])
                .args(credential);
            run(&server, curl.args(direction).arg(&url)).assert_ok();
        }
        assert_same(&server.path("data"), &server.path("back"));
        fs::remove_file(server.path("back")).unwrap();
    }
}
