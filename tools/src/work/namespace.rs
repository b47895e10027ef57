//! A network namespace in which only a slow loopback is.

use std::{
    fs::File,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::wrap::wrap;

/// Packets that wait at once: more than any window here holds.
const QUEUE: &str = "200000";

/// Lives as long as its holder, a process that waits for its input to end.
pub(crate) struct Namespace {
    holder: Child,
}

impl Namespace {
    /// A new namespace, or why this system has none with a delay.
    pub(crate) fn create() -> Result<Self> {
        let holder = Command::new("unshare")
            .args([
                "--net",
                "sh",
                "-c",
                "ip link set lo mtu 1500 up && echo up && exec cat",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("unshare cannot be started")?;
        let mut namespace = Self { holder };
        let mut line = [0; 3];
        let output = namespace.holder.stdout.as_mut().context("no output")?;
        std::io::Read::read_exact(output, &mut line).map_err(|_| {
            anyhow!("no network namespace can be made (that needs root and iproute2)")
        })?;
        delay(&namespace.path(), Duration::ZERO)?;
        Ok(namespace)
    }

    /// The file by which others enter it.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.holder.id()))
    }

    /// The command, started inside.
    pub(crate) fn around(&self, command: &Command) -> Command {
        let mut around = Command::new("nsenter");
        around.arg(format!("--net={}", self.path().display()));
        wrap(around, command)
    }

    /// Does something inside.
    pub(crate) fn within<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let file = File::open(self.path())?;
        // A thread has a namespace of its own.
        let inside = || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
            act()
        };
        thread::scope(|scope| match scope.spawn(inside).join() {
            Ok(done) => done,
            Err(_) => bail!("the work in the network namespace came to no end"),
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Lets every packet of the namespace's loopback wait this long.
pub(super) fn delay(namespace: &Path, one_way: Duration) -> Result<()> {
    let done = Command::new("nsenter")
        .arg(format!("--net={}", namespace.display()))
        .args([
            "tc", "qdisc", "replace", "dev", "lo", "root", "netem", "limit", QUEUE,
        ])
        .args(["delay", &format!("{}us", one_way.as_micros())])
        .output()
        .context("nsenter cannot be started")?;
    let reason = String::from_utf8_lossy(&done.stderr);
    ensure!(
        done.status.success(),
        "the kernel cannot delay packets: {}",
        reason.trim()
    );
    Ok(())
}
