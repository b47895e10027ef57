//! Counting by a cgroup of version 2: `cpu.stat` has what its processes spent, those that ended and those that were
//! orphaned included. No controller has to be switched on for that.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::{CpuTime, tree};
use crate::wrap::wrap;

/// A killed process stays in its group until the kernel has buried it.
const REMOVE_ATTEMPTS: u32 = 100;
const REMOVE_PAUSE: Duration = Duration::from_millis(20);

/// A group of processes.
pub(super) struct Cgroup {
    path: PathBuf,
    held: Held,
}

enum Held {
    /// Made here for processes that are started here.
    Own,
    /// Made here for processes that go back where they were.
    Adopted { back: PathBuf },
    /// Somebody else's.
    Foreign,
}

impl Cgroup {
    /// A new group below the one that this process is in.
    pub(super) fn create() -> Result<Self> {
        let group = Self {
            path: new_directory(&of_process("self")?)?,
            held: Held::Own,
        };
        let entered = group.around(&Command::new("true")).status();
        if !entered.is_ok_and(|status| status.success()) {
            bail!("{} cannot be entered", group.path.display());
        }
        Ok(group)
    }

    /// The group that a server is in already, where it is that server's alone.
    pub(super) fn of(pid: i32) -> Result<Self> {
        let path = of_process(&pid.to_string())?;
        if path == of_process("self")? || path == mount_point()? {
            bail!("process {pid} has no cgroup of its own");
        }
        Ok(Self {
            path,
            held: Held::Foreign,
        })
    }

    /// A new group that a running server is put into, with the processes below it.
    pub(super) fn adopt(pid: i32) -> Result<Self> {
        let group = Self {
            path: new_directory(&of_process("self")?)?,
            held: Held::Adopted {
                back: of_process(&pid.to_string())?,
            },
        };
        for member in tree::from(pid) {
            enter(&group.path, member)?;
        }
        Ok(group)
    }

    /// The command, started inside the group.
    pub(super) fn around(&self, command: &Command) -> Command {
        let mut around = Command::new("/bin/sh");
        around
            .args(["-c", r#"echo $$ >"$0" && exec "$@""#])
            .arg(self.path.join("cgroup.procs"));
        wrap(around, command)
    }

    pub(super) fn cpu(&self) -> Result<CpuTime> {
        let path = self.path.join("cpu.stat");
        let stat = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        parse(&stat).with_context(|| format!("{} has no times", path.display()))
    }

    pub(super) fn processes(&self) -> Result<Vec<i32>> {
        let path = self.path.join("cgroup.procs");
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        match &self.held {
            Held::Foreign => return,
            Held::Own => {
                // Kernels before 5.14 lack it; then the keeper ends the processes.
                let _ = fs::write(self.path.join("cgroup.kill"), "1");
            }
            Held::Adopted { back } => {
                for member in self.processes().unwrap_or_default() {
                    let _ = enter(back, member);
                }
            }
        }
        for _ in 0..REMOVE_ATTEMPTS {
            if fs::remove_dir(&self.path).is_ok() {
                return;
            }
            thread::sleep(REMOVE_PAUSE);
        }
    }
}

fn enter(group: &Path, pid: i32) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), pid.to_string())
}

fn new_directory(parent: &Path) -> Result<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = parent.join(format!("sftpgo-bench-{}-{number}", process::id()));
    fs::create_dir(&path).with_context(|| format!("{}", path.display()))?;
    Ok(path)
}

/// The directory of the group that a process is in.
fn of_process(process: &str) -> Result<PathBuf> {
    let groups = fs::read_to_string(format!("/proc/{process}/cgroup"))?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    Ok(mount_point()?.join(path.context("no cgroup of version 2")?))
}

fn mount_point() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let point = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let point = fields.next()?;
        (fields.next()? == "cgroup2").then(|| PathBuf::from(point))
    });
    point.context("no cgroup file system of version 2 is mounted")
}

fn parse(stat: &str) -> Option<CpuTime> {
    let micros = |name: &str| {
        let value = stat
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        Some(Duration::from_micros(value.parse().ok()?))
    };
    Some(CpuTime {
        user: micros("user_usec")?,
        system: micros("system_usec")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_times_of_the_kernel() {
        let stat = "usage_usec 569282\nuser_usec 431963\nsystem_usec 137319\nnice_usec 0\n";
        let time = parse(stat).unwrap();
        assert_eq!(time.total(), Duration::from_micros(569_282));
        assert!(parse("usage_usec 3\n").is_none());
    }
}
