//! The servers that are compared.

pub(crate) mod ours;
pub(crate) mod peer;
pub(crate) mod sshd;

use std::{
    collections::hash_map::RandomState,
    ffi::OsString,
    fs,
    hash::{BuildHasher, Hasher},
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::{
    client::Endpoint,
    cpu::{Method, Processes},
    scratch::{self, Scratch},
    work::namespace::Namespace,
};

/// How long a server may take to listen.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A running server that lets us log in. Dropping it ends it, if it was started here, and removes our files from it.
pub(crate) struct Server {
    pub(crate) name: String,
    /// What it calls itself.
    pub(crate) banner: String,
    pub(crate) endpoint: Endpoint,
    /// Another user with the same key and the same files, whose bandwidth is limited, where the server knows limits.
    pub(crate) limited_user: Option<String>,
    pub(crate) processes: Processes,
    /// How to start another one like it, where it is ours.
    pub(crate) program: Option<ours::Program>,
    /// The directory of our files as we see it; a client sees it as [`Server::FILES`] where it logs in.
    pub(crate) files: Files,
    /// Configuration, keys, database, log.
    _state: Option<TempDir>,
}

impl Server {
    /// The name of the directory with our files, below the directory where clients log in.
    pub(crate) const FILES: &'static str = "sftpgo-bench-files";

    /// Where to log in, as a user with limited bandwidth if that is asked for.
    pub(crate) fn endpoint(&self, limited: bool) -> Endpoint {
        let mut endpoint = self.endpoint.clone();
        if let (true, Some(user)) = (limited, &self.limited_user) {
            endpoint.user.clone_from(user);
        }
        endpoint
    }
}

/// A directory that goes with its server.
pub(crate) struct Files(PathBuf);

impl Files {
    fn below(home: &Path) -> Result<Self> {
        let path = home.join(Server::FILES);
        scratch::open_directory(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = scratch::remove(&self.0);
    }
}

/// What every server that we start needs.
pub(crate) struct Site<'a> {
    pub(crate) scratch: &'a Scratch,
    pub(crate) method: Method,
    /// Where clients and servers are alone with a slow network.
    pub(crate) namespace: Option<&'a Namespace>,
}

impl Site<'_> {
    /// Starts a program in the namespace, if there is one.
    fn launch(&self, command: Command, state: &Path) -> Result<Processes> {
        let command = match self.namespace {
            Some(namespace) => namespace.around(&command),
            None => command,
        };
        let own = std::env::current_exe()?;
        Processes::launch(&own, self.method, command, &state.join("stderr"))
    }

    /// Does something where the servers can be reached.
    fn within<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        match self.namespace {
            Some(namespace) => namespace.within(act),
            None => act(),
        }
    }

    fn endpoint(&self, port: u16, user: &str, key: PathBuf) -> Endpoint {
        Endpoint {
            host: "127.0.0.1".to_owned(),
            port,
            user: user.to_owned(),
            key,
            namespace: self.namespace.map(Namespace::path),
        }
    }

    /// Waits for a server to greet and answers its identification.
    fn wait_for(&self, port: u16, processes: &Processes, state: &Path) -> Result<String> {
        let start = Instant::now();
        loop {
            if let Ok(banner) = self.within(|| banner("127.0.0.1", port)) {
                return Ok(banner);
            }
            let complaints = || fs::read_to_string(state.join("stderr")).unwrap_or_default();
            // A moment for the keeper to start it.
            if start.elapsed() > Duration::from_secs(2) && processes.alive()?.is_empty() {
                bail!("it ended at once: {}", complaints().trim());
            }
            ensure!(
                start.elapsed() < START_LIMIT,
                "it does not listen: {}",
                complaints().trim()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The identification line of a server, which tells its version.
fn banner(host: &str, port: u16) -> Result<String> {
    let stream = TcpStream::connect((host, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let version = line
        .trim()
        .strip_prefix("SSH-2.0-")
        .context("no SSH server")?;
    Ok(version.to_owned())
}

/// Where a server has its configuration, keys, database and log: on a disk, as in earnest.
pub(crate) fn state_directory() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("sftpgo-bench-").tempdir()?)
}

/// A port below those the system gives to outgoing connections.
pub(crate) fn free_port() -> Result<u16> {
    for _ in 0..1000 {
        let random = RandomState::new().build_hasher().finish() % 20_000;
        let port = 10_000 + u16::try_from(random)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free")
}

/// Makes a key pair without passphrase and answers the public line.
pub(crate) fn make_key(path: &Path) -> Result<String> {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-t", "ed25519", "-f"])
        .arg(path)
        .status()
        .context("OpenSSH's ssh-keygen cannot be started")?;
    ensure!(made.success(), "ssh-keygen ended with {made}");
    Ok(fs::read_to_string(path.with_extension("pub"))?
        .trim()
        .to_owned())
}

/// The settings of our servers in this program's environment, which must not reach the one that is measured.
fn own_settings() -> impl Iterator<Item = OsString> {
    let keys = std::env::vars_os().map(|(key, _)| key);
    keys.filter(|key| key.as_encoded_bytes().starts_with(b"SFTPGO_"))
}
