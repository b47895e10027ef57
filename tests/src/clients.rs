//! The clients: OpenSSH with a password or a key, and Python's.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::Server;

/// How a client ended.
#[derive(Debug)]
pub struct Outcome {
    /// Did it say that all went well?
    pub ok: bool,
    /// Everything it printed.
    pub text: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = [output.stdout, output.stderr].concat();
        Self {
            ok: output.status.success(),
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }
}

impl Outcome {
    /// The text, of a client that ended well.
    #[track_caller]
    pub fn assert_ok(self) -> String {
        assert!(self.ok, "{}", self.text);
        self.text
    }
}

/// Options that make OpenSSH ask nothing and remember nothing.
pub fn ssh_options() -> Vec<String> {
    [
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
        "IdentityAgent=none",
    ]
    .iter()
    .flat_map(|option| ["-o".to_owned(), (*option).to_owned()])
    .collect()
}

/// Runs `sftp` as `user` with the password `secret`; `commands` is its batch, `options` win over ours.
pub fn sftp(server: &Server, user: &str, options: &[&str], commands: &str) -> Outcome {
    let mut command = Command::new("sftp");
    command.args(options);
    answer_password(&mut command, server);
    run_batch(command, server, user, commands)
}

/// Lets an OpenSSH client log in once, with the password `secret` and nothing else.
pub fn answer_password(command: &mut Command, server: &Server) {
    let askpass = server.path("askpass");
    if !askpass.exists() {
        fs::write(&askpass, "#!/bin/sh\necho secret\n").unwrap();
        fs::set_permissions(&askpass, fs::Permissions::from_mode(0o700)).unwrap();
    }
    command
        .env("SSH_ASKPASS", &askpass)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .args([
            "-oNumberOfPasswordPrompts=1",
            "-oPreferredAuthentications=password",
        ]);
}

/// Runs `sftp` as `user` with a private key and nothing else.
pub fn sftp_with_key(server: &Server, user: &str, key: &Path, commands: &str) -> Outcome {
    let mut command = Command::new("sftp");
    command
        .arg("-i")
        .arg(key)
        .args(["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]);
    run_batch(command, server, user, commands)
}

fn run_batch(mut command: Command, server: &Server, user: &str, commands: &str) -> Outcome {
    let mut client = command
        .args(ssh_options())
        // A batch from the terminal's place would switch password logins off; from here it stops at an error too.
        .args([
            "-oBatchMode=no",
            "-b",
            "-",
            "-P",
            &server.sftp_port.to_string(),
        ])
        .arg(format!("{user}@127.0.0.1"))
        .current_dir(server.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    client
        .stdin
        .take()
        .unwrap()
        .write_all(commands.as_bytes())
        .unwrap();
    client.wait_with_output().unwrap().into()
}

/// Runs a Python script with the interpreter that `./test` prepared; PORT and HTTP are in its environment.
pub fn python(server: &Server, script: &str) -> Outcome {
    let interpreter =
        std::env::var("SFTPGO_TEST_PYTHON").expect("run ./test, which prepares Python's clients");
    Command::new(interpreter)
        .args(["-c", script])
        .env("PORT", server.sftp_port.to_string())
        .env("HTTP", format!("http://127.0.0.1:{}", server.http_port))
        .current_dir(server.path(""))
        .output()
        .unwrap()
        .into()
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
