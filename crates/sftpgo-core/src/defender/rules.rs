//! How much counts how long, and what follows. Pure: whoever calls brings the time.

use std::{collections::VecDeque, net::IpAddr, time::Duration};

use crate::{event::Offence, network::Network};

/// Milliseconds on the defender's clock.
pub(super) type Millis = i64;

/// A ban is prolonged to this many ban times from now at the most. Who is banned for hammering is free again some time after
/// that stops, whoever has the address then.
const LONGEST_IN_BAN_TIMES: u32 = 24;
/// A ban is prolonged by this at least.
const LEAST_INCREMENT: Duration = Duration::from_secs(60);

/// What operators decide about the defender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefenderConfig {
    /// How long an address is banned.
    pub ban_time: Duration,
    /// A new connection while the address is banned prolongs that by so many hundredths of the ban time.
    pub ban_time_increment: u32,
    /// The score at which an address is banned.
    pub threshold: u32,
    /// For a name that nobody has.
    pub score_invalid: u32,
    /// For a wrong credential of a user who is there.
    pub score_valid: u32,
    /// For passing a limit of connections.
    pub score_limit_exceeded: u32,
    /// For a connection without an attempt to log in.
    pub score_no_auth: u32,
    /// How long a score counts.
    pub observation_time: Duration,
    /// How many addresses are remembered after the oldest had to be forgotten.
    pub entries_soft_limit: usize,
    /// How many addresses are remembered at the most.
    pub entries_hard_limit: usize,
    /// Bits of an IPv4 address that are counted as one.
    pub ipv4_prefix: u8,
    /// Bits of an IPv6 address that are counted as one.
    pub ipv6_prefix: u8,
}

impl Default for DefenderConfig {
    /// Mild: a person who forgot a password, or an office of them behind one address, is not banned, and who guesses is slowed
    /// down to some 180 guesses in an hour.
    fn default() -> Self {
        Self {
            ban_time: Duration::from_secs(10 * 60),
            ban_time_increment: 50,
            threshold: 30,
            score_invalid: 2,
            score_valid: 1,
            score_limit_exceeded: 3,
            score_no_auth: 0,
            observation_time: Duration::from_secs(15 * 60),
            entries_soft_limit: 10_000,
            entries_hard_limit: 15_000,
            ipv4_prefix: 32,
            ipv6_prefix: 64,
        }
    }
}

impl DefenderConfig {
    /// What an offence counts; 0 is nothing.
    pub fn score_of(&self, offence: Offence) -> u32 {
        match offence {
            Offence::LoginFailed => self.score_valid,
            Offence::UserNotFound => self.score_invalid,
            Offence::NoLoginTried => self.score_no_auth,
            Offence::LimitExceeded => self.score_limit_exceeded,
        }
    }

    /// What an address is counted with: itself, or the network around it. An IPv4 address is the same in IPv6's notation.
    pub fn host_of(&self, address: IpAddr) -> Network {
        Network::around(address, self.ipv4_prefix, self.ipv6_prefix)
    }

    /// Is a host with this score banned? The one rule for every driver.
    pub(super) fn is_too_much(&self, score: u32) -> bool {
        score >= self.threshold
    }

    /// When a ban ends that begins at `now`.
    pub(super) fn ban_until(&self, now: Millis) -> Millis {
        now.saturating_add(millis(self.ban_time))
    }

    /// When a ban ends that was to end at `until`, after one more connection at `now`.
    pub(super) fn prolonged(&self, until: Millis, now: Millis) -> Millis {
        let increment = self.ban_time * self.ban_time_increment / 100;
        // Whole minutes, as SFTPGo counts them.
        let minutes = Duration::from_secs(increment.as_secs() / 60 * 60);
        let longer = until.saturating_add(millis(minutes.max(LEAST_INCREMENT)));
        let longest = now.saturating_add(millis(self.ban_time * LONGEST_IN_BAN_TIMES));
        longer.min(longest).max(until)
    }

