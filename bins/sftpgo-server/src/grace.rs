//! `--grace-time`, of each command that serves.

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
