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

/// A server, its clock, and what all servers share.
struct Server<'a>(Hosts, &'a std::cell::RefCell<Shared>);

/// As a store keeps it, but for times.
#[derive(Default)]
struct Shared {
    scores: BTreeMap<String, (Network, u32)>,
    bans: BTreeMap<String, (Network, Millis)>,
}

impl Server<'_> {
    fn exchange(&mut self, now: Millis) -> Vec<Network> {
        let config = config();
        let told = self.0.take_news(&config, now);
        let mut shared = self.1.borrow_mut();
        for report in &told {
            let key = report.host.to_string();
            match report.ban {
                Some(BanReport::New(length)) => {
                    shared.scores.remove(&key);
                    shared
                        .bans
                        .insert(key.clone(), (report.host, now + millis(length)));
                }
                Some(BanReport::Longer(length)) => {
                    if let Some(ban) = shared.bans.get_mut(&key) {
                        ban.1 = ban.1.max(now + millis(length));
                    }
                }
                None => {}
            }
            for (_, score) in &report.scores {
                shared
                    .scores
                    .entry(key.clone())
                    .or_insert((report.host, 0))
                    .1 += score;
            }
        }
        let scores = shared.scores.values().map(|(host, score)| SharedHost {
            host: *host,
            score: *score,
            banned_for: None,
        });
        let bans = shared.bans.values().map(|(host, until)| SharedHost {
            host: *host,
            score: 0,
            banned_for: Some(length(until - now)),
        });
        let known: Vec<_> = scores.chain(bans).collect();
        self.0.merge(&told, &known, &config, now, now)
    }
}

#[test]
fn what_two_servers_count_bans_on_both_and_is_taken_back_on_both() {
    let (shared, config) = (std::cell::RefCell::default(), config());
    let mut one = Server(Hosts::default(), &shared);
    let mut two = Server(Hosts::default(), &shared);
    let mut three = Server(Hosts::default(), &shared);
    one.0.count(host(1), 3, &config, 0);
    two.0.count(host(1), 3, &config, 0);
    assert_eq!(one.exchange(1), []);
    assert_eq!(two.exchange(2), [host(1)], "together it is too much");
    assert!(two.0.is_banned(host(1), 2) && !one.0.is_banned(host(1), 2));
    assert_eq!(two.exchange(3), []);
    assert_eq!((one.exchange(4), three.exchange(4)), (vec![], vec![]));
    assert!(one.0.is_banned(host(1), 4) && three.0.is_banned(host(1), 4));
    // Longer on one is longer on all.
    one.0.prolong(host(1), &config, 5);
    one.exchange(6);
    two.exchange(7);
    assert_eq!(
        two.0.standing(host(1), &config, 7),
        one.0.standing(host(1), &config, 7)
    );
    // Taken back on a third one, while the first makes it longer.
    one.0.prolong(host(1), &config, 8);
    three.0.forget(host(1), &config, 8);
    shared.borrow_mut().bans.clear();
    for server in [&mut one, &mut two, &mut three] {
        assert_eq!(server.exchange(9), []);
        assert!(!server.0.is_banned(host(1), 9));
    }
    assert_eq!(one.0.count(host(1), 1, &config, 10), Counted::Score(1));
}

#[test]
fn what_could_not_be_told_is_told_later_and_counts_once() {
    let (shared, config) = (std::cell::RefCell::default(), config());
    let mut one = Server(Hosts::default(), &shared);
    one.0.count(host(1), 2, &config, 0);
    one.0.count(host(2), 5, &config, 0);
    assert_eq!(one.0.take_news(&config, 1).len(), 2);
    one.0.count(host(1), 1, &config, 2);
    one.0.was_not_told();
    assert_eq!(
        one.0.standing(host(1), &config, 3),
        Some(Standing::Score(3))
    );
    assert!(one.0.is_banned(host(2), 3), "without a store too");
    for now in 4..7 {
        one.exchange(now);
        assert_eq!(
            one.0.standing(host(1), &config, now),
            Some(Standing::Score(3))
        );
    }
    let mut two = Server(Hosts::default(), &shared);
    two.exchange(8);
    assert_eq!(
        two.0.standing(host(1), &config, 8),
        Some(Standing::Score(3))
    );
    assert!(two.0.is_banned(host(2), 8));
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
