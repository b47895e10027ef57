//! What is remembered of hosts: scores and bans, in bounded memory.

use std::collections::HashMap;

use super::rules::{DefenderConfig, Millis, Window};
use crate::network::Network;

#[derive(Default)]
pub(super) struct Hosts(HashMap<Network, Host>);

#[derive(Default)]
struct Host {
    scores: Window,
    /// When the ban ends.
    banned_until: Option<Millis>,
    /// When something was counted last.
    touched: Millis,
}

/// What a host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Score(u32),
    BannedUntil(Millis),
}

/// What became of an offence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// The host is banned already: nothing is counted.
    IsBanned,
    /// It has this score now.
    Score(u32),
    /// It had this score, and is banned.
    Banned(u32),
}

impl Host {
    fn is_banned(&self, now: Millis) -> bool {
        self.banned_until.is_some_and(|until| until > now)
    }

    /// What it has at `now`; none if nothing.
    fn standing(&mut self, config: &DefenderConfig, now: Millis) -> Option<Standing> {
        if self.is_banned(now) {
            return self.banned_until.map(Standing::BannedUntil);
        }
        self.banned_until = None;
        self.scores.forget(config.forgotten_at(now));
        (!self.scores.is_empty()).then(|| Standing::Score(self.scores.sum()))
    }
}

impl Hosts {
    pub(super) fn count(
        &mut self,
        host: Network,
        score: u32,
        config: &DefenderConfig,
        now: Millis,
    ) -> Counted {
        if !self.0.contains_key(&host) && self.0.len() >= config.entries_hard_limit {
            self.make_room(config, now);
        }
        let entry = self.0.entry(host).or_default();
        if entry.is_banned(now) {
            return Counted::IsBanned;
        }
        entry.banned_until = None;
        entry.touched = now;
        entry.scores.forget(config.forgotten_at(now));
        entry.scores.add(now, score);
        let sum = entry.scores.sum();
        if !config.is_too_much(sum) {
            return Counted::Score(sum);
        }
        entry.scores.clear();
        entry.banned_until = Some(config.ban_until(now));
        Counted::Banned(sum)
    }

    pub(super) fn is_banned(&self, host: Network, now: Millis) -> bool {
        self.0.get(&host).is_some_and(|host| host.is_banned(now))
    }

    /// A banned host has connected again.
    pub(super) fn prolong(&mut self, host: Network, config: &DefenderConfig, now: Millis) {
        if let Some(until) = self
            .0
            .get_mut(&host)
            .filter(|host| host.is_banned(now))
            .and_then(|host| host.banned_until.as_mut())
        {
            *until = config.prolonged(*until, now);
        }
    }

    /// Forgets a host; was there anything to forget?
    pub(super) fn forget(&mut self, host: Network, config: &DefenderConfig, now: Millis) -> bool {
        let forgotten = self.0.remove(&host);
        forgotten.is_some_and(|mut host| host.standing(config, now).is_some())
    }

    pub(super) fn standing(
        &mut self,
        host: Network,
        config: &DefenderConfig,
        now: Millis,
    ) -> Option<Standing> {
        self.0.get_mut(&host)?.standing(config, now)
    }

    /// What there is of all hosts; the others are forgotten.
    pub(super) fn all(&mut self, config: &DefenderConfig, now: Millis) -> Vec<(Network, Standing)> {
        let mut all = Vec::new();
        self.0.retain(|network, host| {
            let standing = host.standing(config, now);
            all.extend(standing.map(|standing| (*network, standing)));
            standing.is_some()
        });
        all
    }

