//! OpenSSH's sftp, which does the work on every server.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use tokio::{io::AsyncWriteExt, process::Command};

/// Where and as whom to log in.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) key: PathBuf,
    /// The network namespace that it is in, where that is another one.
    pub(crate) namespace: Option<PathBuf>,
}

/// A cipher with the authentication that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cipher {
    /// aes128-gcm@openssh.com
    #[value(name = "aes128-gcm")]
    Aes128Gcm,
    /// aes256-gcm@openssh.com
    #[value(name = "aes256-gcm")]
    Aes256Gcm,
    /// chacha20-poly1305@openssh.com
    #[value(name = "chacha20-poly1305")]
    ChaCha20Poly1305,
    /// aes128-ctr with hmac-sha2-256-etm@openssh.com
    #[value(name = "aes128-ctr")]
    Aes128Ctr,
}

impl Cipher {
    /// The name in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "aes128-gcm",
            Self::Aes256Gcm => "aes256-gcm",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
            Self::Aes128Ctr => "aes128-ctr, hmac-sha2-256-etm",
        }
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Aes128Gcm => &["Ciphers=aes128-gcm@openssh.com"],
            Self::Aes256Gcm => &["Ciphers=aes256-gcm@openssh.com"],
            Self::ChaCha20Poly1305 => &["Ciphers=chacha20-poly1305@openssh.com"],
            Self::Aes128Ctr => &["Ciphers=aes128-ctr", "MACs=hmac-sha2-256-etm@openssh.com"],
        }
    }
}

/// How the client is called.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Client {
    /// Instead of what both sides prefer.
    pub(crate) cipher: Option<Cipher>,
    /// With the largest packets and 256 of them under way, instead of its defaults.
    pub(crate) large: bool,
    /// With one key exchange for all servers, instead of what both sides prefer.
    pub(crate) same_exchange: bool,
}

impl Client {
    /// Runs the client's commands and answers its output.
    ///
    /// It ends when the future is dropped.
    pub(crate) async fn run(self, endpoint: &Endpoint, commands: &str) -> Result<String> {
        let mut command = self.command(endpoint);
        let mut child = command
            .spawn()
            .context("OpenSSH's sftp cannot be started")?;
        let mut input = child.stdin.take().context("no input")?;
        // It may end before it has read everything; its status tells why.
        let _ = input.write_all(commands.as_bytes()).await;
        drop(input);
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            bail!("sftp ended with {}: {}", output.status, reason.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(self, endpoint: &Endpoint) -> Command {
        let mut command = match &endpoint.namespace {
            None => Command::new("sftp"),
            Some(namespace) => {
                let mut inside = Command::new("nsenter");
                inside
                    .arg(format!("--net={}", namespace.display()))
                    .arg("sftp");
                inside
            }
        };
        command.args(["-q", "-b", "-", "-F", "/dev/null"]);
        let fixed = [
            "IdentitiesOnly=yes",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "Compression=no",
        ];
        let cipher = self.cipher.map_or(&[][..], Cipher::options);
        let exchange: &[&str] = if self.same_exchange {
            &[
                "KexAlgorithms=curve25519-sha256",
                "HostKeyAlgorithms=ssh-ed25519",
            ]
        } else {
            &[]
        };
        for option in fixed.iter().chain(cipher).chain(exchange) {
            command.args(["-o", option]);
        }
        if self.large {
            command.args(["-B", "261120", "-R", "256"]);
        }
        command
            .arg("-i")
            .arg(&endpoint.key)
            .args(["-P", &endpoint.port.to_string()]);
        command.arg(format!("{}@{}", endpoint.user, endpoint.host));
        command
            .env_remove("SSH_AUTH_SOCK")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}
