//! OpenSSH's sftp, which does the work on every server.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::cpu::{self, CpuTime};

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
    /// How a title names the way it is called.
    pub(crate) fn call(self) -> &'static str {
        if self.large { ", -B 261120 -R 256" } else { "" }
    }

    /// Starts the client and waits until it is ready for commands.
    pub(crate) async fn log_in(self, endpoint: &Endpoint) -> Result<Session> {
        let mut child = self
            .command(endpoint)
            .spawn()
            .context("OpenSSH's sftp cannot be started")?;
        let mut input = child.stdin.take().context("no input")?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        // It knows the answer without asking the server again. It may have ended; then its status tells why.
        let _ = input.write_all(b"pwd\n").await;
        let mut line = String::new();
        while !line.starts_with("Remote working directory") {
            line.clear();
            if output.read_line(&mut line).await? == 0 {
                finish(child).await?;
                bail!("sftp ended before it was ready");
            }
        }
        Ok(Session {
            child,
            input,
            output,
        })
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

/// A client that has logged in. It ends when it is dropped, or the future of its work is.
pub(crate) struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    /// What the client spent until now, to log in.
    pub(crate) fn spent(&self) -> CpuTime {
        self.child.id().map_or(CpuTime::default(), cpu::of_living)
    }

    /// Lets it run commands, waits until it has left, and answers what it said.
    pub(crate) async fn run(mut self, commands: &str) -> Result<String> {
        let _ = self.input.write_all(commands.as_bytes()).await;
        drop(self.input);
        let mut said = String::new();
        let (read, finished) =
            tokio::join!(self.output.read_to_string(&mut said), finish(self.child));
        finished?;
        read?;
        Ok(said)
    }
}

async fn finish(child: Child) -> Result<()> {
    let output = child.wait_with_output().await?;
    let reason = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "sftp ended with {}: {}",
        output.status,
        reason.trim()
    );
    Ok(())
}
