//! ssh2 of npm, 0.8 and 1.x.

use std::process::Command;

use crate::client::{Client, Offer, script};

fn node(module: &str) -> Command {
    let modules = std::env::var("SFTPGO_TEST_NODE_MODULES")
        .expect("run ./test, which prepares the clients of npm");
    let mut command = Command::new("node");
    command
        .arg(script("node/ssh2_client.js"))
        .env("NODE_PATH", modules)
        .env("MODULE", module);
    command
}

const SSH2: Client = Client {
    name: "",
    command: |_| node("ssh2"),
    offer: Offer::Defaults,
    without: &[],
    more: &["compression", "rekey"],
};

const SSH2_0_8: Client = Client {
    command: |_| node("ssh2-old"),
    // It tries each method once; its compression does not get on with OpenSSH either; it signs with SHA-1 alone.
    without: &["second-password", "second-key:ecdsa", "key:rsa"],
    more: &[],
    ..SSH2
};

#[test]
fn ssh2_gets_in() {
    SSH2.passes();
}

#[test]
fn ssh2_uses_what_is_offered_on_request() {
    SSH2.passes_on_request(&[]);
}

#[test]
fn ssh2_0_8_gets_in() {
    SSH2_0_8.passes();
}

#[test]
fn ssh2_0_8_uses_what_is_offered_on_request() {
    SSH2_0_8.passes_on_request(&["key:rsa"]);
}
