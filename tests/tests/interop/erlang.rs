//! Erlang's ssh.

use std::process::Command;

use crate::client::{Client, Offer, script};

const ERLANG: Client = Client {
    name: "",
    command: |_| {
        let mut command = Command::new("escript");
        command.arg(script("erlang/ssh_client.escript"));
        command
    },
    offer: Offer::Defaults,
    // It tries each method once.
    without: &["second-password", "second-key:ecdsa"],
    more: &["compression", "rekey", "channels"],
};

#[test]
fn erlang_gets_in() {
    ERLANG.passes();
}

#[test]
fn erlang_uses_what_is_offered_on_request() {
    ERLANG.passes_on_request(&[]);
}