    /// What happened then or before counts no more.
    pub(super) fn forgotten_at(&self, now: Millis) -> Millis {
        now.saturating_sub(millis(self.observation_time))
    }
}

/// In milliseconds.
pub(super) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// The scores of a host with their times, the oldest first. There are never more of them than the threshold, as each is 1 at
/// least and all are forgotten at a ban.
#[derive(Debug, Clone, Default)]
pub(super) struct Window(VecDeque<(Millis, u32)>);

impl Window {
    pub(super) fn add(&mut self, at: Millis, score: u32) {
        self.0.push_back((at, score));
    }

    /// Forgets what happened at `before` or earlier.
    pub(super) fn forget(&mut self, before: Millis) {
        while self.0.front().is_some_and(|(at, _)| *at <= before) {
            self.0.pop_front();
        }
    }

    pub(super) fn sum(&self) -> u32 {
        let scores = self.0.iter().map(|(_, score)| *score);
        scores.fold(0, u32::saturating_add)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Millis, u32)> {
        self.0.iter().copied()
    }

    /// Moves what is in `later`, which is not older, behind what is here.
    pub(super) fn append(&mut self, later: &mut Self) {
        self.0.append(&mut later.0);
    }

    pub(super) fn clear(&mut self) {
        self.0 = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Millis = 60_000;

    #[test]
    fn a_ban_grows_by_whole_minutes_with_each_connection_and_not_without_end() {
        let minutes = |ban_time: u64, increment| {
            let config = DefenderConfig {
                ban_time: Duration::from_secs(60 * ban_time),
                ban_time_increment: increment,
                ..DefenderConfig::default()
            };
            move |until: Millis| config.prolonged(until * MINUTE, 0) / MINUTE
        };
        assert_eq!(minutes(30, 50)(30), 45);
        assert_eq!(minutes(5, 50)(5), 7);
        // One minute at least.
        assert_eq!(minutes(1, 50)(1), 2);
        assert_eq!(minutes(30, 0)(30), 31);
        assert_eq!(minutes(5, 50)(24 * 5 - 1), 24 * 5);
        assert_eq!(minutes(5, 50)(24 * 5), 24 * 5);
        // One that was made longer in another way is not made shorter.
        assert_eq!(minutes(5, 50)(24 * 5 + 7), 24 * 5 + 7);
    }

    #[test]
    fn five_wrong_passwords_of_each_of_five_colleagues_ban_nobody() {
        let config = DefenderConfig::default();
        assert!(!config.is_too_much(5 * 5 * config.score_of(Offence::LoginFailed)));
        assert!(config.is_too_much(15 * config.score_of(Offence::UserNotFound)));
    }

    proptest! {
        #[test]
        fn a_window_counts_what_is_younger_than_the_observation_time(
            scores in prop::collection::vec((0i64..100, 1u32..5), 0..40),
            now in 0i64..200,
        ) {
            let config = DefenderConfig {
                observation_time: Duration::from_millis(50),
                ..DefenderConfig::default()
            };
            let mut times = scores.clone();
            times.sort_unstable_by_key(|(at, _)| *at);
            let mut window = Window::default();
            for (at, score) in times {
                window.add(at, score);
            }
            window.forget(config.forgotten_at(now));
            let expected: u32 = scores.iter().filter(|(at, _)| now - at < 50).map(|(_, score)| score).sum();
            prop_assert_eq!(window.sum(), expected);
        }

        #[test]
        fn a_ban_never_gets_shorter_and_ends(ban in 1u64..500, increment in 0u32..1000, hits in 0u32..400) {
            let config = DefenderConfig {
                ban_time: Duration::from_secs(60 * ban),
                ban_time_increment: increment,
                ..DefenderConfig::default()
            };
            let mut until = config.ban_until(0);
            for hit in 0..hits {
                let longer = config.prolonged(until, i64::from(hit));
                prop_assert!(longer >= until);
                until = longer;
            }
            prop_assert!(until <= millis(config.ban_time * LONGEST_IN_BAN_TIMES) + i64::from(hits));
        }
    }
}
