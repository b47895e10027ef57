//! Keys of limits of rates.

use serde::{Deserialize, Serialize};

/// One of `common.rate_limiters`, of SFTPGo since 2.1.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RateLimiter {
    /// 0 is off.
    pub(crate) average: i64,
    /// Milliseconds.
    pub(crate) period: i64,
    pub(crate) burst: i64,
    /// 1: of all together, 2: of each source.
    #[serde(rename = "type")]
    pub(crate) kind: i64,
    pub(crate) protocols: Vec<String>,
    pub(crate) generate_defender_events: bool,
    pub(crate) entries_soft_limit: i64,
    pub(crate) entries_hard_limit: i64,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self {
            average: 0,
            period: 1000,
            burst: 1,
            kind: 2,
            protocols: ["SSH", "FTP", "DAV", "HTTP"].map(str::to_owned).to_vec(),
            generate_defender_events: false,
            entries_soft_limit: 10_000,
            entries_hard_limit: 15_000,
        }
    }
}
