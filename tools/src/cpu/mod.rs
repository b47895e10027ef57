//! What a server spends: CPU time and memory of its whole process tree.
//!
//! A server may do its work in children. `OpenSSH` forks two for each connection; they have ended when one asks, and some
//! were orphaned to init before. So the tree is put into a cgroup where that is possible, and otherwise below a process
//! that inherits orphans, a subreaper ([`keep`]). Looking into /proc alone misses most of it.

mod cgroup;
mod keeper;
mod memory;
mod tree;

use std::{
    ops::{Add, Sub},
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::Result;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};

pub use self::keeper::keep;
pub use self::memory::Memory;
use self::{cgroup::Cgroup, keeper::Keeper};

/// How long a tree may go on working before its spending is read anyway.
const SETTLE_LIMIT: u32 = 100;
const SETTLE_PAUSE: Duration = Duration::from_millis(30);
/// What a resident server may spend on timers during a pause and still count as settled.
const SETTLED: Duration = Duration::from_millis(1);

/// CPU time, as the kernel splits it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// In the program.
    pub user: Duration,
    /// In the kernel on behalf of the program.
    pub system: Duration,
}

impl CpuTime {
    /// Both together.
    #[must_use]
    pub fn total(self) -> Duration {
        self.user.saturating_add(self.system)
    }
}

impl Add for CpuTime {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            user: self.user.saturating_add(other.user),
            system: self.system.saturating_add(other.system),
        }
    }
}

impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

impl std::iter::Sum for CpuTime {
    fn sum<I: Iterator<Item = Self>>(times: I) -> Self {
        times.fold(Self::default(), Add::add)
    }
}

/// What this process' children that have ended and were waited for spent, and theirs.
pub(crate) fn of_ended_children() -> Result<CpuTime> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(CpuTime {
        user: duration(usage.user_time()),
        system: duration(usage.system_time()),
    })
}

/// What a process that is alive and those below it spent until now.
pub(crate) fn of_living(pid: u32) -> CpuTime {
    i32::try_from(pid).map_or(CpuTime::default(), tree::cpu_from)
}

fn duration(time: TimeVal) -> Duration {
    let micros = time
        .tv_sec()
        .saturating_mul(1_000_000)
        .saturating_add(time.tv_usec());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// How the processes of a server are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A cgroup where one can be made, a subreaper otherwise.
    Best,
    /// A subreaper.
    Subreaper,
}

/// The processes of one server. Dropping it ends those that it started.
pub struct Processes {
    // Before the keeper, so that whatever escaped it is killed with the group.
    cgroup: Option<Cgroup>,
    keeper: Option<Keeper>,
    /// The main process of a server that somebody else started.
    attached: Option<i32>,
}

impl Processes {
    /// Starts a server, below this program's own `keep` command, whose path is `keeper`; what it complains about goes to
    /// the file `complaints`.
    ///
    /// # Errors
    ///
    /// The program cannot be started.
    pub fn launch(
        keeper: &Path,
        method: Method,
        mut command: Command,
        complaints: &Path,
    ) -> Result<Self> {
        let cgroup = match method {
            Method::Best => Cgroup::create().ok(),
            Method::Subreaper => None,
        };
        if let Some(cgroup) = &cgroup {
            command = cgroup.around(&command);
        }
        Ok(Self {
            cgroup,
            keeper: Some(Keeper::spawn(keeper, &command, complaints)?),
            attached: None,
        })
    }

    /// Watches a server that runs already: by its own cgroup, by one that it is put into until the end, or, where
    /// neither can be, by what /proc shows below it.
    ///
    /// # Errors
    ///
    /// There is no such process.
    pub fn attach(pid: i32) -> Result<Self> {
        tree::require(pid)?;
        Ok(Self {
            cgroup: Cgroup::of(pid).or_else(|_| Cgroup::adopt(pid)).ok(),
            keeper: None,
            attached: Some(pid),
        })
    }

    /// How the CPU time is counted, for the report.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match (&self.cgroup, &self.keeper) {
            (Some(_), _) => "cgroup",
            (None, Some(_)) => "subreaper",
            (None, None) => "/proc, without children that were orphaned",
        }
    }

    /// The CPU time that the tree spent until now, with that of processes that have ended.
    ///
    /// # Errors
    ///
    /// The processes or their cgroup are gone.
    pub fn cpu(&mut self) -> Result<CpuTime> {
        match (&self.cgroup, &mut self.keeper, self.attached) {
            (Some(cgroup), _, _) => cgroup.cpu(),
            (None, Some(keeper), _) => keeper.cpu(),
            (None, None, Some(pid)) => {
                tree::require(pid)?;
                Ok(tree::cpu_from(pid))
            }
            (None, None, None) => anyhow::bail!("nothing is watched"),
        }
    }

    /// The CPU time once the tree is at rest: a session may still be ending when its client has gone.
    ///
    /// # Errors
    ///
    /// As [`Processes::cpu`].
    pub async fn settled_cpu(&mut self) -> Result<CpuTime> {
        let mut last = self.cpu()?;
        for _ in 0..SETTLE_LIMIT {
            tokio::time::sleep(SETTLE_PAUSE).await;
            let now = self.cpu()?;
            if (now - last).total() <= SETTLED {
                return Ok(now);
            }
            last = now;
        }
        Ok(last)
    }

    /// The memory of all processes that are alive.
    ///
    /// # Errors
    ///
    /// The cgroup is gone.
    pub fn memory(&self) -> Result<Memory> {
        Ok(memory::of(&self.alive()?))
    }

    /// The processes that are alive.
    ///
    /// # Errors
    ///
    /// The cgroup is gone.
    pub fn alive(&self) -> Result<Vec<i32>> {
        match (&self.cgroup, &self.keeper, self.attached) {
            (Some(cgroup), _, _) => cgroup.processes(),
            (None, Some(keeper), _) => Ok(tree::below(keeper.id())),
            (None, None, Some(pid)) => Ok(tree::from(pid)),
            (None, None, None) => Ok(Vec::new()),
        }
    }
}
