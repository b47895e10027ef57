//! Ruby's Net::SSH, with net-sftp and net-scp.

use std::process::Command;

use crate::client::{Client, Offer, script};

const NET_SSH: Client = Client {
    name: "",
    command: |_| {
        let mut command = Command::new("ruby");
        command.arg(script("ruby/net_ssh_client.rb"));
        command
    },
    offer: Offer::Defaults,
    without: &[],
    more: &[
        "none-and-password",
        "compression",
        "scp",
        "rekey",
        "channels",
    ],
};

#[test]
fn net_ssh_gets_in() {
    NET_SSH.passes();
}

#[test]
fn net_ssh_uses_what_is_offered_on_request() {
    NET_SSH.passes_on_request(&[]);
}
