//! Keys of the defender to settings.

use std::time::Duration;

use sftpgo_core::{defender::DefenderConfig, rate_limit::SourcePrefixes};

use super::Check;
use crate::config::{keys, settings::Defender};

/// A month; more is a mistake of units.
const MAX_MINUTES: i64 = 31 * 24 * 60;
/// A ban may grow by so many hundredths of its time.
const MAX_INCREMENT: i64 = 100_000;
/// So many scores of a host are remembered at the most.
const MAX_THRESHOLD: i64 = 1000;
/// What is remembered of so many hosts takes some hundred MiB.
const MAX_ENTRIES: i64 = 1_000_000;
/// A network of IPv4 that is wider than this is no customer's.
const WIDEST_IPV4: i64 = 8;
/// The same of IPv6.
const WIDEST_IPV6: i64 = 16;

/// What is one source, for the rate limiters too. Values that are too large are told by [`Check::defender`].
pub(super) fn sources(keys: &keys::Defender) -> SourcePrefixes {
    let bits = |bits: i64| u8::try_from(bits).unwrap_or(u8::MAX);
    SourcePrefixes {
        ipv4: bits(keys.ipv4_prefix),
        ipv6: bits(keys.ipv6_prefix),
    }
}

impl Check<'_> {
    /// None where it is off.
    pub(super) fn defender(&mut self, keys: &keys::Defender) -> Option<Defender> {
        let is_shared = match keys.driver.as_str() {
            "memory" => false,
            "provider" => true,
            other => {
                self.problem(
                    "common.defender.driver",
                    format_args!("{other:?} is neither \"memory\" nor \"provider\""),
                );
                false
            }
        };
        let mut number = |name: &str, value: i64, least: i64, most: i64| {
            let key = format!("common.defender.{name}");
            if value < least {
                self.problem(&key, format_args!("{value} is less than {least}"));
            }
            self.range(&key, value.max(0), most)
        };
        let minutes = |minutes: u32| Duration::from_secs(60 * u64::from(minutes));
        let entries = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let bits = |bits: u32| u8::try_from(bits).unwrap_or(u8::MAX);
        let config = DefenderConfig {
            ban_time: minutes(number("ban_time", keys.ban_time, 1, MAX_MINUTES)),
            ban_time_increment: number(
                "ban_time_increment",
                keys.ban_time_increment,
                0,
                MAX_INCREMENT,
            ),
            threshold: number("threshold", keys.threshold, 1, MAX_THRESHOLD),
            score_invalid: number("score_invalid", keys.score_invalid, 0, MAX_THRESHOLD),
            score_valid: number("score_valid", keys.score_valid, 0, MAX_THRESHOLD),
            score_limit_exceeded: number(
                "score_limit_exceeded",
                keys.score_limit_exceeded,
                0,
                MAX_THRESHOLD,
            ),
            score_no_auth: number("score_no_auth", keys.score_no_auth, 0, MAX_THRESHOLD),
            observation_time: minutes(number(
                "observation_time",
                keys.observation_time,
                1,
                MAX_MINUTES,
            )),
            entries_soft_limit: entries(number(
                "entries_soft_limit",
                keys.entries_soft_limit,
                1,
                MAX_ENTRIES,
            )),
            entries_hard_limit: entries(number(
                "entries_hard_limit",
                keys.entries_hard_limit,
                1,
                MAX_ENTRIES,
            )),
            ipv4_prefix: bits(number("ipv4_prefix", keys.ipv4_prefix, WIDEST_IPV4, 32)),
            ipv6_prefix: bits(number("ipv6_prefix", keys.ipv6_prefix, WIDEST_IPV6, 128)),
        };
        if !keys.enabled {
            return None;
        }
        if config.threshold > 0 {
            self.scores(&config);
        }
        if config.entries_hard_limit <= config.entries_soft_limit {
            self.problem(
                "common.defender.entries_hard_limit",
                "must be more than entries_soft_limit",
            );
        }
        Some(Defender { config, is_shared })
    }

    fn scores(&mut self, config: &DefenderConfig) {
        let scores = [
            ("score_invalid", config.score_invalid),
            ("score_valid", config.score_valid),
            ("score_limit_exceeded", config.score_limit_exceeded),
            ("score_no_auth", config.score_no_auth),
        ];
        for (name, score) in scores {
            if score >= config.threshold {
                self.problem(
                    &format!("common.defender.{name}"),
                    format_args!(
                        "{score} is not less than common.defender.threshold ({}), so that one failure would ban",
                        config.threshold
                    ),
                );
            }
        }
        if scores.iter().all(|(_, score)| *score == 0) {
            self.problem(
                "common.defender.score_valid",
                "all scores are 0, so that nobody would ever be banned; set common.defender.enabled to false if that is meant",
            );
        }
    }
}
