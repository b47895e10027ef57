//! OpenSSH's clients, with a password or a key.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use crate::{Outcome, Server};

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
