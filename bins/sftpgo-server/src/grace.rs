//! How long the transfers of a server may go on that is to end: `--grace-time`, of each command that serves, and `--drain-time`
//! of the one that can be followed by another process.

use std::time::Duration;

use clap::Args;

/// How long a stopping server lets transfers run.
#[derive(Debug, Args)]
pub(crate) struct Grace {
    /// Seconds that running transfers have to finish when the server is to stop; 0 ends them at once.
    #[arg(
        long,
        env = "SFTPGO_GRACE_TIME",
        default_value_t = 0,
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    grace_time: u32,
}

impl Grace {
    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs(self.grace_time.into())
    }
}

/// How long the transfers of a server may go on that another process has followed.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Seconds that connections may go on when another process has followed this one (SIGUSR2); 0 is no limit. Where it is not
    /// given, `--grace-time` holds
    #[arg(
        long,
        env = "SFTPGO_DRAIN_TIME",
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    drain_time: Option<u32>,
}

/// The times of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndTimes {
    /// When it is told to stop; zero ends transfers at once.
    pub(crate) stop: Duration,
    /// When another process has followed it; none is no limit.
    pub(crate) drain: Option<Duration>,
}

impl EndTimes {
    pub(crate) fn of(grace: &Grace, drain: &Drain) -> Self {
        let drain = drain.drain_time.unwrap_or(grace.grace_time);
        Self {
            stop: grace.time(),
            drain: (drain > 0).then(|| Duration::from_secs(drain.into())),
        }
    }

    /// Those of a server that nobody follows.
    pub(crate) fn of_stop(grace: &Grace) -> Self {
        Self {
            stop: grace.time(),
            drain: None,
        }
    }
}
