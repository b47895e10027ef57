//! Go's x/crypto/ssh with pkg/sftp, of 2019 and new.

use std::process::Command;

use crate::client::{Client, Offer};

const GO: Client = Client {
    name: "go-new",
    command: |directory| Command::new(directory.join("client")),
    offer: Offer::Defaults,
    without: &[],
    more: &["rekey", "channels"],
};

const GO_2019: Client = Client {
    name: "go-old",
    // It signs with SHA-1 alone, and takes encrypt-then-MAC with CBC for encrypt-and-MAC.
    without: &["key:rsa", "cipher:aes128-cbc"],
    ..GO
};

#[test]
fn go_gets_in() {
    GO.passes();
}

#[test]
fn go_uses_what_is_offered_on_request() {
    GO.passes_on_request(&[]);
}

#[test]
fn go_of_2019_gets_in() {
    GO_2019.passes();
}

#[test]
fn go_of_2019_uses_what_is_offered_on_request() {
    GO_2019.passes_on_request(&["key:rsa"]);
}

#[test]
fn go_takes_two_steps() {
    GO.takes_two_steps("ed25519");
    GO_2019.takes_two_steps("ed25519");
}
