//! Single messages and their answers, and the order in which SSH.NET sends them, by paramiko's transport.

use std::{path::Path, process::Command};

use crate::client::{check, clients, script, start, start_with_everything};

#[test]
fn messages_are_answered_as_the_rfcs_and_openssh_say() {
    let interpreter = std::env::var("SFTPGO_TEST_PYTHON").expect("run ./test");
    let mut client = Command::new(Path::new(&interpreter));
    client.arg(script("python/messages.py"));
    let scenarios = [
        "repeated-service-request",
        "unknown-message-before-login:40",
        // AIX' client sends it.
        "unknown-message-before-login:106",
        "unknown-message:40",
        "unknown-message:150",
        "unknown-message:255",
        "channel-before-login",
        "global-request-before-login",
        "keepalive",
        "forwarding-refused",
        "no-more-sessions",
        "login-after-login",
    ];
    check(&start(&[]), client, &scenarios.map(str::to_owned));
}

/// SSH.NET itself is not to be had here.
#[test]
fn ssh_net_of_2016_gets_in_when_its_algorithms_are_offered() {
    let mut client = Command::new(clients().join("paramiko-2.4/bin/python"));
    client
        .args(["-W", "ignore"])
        .arg(script("python/ssh_net.py"));
    let scenarios = [
        "password",
        "keyboard-interactive",
        "second-password",
        "key:rsa",
        "second-key:rsa",
        "password-after-key:rsa",
    ];
    let scenarios = scenarios.map(str::to_owned);
    check(&start_with_everything(), client, &scenarios);
}
