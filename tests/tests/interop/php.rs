//! PHP: libssh2 by its extension, and phpseclib 2 and 3.

use std::process::Command;

use crate::client::{Client, Offer, script};

fn php(file: &str) -> Command {
    let mut command = Command::new("php");
    command.arg(script("php").join(file));
    command
}

const LIBSSH2: Client = Client {
    name: "",
    command: |_| php("libssh2_client.php"),
    offer: Offer::Defaults,
    // It signs with SHA-1 alone before 1.11.
    without: &["key:rsa"],
    more: &["compression"],
};

#[test]
fn libssh2_gets_in() {
    LIBSSH2.passes();
}

#[test]
fn libssh2_uses_what_is_offered_on_request() {
    LIBSSH2.passes_on_request(&["key:rsa"]);
}

const PHPSECLIB: Client = Client {
    name: "",
    command: |_| {
        let mut command = php("phpseclib_client.php");
        command.arg("3");
        command
    },
    offer: Offer::Defaults,
    without: &[],
    more: &[],
};

/// It knows RSA keys alone, and its algorithms cannot be chosen.
const PHPSECLIB_2: Client = Client {
    command: |_| {
        let mut command = php("phpseclib_client.php");
        command.arg("2");
        command
    },
    ..PHPSECLIB
};

#[test]
fn phpseclib_gets_in() {
    PHPSECLIB.passes();
}

#[test]
fn phpseclib_uses_what_is_offered_on_request() {
    PHPSECLIB.passes_on_request(&[]);
}

#[test]
fn phpseclib_2_gets_in() {
    let logins = [
        "password",
        "second-password",
        "keyboard-interactive",
        // After a key that was refused it signs with SHA-1 alone.
        "key:rsa",
        "password-after-key:rsa",
    ];
    PHPSECLIB_2.logs_in(&logins);
}
