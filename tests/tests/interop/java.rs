//! JSch, sshj and Apache MINA sshd, old and new, and Trilead's SSH.

use std::{path::Path, process::Command};

use crate::client::{Client, Offer};

fn java(directory: &Path, class: &str) -> Command {
    let path = format!("{0}/jars/*:{0}/classes", directory.display());
    let mut command = Command::new("java");
    command.args([
        "-Xshare:auto",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        &path,
        class,
    ]);
    command
}

const JSCH: Client = Client {
    name: "jsch",
    command: |directory| java(directory, "Jsch"),
    offer: Offer::Defaults,
    without: &[],
    more: &[],
};

const JSCH_0_1: Client = Client {
    name: "jsch-0.1",
    // It signs with SHA-1 alone.
    without: &["key:ed25519", "key:rsa"],
    ..JSCH
};

const SSHJ: Client = Client {
    name: "sshj",
    command: |directory| java(directory, "Sshj"),
    offer: Offer::Defaults,
    without: &[],
    more: &["compression"],
};

const SSHJ_0_23: Client = Client {
    name: "sshj-0.23",
    without: &["key:rsa"],
    // Its compression does not get on with OpenSSH either.
    more: &[],
    ..SSHJ
};

const SSHJ_0_10: Client = Client {
    name: "sshj-0.10",
    // Its only exchanges are of SHA-1, whose hash is shorter than a key of SHA-2 MACs: it makes no longer one.
    offer: Offer::Everything,
    without: &["key:ed25519", "mac:hmac-sha2-256", "mac:hmac-sha2-512"],
    more: &[],
    ..SSHJ
};

const MINA: Client = Client {
    name: "mina",
    command: |directory| java(directory, "Mina"),
    offer: Offer::Defaults,
    without: &[],
    more: &["compression", "rekey"],
};

const MINA_2_3: Client = Client {
    name: "mina-2.3",
    without: &["key:rsa"],
    ..MINA
};

const TRILEAD: Client = Client {
    name: "trilead",
    command: |directory| java(directory, "Trilead"),
    // Its only host keys, signatures and MACs are of SHA-1.
    offer: Offer::Everything,
    without: &[
        "key:ecdsa",
        "key:ed25519",
        "second-key:ecdsa",
        "password-after-key:ecdsa",
    ],
    more: &["second-key:rsa", "password-after-key:rsa", "rekey"],
};

#[test]
fn jsch_gets_in() {
    JSCH.passes();
}

#[test]
fn jsch_uses_what_is_offered_on_request() {
    JSCH.passes_on_request(&[]);
}

#[test]
fn jsch_0_1_55_gets_in() {
    JSCH_0_1.passes();
}

#[test]
fn jsch_0_1_55_uses_what_is_offered_on_request() {
    JSCH_0_1.passes_on_request(&["key:rsa"]);
}

#[test]
fn sshj_gets_in() {
    SSHJ.passes();
}

#[test]
fn sshj_uses_what_is_offered_on_request() {
    SSHJ.passes_on_request(&[]);
}

#[test]
fn sshj_0_23_gets_in() {
    SSHJ_0_23.passes();
}

#[test]
fn sshj_0_23_uses_what_is_offered_on_request() {
    SSHJ_0_23.passes_on_request(&["key:rsa"]);
}

#[test]
fn sshj_0_10_gets_in_when_its_algorithms_are_offered() {
    SSHJ_0_10.passes();
}

#[test]
fn mina_gets_in() {
    MINA.passes();
}

#[test]
fn mina_uses_what_is_offered_on_request() {
    MINA.passes_on_request(&[]);
}

#[test]
fn mina_2_3_gets_in() {
    MINA_2_3.passes();
}

#[test]
fn mina_2_3_uses_what_is_offered_on_request() {
    MINA_2_3.passes_on_request(&["key:rsa"]);
}

#[test]
fn trilead_gets_in_when_its_algorithms_are_offered() {
    TRILEAD.passes();
}

#[test]
fn clients_in_java_take_two_steps() {
    for client in [JSCH, JSCH_0_1, SSHJ, SSHJ_0_23, MINA, MINA_2_3] {
        client.takes_two_steps("ecdsa");
    }
}
