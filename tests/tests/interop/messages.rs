//! Single messages and their answers, by paramiko's transport.

use std::{path::Path, process::Command};

use crate::client::{check, script, start};

#[test]
fn messages_are_answered_as_the_rfcs_and_openssh_say() {
    let interpreter = std::env::var("SFTPGO_TEST_PYTHON").expect("run ./test");
    let mut client = Command::new(Path::new(&interpreter));
    client.arg(script("python/messages.py"));
    let scenarios = [
        "repeated-service-request",
        "unknown-message-before-login:40",
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
