//! Where the commands of the documentation are typed.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sftpgo_e2e::{Server, binary};
use tempfile::TempDir;

/// What stands for cargo: all is built when tests run. Of what measures, it says whether it would be understood.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
"run --release --bin "*) program=$4; shift 5; exec "$program" "$@" ;;
"xtask "*) shift; exec sftpgo-tools "$@" --help ;;
"build --release") ;;
*) echo "what is cargo $* to do?" >&2; exit 1 ;;
esac
"#;
/// What stands for sudo: the tests have one account.
const SUDO: &str = r#"#!/bin/sh
[ "$1" = -u ] && shift 2
exec "$@"
"#;

/// A directory, and a shell in which the programs are found. With a server it is that one's, and so is what they ask.
pub(crate) struct Desk<'a> {
    server: Option<&'a Server>,
    own: TempDir,
}

impl Desk<'static> {
    pub(crate) fn new() -> Self {
        Self::made(None)
    }
}

impl<'a> Desk<'a> {
    pub(crate) fn of(server: &'a Server) -> Self {
        Self::made(Some(server))
    }

    fn made(server: Option<&'a Server>) -> Self {
        let own = tempfile::tempdir().unwrap();
        let programs = own.path().join("bin");
        fs::create_dir(&programs).unwrap();
        for program in ["sftpgo-server", "sftpgo-cli", "sftpgo-tools"] {
            symlink(binary(program), programs.join(program)).unwrap();
        }
        for (program, text) in [("cargo", CARGO), ("sudo", SUDO)] {
            let path = programs.join(program);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { server, own }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        match self.server {
            Some(server) => server.path(""),
            None => self.own.path().to_owned(),
        }
    }

    /// A shell that does what is typed, in which the programs are those of the tests.
    pub(crate) fn shell(&self, typed: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        let mut shell = Command::new("bash");
        shell
            .args(["-euo", "pipefail", "-c", typed])
            .current_dir(self.path())
            .env("PATH", format!("{}:{path}", bin(self.own.path())))
            .env("HOME", self.path())
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null());
        if let Some(server) = self.server {
            let port = server.http_port.to_string();
            shell
                .env("SFTPGO_URL", format!("http://127.0.0.1:{port}"))
                .env("SFTPGO_HTTPD__BIND_PORT", port);
        }
        shell
    }

    /// What is printed by what is typed, which has to end well.
    #[track_caller]
    pub(crate) fn types(&self, typed: &str) -> String {
        let output = self.shell(typed).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{typed}\n{output:?}\n{said}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn bin(directory: &Path) -> String {
    directory.join("bin").display().to_string()
}
