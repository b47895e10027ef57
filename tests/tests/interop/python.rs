//! paramiko and asyncssh, old and new.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::client::{Client, Offer, script};

pub(crate) fn interpret(interpreter: &Path, file: &str) -> Command {
    let mut command = Command::new(interpreter);
    command
        .args(["-W", "ignore"])
        .arg(script("python").join(file));
    command
}

/// The interpreter with the newest of everything.
pub(crate) fn newest() -> PathBuf {
    std::env::var("SFTPGO_TEST_PYTHON")
        .expect("run ./test, which prepares Python's clients")
        .into()
}

fn paramiko(directory: &Path) -> Command {
    interpret(&directory.join("bin/python"), "paramiko_client.py")
}

fn asyncssh(directory: &Path) -> Command {
    interpret(&directory.join("bin/python"), "asyncssh_client.py")
}

const PARAMIKO_1_16: Client = Client {
    name: "paramiko-1.16",
    command: paramiko,
    offer: Offer::Defaults,
    // It signs with SHA-1 alone.
    without: &["key:ed25519", "key:rsa"],
    more: &["compression", "rekey"],
};

const PARAMIKO_2_4: Client = Client {
    name: "paramiko-2.4",
    without: &["key:rsa"],
    ..PARAMIKO_1_16
};

const PARAMIKO_3: Client = Client {
    name: "paramiko-3",
    without: &[],
    ..PARAMIKO_1_16
};

const ASYNCSSH_2_0: Client = Client {
    name: "asyncssh-2.0",
    command: asyncssh,
    offer: Offer::Defaults,
    without: &[],
    more: &["compression", "rekey", "channels"],
};

#[test]
fn paramiko_1_16_gets_in() {
    PARAMIKO_1_16.passes();
}

#[test]
fn paramiko_1_16_uses_what_is_offered_on_request() {
    PARAMIKO_1_16.passes_on_request(&["key:rsa"]);
}

#[test]
fn paramiko_2_4_gets_in() {
    PARAMIKO_2_4.passes();
}

#[test]
fn paramiko_2_4_uses_what_is_offered_on_request() {
    PARAMIKO_2_4.passes_on_request(&["key:rsa"]);
}

#[test]
fn paramiko_3_gets_in() {
    PARAMIKO_3.passes();
}

#[test]
fn paramiko_3_uses_what_is_offered_on_request() {
    PARAMIKO_3.passes_on_request(&[]);
}

#[test]
fn asyncssh_2_0_gets_in() {
    ASYNCSSH_2_0.passes();
}

#[test]
fn asyncssh_2_0_uses_what_is_offered_on_request() {
    ASYNCSSH_2_0.passes_on_request(&[]);
}

const NEWEST_PARAMIKO: Client = Client {
    name: "",
    command: |_| interpret(&newest(), "paramiko_client.py"),
    without: &[],
    ..PARAMIKO_1_16
};

const NEWEST_ASYNCSSH: Client = Client {
    name: "",
    command: |_| interpret(&newest(), "asyncssh_client.py"),
    ..ASYNCSSH_2_0
};

#[test]
fn paramiko_gets_in() {
    NEWEST_PARAMIKO.passes();
}

#[test]
fn asyncssh_gets_in() {
    NEWEST_ASYNCSSH.passes();
}

#[test]
fn asyncssh_uses_what_is_offered_on_request() {
    NEWEST_ASYNCSSH.passes_on_request(&[]);
}

const CONCH: Client = Client {
    name: "twisted",
    command: |directory| interpret(&directory.join("bin/python"), "conch_client.py"),
    offer: Offer::Defaults,
    // It signs with SHA-1 alone.
    without: &["key:rsa"],
    more: &[],
};

#[test]
fn twisted_gets_in() {
    CONCH.passes();
}

#[test]
fn twisted_uses_what_is_offered_on_request() {
    CONCH.passes_on_request(&["key:rsa"]);
}
