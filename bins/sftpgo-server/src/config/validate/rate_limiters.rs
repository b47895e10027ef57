//! Keys of limits of rates to settings.

use std::time::Duration;

use sftpgo_core::{
    event::ConnectionProtocol,
    rate_limit::{RateLimit, Scope},
};

use super::Check;
use crate::config::keys;

/// More in a period, or at once, than any server is asked.
const MAX_COUNT: i64 = 1_000_000;
/// SFTPGo's.
const LEAST_PERIOD: i64 = 100;
/// A day, in milliseconds.
const MAX_PERIOD: i64 = 24 * 60 * 60 * 1000;
/// What is remembered of so many sources takes some hundred MiB.
const MAX_ENTRIES: i64 = 1_000_000;

impl Check<'_> {
    /// Those that are on and are for a protocol that there is.
    pub(super) fn rate_limits(&mut self, keys: &[keys::RateLimiter]) -> Vec<RateLimit> {
        let all = keys.iter().enumerate();
        let limits = all.filter_map(|(number, keys)| self.rate_limit(number, keys));
        limits.filter(|limit| !limit.protocols.is_empty()).collect()
    }

    /// None where it is off.
    fn rate_limit(&mut self, number: usize, keys: &keys::RateLimiter) -> Option<RateLimit> {
        let key = |name: &str| format!("common.rate_limiters[{number}].{name}");
        if keys.average == 0 {
            return None;
        }
        let mut at_least = |name: &str, value: i64, least: i64, most: i64| {
            if value < least {
                self.problem(&key(name), format_args!("{value} is less than {least}"));
            }
            self.range(&key(name), value.max(least), most)
        };
        let average = at_least("average", keys.average, 1, MAX_COUNT);
        let period = at_least("period", keys.period, LEAST_PERIOD, MAX_PERIOD);
        let burst = at_least("burst", keys.burst, 1, MAX_COUNT);
        let kind = at_least("type", keys.kind, 1, 2);
        let entries = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let soft = at_least(
            "entries_soft_limit",
            keys.entries_soft_limit,
            1,
            MAX_ENTRIES,
        );
        let hard = at_least(
            "entries_hard_limit",
            keys.entries_hard_limit,
            1,
            MAX_ENTRIES,
        );
        if kind == 2 && hard <= soft {
            self.problem(
                &key("entries_hard_limit"),
                "must be more than entries_soft_limit",
            );
        }
        if kind == 1 && keys.generate_defender_events {
            self.problem(
                &key("generate_defender_events"),
                "must be false with type 1: what all together do is nobody's offence",
            );
        }
        Some(RateLimit {
            average,
            period: Duration::from_millis(period.into()),
            burst,
            scope: if kind == 1 {
                Scope::All
            } else {
                Scope::Source {
                    counts_offence: keys.generate_defender_events,
                    entries_soft_limit: entries(soft),
                    entries_hard_limit: entries(hard),
                }
            },
            protocols: self.protocols(&key("protocols"), &keys.protocols),
        })
    }

    /// Those of SFTPGo's protocols that there are here.
    fn protocols(&mut self, key: &str, names: &[String]) -> Vec<ConnectionProtocol> {
        if names.is_empty() {
            self.problem(key, "names no protocol");
        }
        let mut protocols = Vec::new();
        for name in names {
            match name.as_str() {
                "SSH" => protocols.push(ConnectionProtocol::Ssh),
                "HTTP" => protocols.push(ConnectionProtocol::Http),
                "FTP" | "DAV" => {}
                other => self.problem(
                    key,
                    format_args!("{other:?} is not one of SSH, FTP, DAV, HTTP"),
                ),
            }
        }
        protocols
    }
}