    /// Forgets the oldest down to the soft limit: scores first, and bans only where these alone are too many.
    fn make_room(&mut self, config: &DefenderConfig, now: Millis) {
        self.all(config, now);
        let surplus = self.0.len().saturating_sub(config.entries_soft_limit);
        if surplus == 0 {
            return;
        }
        let mut oldest: Vec<_> = self
            .0
            .iter()
            .map(|(network, host)| (host.is_banned(now), host.touched, *network))
            .collect();
        oldest.sort_unstable_by_key(|(is_banned, touched, _)| (*is_banned, *touched));
        for (_, _, network) in oldest.into_iter().take(surplus) {
            self.0.remove(&network);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::IpAddr, time::Duration};

    use proptest::prelude::*;

    use super::*;

    fn config() -> DefenderConfig {
        DefenderConfig {
            ban_time: Duration::from_secs(60),
            observation_time: Duration::from_secs(120),
            threshold: 5,
            entries_soft_limit: 10,
            entries_hard_limit: 15,
            ..DefenderConfig::default()
        }
    }

    fn host(number: u32) -> Network {
        Network::around(IpAddr::from(number.to_be_bytes()), 32, 64)
    }

    #[test]
    fn a_host_is_banned_at_the_threshold_for_the_ban_time_and_begins_at_nothing_after_it() {
        let (mut hosts, config) = (Hosts::default(), config());
        assert_eq!(hosts.count(host(1), 4, &config, 0), Counted::Score(4));
        assert!(!hosts.is_banned(host(1), 0));
        assert_eq!(hosts.count(host(1), 1, &config, 10), Counted::Banned(5));
        assert!(hosts.is_banned(host(1), 60_009) && !hosts.is_banned(host(2), 10));
        assert_eq!(hosts.count(host(1), 4, &config, 20), Counted::IsBanned);
        assert!(!hosts.is_banned(host(1), 60_010));
        assert_eq!(hosts.count(host(1), 1, &config, 60_010), Counted::Score(1));
    }

    #[test]
    fn what_was_before_the_observation_time_does_not_count() {
        let (mut hosts, config) = (Hosts::default(), config());
        hosts.count(host(1), 4, &config, 0);
        let later = 120_000;
        assert_eq!(hosts.count(host(1), 1, &config, later), Counted::Score(1));
        assert!(hosts.forget(host(1), &config, later));
        assert!(!hosts.forget(host(1), &config, later));
    }

    #[test]
    fn a_connection_prolongs_a_ban_and_nothing_else() {
        let (mut hosts, config) = (Hosts::default(), config());
        hosts.count(host(1), 5, &config, 0);
        hosts.prolong(host(1), &config, 0);
        assert_eq!(
            hosts.standing(host(1), &config, 0),
            Some(Standing::BannedUntil(120_000))
        );
        hosts.prolong(host(1), &config, 120_000);
        hosts.prolong(host(2), &config, 0);
        assert_eq!(hosts.all(&config, 120_000), []);
    }

    #[test]
    fn millions_of_addresses_take_up_no_more_than_the_hard_limit_and_free_nobody_who_is_banned() {
        let (mut hosts, config) = (Hosts::default(), config());
        for number in 0..5 {
            hosts.count(host(number), 5, &config, 0);
        }
        for number in 5..1_000_000 {
            hosts.count(host(number), 1, &config, 1);
            assert!(hosts.0.len() <= config.entries_hard_limit);
        }
        assert!((0..5).all(|number| hosts.is_banned(host(number), 2)));
        for number in 0..1000 {
            hosts.count(host(number), 5, &config, 3);
            assert!(hosts.0.len() <= config.entries_hard_limit);
        }
        assert!(hosts.is_banned(host(999), 4), "the newest stay");
    }

    #[derive(Debug, Clone)]
    enum Step {
        Count(u32, u32),
        Connect(u32),
        Wait(i64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0u32..4, 1u32..4).prop_map(|(host, score)| Step::Count(host, score)),
            (0u32..4).prop_map(Step::Connect),
            (0i64..40_000).prop_map(Step::Wait),
        ];
        prop::collection::vec(step, 0..80)
    }

    proptest! {
        /// Beside a model that keeps all scores for ever and adds up those that count.
        #[test]
        fn hosts_stand_as_all_that_was_counted_says(steps in steps()) {
            let (mut hosts, config) = (Hosts::default(), config());
            let mut scores: BTreeMap<u32, Vec<(Millis, u32)>> = BTreeMap::new();
            let mut bans: BTreeMap<u32, Millis> = BTreeMap::new();
            let mut now = 0;
            for step in steps {
                match step {
                    Step::Wait(time) => now += time,
                    Step::Connect(number) => {
                        hosts.prolong(host(number), &config, now);
                        if let Some(until) = bans.get_mut(&number).filter(|until| **until > now) {
                            *until = (*until + 60_000).min(now + 24 * 60_000);
                        }
                    }
                    Step::Count(number, score) => {
                        let counted = hosts.count(host(number), score, &config, now);
                        if bans.get(&number).is_some_and(|until| *until > now) {
                            prop_assert_eq!(counted, Counted::IsBanned);
                            continue;
                        }
                        let kept = scores.entry(number).or_default();
                        kept.push((now, score));
                        let sum: u32 = kept.iter().filter(|(at, _)| now - at < 120_000).map(|(_, score)| score).sum();
                        if sum >= 5 {
                            kept.clear();
                            bans.insert(number, now + 60_000);
                            prop_assert_eq!(counted, Counted::Banned(sum));
                        } else {
                            prop_assert_eq!(counted, Counted::Score(sum));
                        }
                    }
                }
                for number in 0..4 {
                    let expected = bans.get(&number).is_some_and(|until| *until > now);
                    prop_assert_eq!(hosts.is_banned(host(number), now), expected);
                }
            }
        }
    }
}
