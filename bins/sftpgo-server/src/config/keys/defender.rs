//! Keys of the defender.

use serde::{Deserialize, Serialize};
use sftpgo_core::defender::DefenderConfig;

/// `common.defender`, of SFTPGo since 2.0.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Defender {
    /// On here, off in SFTPGo.
    pub(crate) enabled: bool,
    pub(crate) driver: String,
    /// Minutes.
    pub(crate) ban_time: i64,
    /// Hundredths of the ban time.
    pub(crate) ban_time_increment: i64,
    pub(crate) threshold: i64,
    pub(crate) score_invalid: i64,
    pub(crate) score_valid: i64,
    /// Of SFTPGo since 2.1.
    pub(crate) score_limit_exceeded: i64,
    /// Of SFTPGo since 2.4.
    pub(crate) score_no_auth: i64,
    /// Minutes.
    pub(crate) observation_time: i64,
    pub(crate) entries_soft_limit: i64,
    pub(crate) entries_hard_limit: i64,
    /// Not in SFTPGo, which counts each address by itself.
    pub(crate) ipv4_prefix: i64,
    /// Not in SFTPGo.
    pub(crate) ipv6_prefix: i64,
}

impl Default for Defender {
    fn default() -> Self {
        let config = DefenderConfig::default();
        let minutes = |time: std::time::Duration| (time.as_secs() / 60).cast_signed();
        Self {
            enabled: true,
            driver: "memory".to_owned(),
            ban_time: minutes(config.ban_time),
            ban_time_increment: config.ban_time_increment.into(),
            threshold: config.threshold.into(),
            score_invalid: config.score_invalid.into(),
            score_valid: config.score_valid.into(),
            score_limit_exceeded: config.score_limit_exceeded.into(),
            score_no_auth: config.score_no_auth.into(),
            observation_time: minutes(config.observation_time),
            entries_soft_limit: config.entries_soft_limit as i64,
            entries_hard_limit: config.entries_hard_limit as i64,
            ipv4_prefix: config.ipv4_prefix.into(),
            ipv6_prefix: config.ipv6_prefix.into(),
        }
    }
}
