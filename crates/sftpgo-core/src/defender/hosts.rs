//! What is remembered of hosts: scores and bans, in bounded memory; and what of it other servers have still to hear.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{
    rules::{DefenderConfig, Millis, Window, millis},
    store::{BanReport, HostReport, SharedHost},
};
use crate::network::Network;

/// A server that counts more than this at a time tells the rest later.
const TOLD_AT_ONCE: usize = 1000;

#[derive(Default)]
pub(super) struct Hosts(HashMap<Network, Host>);

#[derive(Default)]
struct Host {
    /// What this server has counted and not told.
    scores: Window,
    /// What it is telling just now.
    being_told: Window,
    /// What all servers had counted, as the store said then.
    shared: Option<(Millis, u32)>,
    ban: Option<Ban>,
    /// When something was counted last.
    touched: Millis,
}

#[derive(Clone, Copy)]
struct Ban {
    until: Millis,
    news: News,
}

/// What of a ban other servers have still to hear.
#[derive(Clone, Copy, PartialEq, Eq)]
enum News {
    All,
    Longer,
    Nothing,
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
        self.ban.is_some_and(|ban| ban.until > now)
    }

    /// What counts at `now`; the rest is forgotten.
    fn score(&mut self, config: &DefenderConfig, now: Millis) -> u32 {
        let before = config.forgotten_at(now);
        self.scores.forget(before);
        self.being_told.forget(before);
        self.shared = self.shared.filter(|(at, _)| *at > before);
        let shared = self.shared.map_or(0, |(_, score)| score);
        shared
            .saturating_add(self.being_told.sum())
            .saturating_add(self.scores.sum())
    }

    fn ban(&mut self, config: &DefenderConfig, now: Millis) {
        self.scores.clear();
        self.being_told.clear();
        self.shared = None;
        self.ban = Some(Ban {
            until: config.ban_until(now),
            news: News::All,
        });
    }

    /// What it has at `now`; none if nothing.
    fn standing(&mut self, config: &DefenderConfig, now: Millis) -> Option<Standing> {
        if let Some(ban) = self.ban.filter(|ban| ban.until > now) {
            return Some(Standing::BannedUntil(ban.until));
        }
        self.ban = None;
        match self.score(config, now) {
            0 => None,
            score => Some(Standing::Score(score)),
        }
    }

    /// Others were told this at `then`.
    fn was_told(&mut self, report: &HostReport, then: Millis) {
        let (Some(BanReport::New(length) | BanReport::Longer(length)), Some(ban)) =
            (report.ban, self.ban.as_mut())
        else {
            return;
        };
        ban.news = if ban.until == then.saturating_add(millis(length)) {
            News::Nothing
        } else {
            News::Longer
        };
    }

    /// Others have a ban that ends then.
    fn take_ban(&mut self, until: Millis, now: Millis) {
        let own = self
            .ban
            .filter(|ban| ban.until > now && ban.news != News::Nothing);
        self.scores.clear();
        self.ban = Some(match own {
            Some(own) => Ban {
                until: own.until.max(until),
                ..own
            },
            None => Ban {
                until,
                news: News::Nothing,
            },
        });
    }

    /// What others have still to hear; none if nothing.
    fn report(&self, host: Network, now: Millis) -> Option<HostReport> {
        let ban = self.ban.filter(|ban| ban.until > now);
        let ban = ban.and_then(|ban| match ban.news {
            News::All => Some(BanReport::New(length(ban.until - now))),
            News::Longer => Some(BanReport::Longer(length(ban.until - now))),
            News::Nothing => None,
        });
        let scores = self.scores.iter();
        let scores: Vec<_> = scores
            .map(|(at, score)| (length(now - at), score))
            .collect();
        (ban.is_some() || !scores.is_empty()).then_some(HostReport { host, scores, ban })
    }
}

fn length(time: Millis) -> Duration {
    Duration::from_millis(u64::try_from(time).unwrap_or(0))
}

