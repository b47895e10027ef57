//! What a store has to offer for servers that share scores and bans.

use std::time::Duration;

use super::DefenderConfig;
use crate::{error::Result, network::Network};

/// What a server tells of a host. Times are told as ages and lengths, for clocks differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostReport {
    /// Which host.
    pub host: Network,
    /// Scores that are new, with how long ago they were counted.
    pub scores: Vec<(Duration, u32)>,
    /// A ban that is new or longer.
    pub ban: Option<BanReport>,
}

/// What a server tells of a ban. Scores before a new one count no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BanReport {
    /// It begins, and lasts for so long from now.
    New(Duration),
    /// It was there and lasts for so long from now, unless somebody has taken it back.
    Longer(Duration),
}

/// What all servers know of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedHost {
    /// Which host.
    pub host: Network,
    /// The sum of what was counted within the observation time.
    pub score: u32,
    /// How long its ban lasts from now.
    pub banned_for: Option<Duration>,
}

/// Scores and bans that several servers share. It adds up and does not decide: who is banned at which score is the same for
/// every driver.
pub trait DefenderStore: Send + Sync {
    /// Stores what this server has to tell, and returns what all of them know: as many hosts as the hard limit says, the
    /// newest. What is older than the observation time, and bans that are over, are forgotten.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable); then nothing was stored, unless the connection broke while that was
    /// being answered.
    fn exchange_hosts(
        &self,
        reports: &[HostReport],
        config: &DefenderConfig,
    ) -> Result<Vec<SharedHost>>;

    /// Forgets a host's scores and its ban; was there anything?
    ///
    /// # Errors
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    fn forget_host(&self, host: Network) -> Result<bool>;
}
