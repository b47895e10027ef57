//! Clients that are Python libraries.

use std::process::Command;

use crate::{Outcome, Server, run};

/// Runs a Python script with the interpreter that `./test` prepared; PORT and HTTP are in its environment.
pub fn python(server: &Server, script: &str) -> Outcome {
    run(server, &mut python_command(server, script))
}

/// The command that [`python`] runs.
pub fn python_command(server: &Server, script: &str) -> Command {
    let interpreter =
        std::env::var("SFTPGO_TEST_PYTHON").expect("run ./test, which prepares Python's clients");
    let mut command = Command::new(interpreter);
    command
        .args(["-c", script])
        .env("PORT", server.sftp_port.to_string())
        .env("HTTP", format!("http://127.0.0.1:{}", server.http_port))
        .current_dir(server.path(""));
    command
}

/// Runs a script with paramiko: `t` is a transport that `bob` is logged in on, `s` its SFTP client.
#[track_caller]
pub fn paramiko(server: &Server, script: &str) {
    python(server, &format!("{PARAMIKO}{script}")).assert_ok();
}

const PARAMIKO: &str = r#"
import os, paramiko, shutil, stat, struct
def log_in(username):
    t = paramiko.Transport(("127.0.0.1", int(os.environ["PORT"])))
    t.connect(username=username, password="secret")
    return t
def refused(kind, call, *args):
    try:
        call(*args)
    except kind as error:
        return error
    raise AssertionError(f"{call} {args} was not refused")
t = log_in("bob")
s = paramiko.SFTPClient.from_transport(t)
"#;
