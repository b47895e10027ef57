//! Scores and bans in memory.

use std::{collections::BTreeMap, time::Duration};

use sftpgo_core::{
    Result,
    defender::{BanReport, DefenderConfig, DefenderStore, HostReport, SharedHost},
    network::Network,
    sync::lock,
    user::now_ms,
};

use super::MemoryProvider;

/// By the texts of hosts.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// With the times at which they were counted, in the order in which they were told.
    scores: Vec<(Network, i64, u32)>,
    /// With their ends.
    bans: BTreeMap<String, (Network, i64)>,
}

impl Stored {
    fn store(&mut self, report: &HostReport, now: i64) {
        let key = report.host.to_string();
        match report.ban {
            Some(BanReport::New(length)) => {
                self.scores.retain(|(host, ..)| *host != report.host);
                let ban = self.bans.entry(key).or_insert((report.host, 0));
                ban.1 = ban.1.max(now.saturating_add(millis(length)));
            }
            Some(BanReport::Longer(length)) => {
                if let Some(ban) = self.bans.get_mut(&key).filter(|ban| ban.1 > now) {
                    ban.1 = ban.1.max(now.saturating_add(millis(length)));
                }
            }
            None => {}
        }
        let counted = report.scores.iter();
        self.scores.extend(
            counted.map(|(age, score)| (report.host, now.saturating_sub(millis(*age)), *score)),
        );
    }

    fn forget(&mut self, config: &DefenderConfig, now: i64) {
        let before = now.saturating_sub(millis(config.observation_time));
        self.scores.retain(|(_, at, _)| *at > before);
        self.bans.retain(|_, (_, ends_at)| *ends_at > now);
        let surplus = self.scores.len().saturating_sub(config.entries_hard_limit);
        self.scores.drain(..surplus);
        while self.bans.len() > config.entries_hard_limit {
            let soonest = self.bans.iter().min_by_key(|(_, ban)| ban.1);
            let Some(key) = soonest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.bans.remove(&key);
        }
    }
}

impl DefenderStore for MemoryProvider {
    fn exchange_hosts(
        &self,
        reports: &[HostReport],
        config: &DefenderConfig,
    ) -> Result<Vec<SharedHost>> {
        let now = now_ms();
        let mut stored = lock(&self.defender_hosts);
        for report in reports {
            stored.store(report, now);
        }
        stored.forget(config, now);
        let mut sums: BTreeMap<String, SharedHost> = BTreeMap::new();
        for (host, _, score) in &stored.scores {
            let entry = sums.entry(host.to_string()).or_insert(SharedHost {
                host: *host,
                score: 0,
                banned_for: None,
            });
            entry.score = entry.score.saturating_add(*score);
        }
        let bans = stored.bans.values().map(|(host, ends_at)| SharedHost {
            host: *host,
            score: 0,
            banned_for: Some(Duration::from_millis((ends_at - now).unsigned_abs())),
        });
        Ok(sums.into_values().chain(bans).collect())
    }

    fn forget_host(&self, host: Network) -> Result<bool> {
        let now = now_ms();
        let mut stored = lock(&self.defender_hosts);
        let before = stored.scores.len();
        stored.scores.retain(|(other, ..)| *other != host);
        let ban = stored.bans.remove(&host.to_string());
        Ok(stored.scores.len() < before || ban.is_some_and(|(_, ends_at)| ends_at > now))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