impl Hosts {
    pub(super) fn count(
        &mut self,
        host: Network,
        score: u32,
        config: &DefenderConfig,
        now: Millis,
    ) -> Counted {
        let entry = self.entry(host, config, now);
        if entry.is_banned(now) {
            return Counted::IsBanned;
        }
        entry.ban = None;
        entry.touched = now;
        entry.scores.add(now, score);
        let sum = entry.score(config, now);
        if !config.is_too_much(sum) {
            return Counted::Score(sum);
        }
        entry.ban(config, now);
        Counted::Banned(sum)
    }

    fn entry(&mut self, host: Network, config: &DefenderConfig, now: Millis) -> &mut Host {
        if !self.0.contains_key(&host) && self.0.len() >= config.entries_hard_limit {
            self.make_room(config, now);
        }
        self.0.entry(host).or_default()
    }

    pub(super) fn is_banned(&self, host: Network, now: Millis) -> bool {
        self.0.get(&host).is_some_and(|host| host.is_banned(now))
    }

    /// A banned host has connected again.
    pub(super) fn prolong(&mut self, host: Network, config: &DefenderConfig, now: Millis) {
        let entry = self.0.get_mut(&host).filter(|host| host.is_banned(now));
        if let Some(ban) = entry.and_then(|host| host.ban.as_mut()) {
            let until = config.prolonged(ban.until, now);
            if until != ban.until && ban.news == News::Nothing {
                ban.news = News::Longer;
            }
            ban.until = until;
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

    /// What other servers have still to hear, so much as is told at once; bans first. Whoever calls says afterwards whether
    /// it was [told](Self::merge) or [not](Self::was_not_told).
    pub(super) fn take_news(&mut self, config: &DefenderConfig, now: Millis) -> Vec<HostReport> {
        self.all(config, now);
        let mut reports: Vec<_> = self
            .0
            .iter()
            .filter_map(|(network, host)| host.report(*network, now))
            .collect();
        reports.sort_by_key(|report| (report.ban.is_none(), report.host.first()));
        reports.truncate(TOLD_AT_ONCE);
        for report in &reports {
            if let Some(host) = self.0.get_mut(&report.host) {
                host.being_told.append(&mut host.scores);
            }
        }
        reports
    }

    /// The store did not answer.
    pub(super) fn was_not_told(&mut self) {
        for host in self.0.values_mut() {
            host.being_told.append(&mut host.scores);
            std::mem::swap(&mut host.being_told, &mut host.scores);
        }
    }

    /// Takes over what all servers know, now that they were `told` this at `then`. Returns who is banned for what several
    /// servers have counted, this one too.
    pub(super) fn merge(
        &mut self,
        told: &[HostReport],
        shared: &[SharedHost],
        config: &DefenderConfig,
        then: Millis,
        now: Millis,
    ) -> Vec<Network> {
        for report in told {
            if let Some(host) = self.0.get_mut(&report.host) {
                host.was_told(report, then);
            }
        }
        let has_ban = |shared: &&SharedHost| shared.banned_for.is_some();
        let banned: HashSet<Network> = shared
            .iter()
            .filter(has_ban)
            .map(|shared| shared.host)
            .collect();
        for (network, host) in &mut self.0 {
            host.being_told.clear();
            host.shared = None;
            // One that others had heard of, and that is there no more, was taken back.
            let is_there = banned.contains(network);
            host.ban = host.ban.filter(|ban| is_there || ban.news == News::All);
        }
        for known in shared {
            let host = self.entry(known.host, config, now);
            match known.banned_for {
                Some(length) => host.take_ban(now.saturating_add(millis(length)), now),
                None => host.shared = Some((now, known.score)),
            }
        }
        let mut due = Vec::new();
        for report in told {
            if let Some(host) = self.0.get_mut(&report.host)
                && !host.is_banned(now)
                && config.is_too_much(host.score(config, now))
            {
                host.ban(config, now);
                due.push(report.host);
            }
        }
        due
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
mod tests;
