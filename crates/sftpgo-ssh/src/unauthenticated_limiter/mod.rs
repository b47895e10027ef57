//! Connections that are not logged in: bounded in all and for each source.

mod pace;

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use rand::seq::IteratorRandom;
use sftpgo_core::{fair_pool::source_of, sync::lock};
use tokio_util::sync::CancellationToken;

use self::pace::Pace;
use crate::config::Limits;

/// Bounds the connections that have not logged in yet.
#[derive(Default)]
pub(crate) struct UnauthenticatedLimiter(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    waiting: BTreeMap<u64, Entry>,
    by_source: HashMap<IpAddr, usize>,
    pace: Pace,
}

/// The answer to a new connection.
pub(crate) enum Entrance {
    /// It may be served.
    Permitted(Permit),
    /// Its source has had many others closed already. It may be served after this time by
    /// [`UnauthenticatedLimiter::enter_in_turn`].
    Later(Duration),
    /// There is no room for it.
    Refused,
}

struct Entry {
    source: IpAddr,
    stage: Stage,
    close: CancellationToken,
}

/// How far a connection has come. One that has come further has cost its client more, and is more likely a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// No key exchange has been finished.
    Connected,
    /// Keys are exchanged.
    Encrypted,
    /// A login was asked for: somebody may be typing a password.
    LoggingIn,
}

/// A permit to be connected without a login; dropped at login or at the end of the connection.
pub(crate) struct Permit {
    limiter: Arc<UnauthenticatedLimiter>,
    number: u64,
    close: CancellationToken,
}

impl UnauthenticatedLimiter {
    /// Lets `address` in if there is room. Where a limit is reached, one of those that count towards it makes room, at
    /// random among the least far. Of those who are logging in one makes room only in the whole, and only of the source that
    /// has most of them, if that is more than the new one's source will have: nobody who is alone at an address is closed
    /// while somebody holds many. Else none is left for the new one.
    ///
    /// Whoever connects again as soon as it is closed would have the server do nothing but begin connections. So a source
    /// has others closed at a bounded rate: the new one waits for its turn, and costs a descriptor meanwhile.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        limits: &Limits,
        now: Instant,
    ) -> Entrance {
        let source = source_of(address);
        let mut state = self.lock();
        if state.is_full(source, limits) {
            match state.pace.take(source, now) {
                Some(Duration::ZERO) => {}
                Some(wait) => return Entrance::Later(wait),
                None => return Entrance::Refused,
            }
        }
        drop(state);
        self.enter_in_turn(address, limits)
            .map_or(Entrance::Refused, Entrance::Permitted)
    }

    /// Lets a connection in that has waited for its turn; none if nobody can make room.
    pub(crate) fn enter_in_turn(
        self: &Arc<Self>,
        address: IpAddr,
        limits: &Limits,
    ) -> Option<Permit> {
        let source = source_of(address);
        let mut state = self.lock();
        let from_source = state.from(source);
        if from_source >= limits.unauthenticated_per_address {
            state.make_room(Some(source))?;
        } else if state.waiting.len() >= limits.unauthenticated {
            state
                .make_room(None)
                .or_else(|| state.make_room_of_the_many(from_source + 1))?;
        }
        let number = state.next;
        state.next += 1;
        let close = CancellationToken::new();
        let entry = Entry {
            source,
            stage: Stage::Connected,
            close: close.clone(),
        };
        state.waiting.insert(number, entry);
        *state.by_source.entry(source).or_default() += 1;
        Some(Permit {
            limiter: Arc::clone(self),
            number,
            close,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl State {
    fn from(&self, source: IpAddr) -> usize {
        self.by_source.get(&source).copied().unwrap_or(0)
    }

    fn is_full(&self, source: IpAddr, limits: &Limits) -> bool {
        self.from(source) >= limits.unauthenticated_per_address
            || self.waiting.len() >= limits.unauthenticated
    }

    /// Closes one of those from `source`, or of all.
    fn make_room(&mut self, source: Option<IpAddr>) -> Option<()> {
        let number = [Stage::Connected, Stage::Encrypted]
            .into_iter()
            .find_map(|stage| self.any(source, stage))?;
        self.remove(number)?.close.cancel();
        Some(())
    }

    /// Closes one of the source that has most, if that is more than `least`.
    fn make_room_of_the_many(&mut self, least: usize) -> Option<()> {
        let most = self.by_source.iter().max_by_key(|(_, count)| **count);
        let (source, _) = most.filter(|(_, count)| **count > least)?;
        let number = self.any(Some(*source), Stage::LoggingIn)?;
        self.remove(number)?.close.cancel();
        Some(())
    }

    /// Returns one at this stage, at random: an attacker who knew who is next could keep its own connections and have
    /// others closed.
    fn any(&self, source: Option<IpAddr>, stage: Stage) -> Option<u64> {
        let counts = |entry: &Entry| {
            entry.stage == stage && source.is_none_or(|source| entry.source == source)
        };
        let candidates = self.waiting.iter().filter(|(_, entry)| counts(entry));
        candidates
            .choose(&mut rand::rng())
            .map(|(number, _)| *number)
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.waiting.remove(&number)?;
        if let Some(count) = self.by_source.get_mut(&entry.source) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&entry.source);
            }
        }
        Some(entry)
    }
}

impl Permit {
    /// Fires when this connection has to make room for another.
    pub(crate) fn close_requested(&self) -> CancellationToken {
        self.close.clone()
    }

    /// The connection is this far now.
    pub(crate) fn reach(&self, stage: Stage) {
        if let Some(entry) = self.limiter.lock().waiting.get_mut(&self.number) {
            entry.stage = entry.stage.max(stage);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(unauthenticated: usize, unauthenticated_per_address: usize) -> Limits {
        Limits {
            unauthenticated,
            unauthenticated_per_address,
            ..Limits::default()
        }
    }

    fn is_closed(permit: &Permit) -> bool {
        permit.close_requested().is_cancelled()
    }

    #[test]
    fn one_of_a_full_source_makes_room_and_others_stay() {
        let limits = limits(4, 2);
        let limiter = Arc::new(UnauthenticatedLimiter::default());
        let enter = |last| limiter.enter_in_turn(IpAddr::from([127, 0, 0, last]), &limits);
        let (first, second, other) = (enter(1), enter(1), enter(2).unwrap());
        let third = enter(1).unwrap();
        let closed = [&first, &second].map(|permit| is_closed(permit.as_ref().unwrap()));
        assert!(closed[0] != closed[1]);
        assert!(!is_closed(&other) && !is_closed(&third));
        let fourth = enter(3);
        assert!(fourth.is_some() && !is_closed(&other));
        drop((first, second, third, other));
        assert_eq!(limiter.lock().waiting.len(), 1);
        assert_eq!(limiter.lock().by_source.len(), 1);
    }

    #[test]
    fn who_is_less_far_goes_first_and_nobody_who_is_logging_in() {
        let limits = limits(3, 3);
        let limiter = Arc::new(UnauthenticatedLimiter::default());
        let enter = |last| limiter.enter_in_turn(IpAddr::from([127, 0, 0, last]), &limits);
        let permits = [1, 2, 3].map(|last| enter(last).unwrap());
        permits[0].reach(Stage::LoggingIn);
        permits[1].reach(Stage::Encrypted);
        // Going back makes nobody worse off.
        permits[0].reach(Stage::Encrypted);
        let fourth = enter(4).unwrap();
        assert_eq!(permits.each_ref().map(is_closed), [false, false, true]);
        fourth.reach(Stage::LoggingIn);
        let fifth = enter(5).unwrap();
        assert_eq!(permits.each_ref().map(is_closed), [false, true, true]);
        fifth.reach(Stage::LoggingIn);
        assert!(enter(6).is_none(), "all are logging in");
        assert!(!is_closed(&permits[0]) && !is_closed(&fourth) && !is_closed(&fifth));
        drop(fifth);
        assert!(enter(6).is_some());
    }

    #[test]
    fn who_holds_many_logins_keeps_nobody_out_and_who_has_one_keeps_it() {
        let limits = limits(4, 4);
        let limiter = Arc::new(UnauthenticatedLimiter::default());
        let enter = |last| limiter.enter_in_turn(IpAddr::from([127, 0, 0, last]), &limits);
        let one = enter(1).unwrap();
        let many = [2, 2, 2].map(|last| enter(last).unwrap());
        for permit in many.iter().chain([&one]) {
            permit.reach(Stage::LoggingIn);
        }
        let new = enter(3).unwrap();
        new.reach(Stage::LoggingIn);
        assert!(!is_closed(&one));
        assert_eq!(many.iter().filter(|permit| is_closed(permit)).count(), 1);
        // Two against one that would come to be: no more are closed.
        assert!(enter(3).is_none());
        assert!(!is_closed(&one) && !is_closed(&new));
    }

    #[test]
    fn whoever_has_one_ipv6_address_has_its_network() {
        for (address, source) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(source_of(address), source.parse::<IpAddr>().unwrap());
        }
    }

    #[test]
    fn who_makes_room_is_not_known_before() {
        let limits = limits(8, 8);
        let address = IpAddr::from([127, 0, 0, 1]);
        let mut closed = std::collections::HashSet::new();
        for _ in 0..200 {
            let limiter = Arc::new(UnauthenticatedLimiter::default());
            let permits: Vec<_> = (0..9)
                .filter_map(|_| limiter.enter_in_turn(address, &limits))
                .collect();
            closed.extend(permits.iter().position(is_closed));
        }
        assert!(closed.len() > 4, "{closed:?}");
    }

    #[test]
    fn who_comes_again_and_again_waits_for_a_turn_and_others_do_not() {
        let limits = limits(8, 4);
        let limiter = Arc::new(UnauthenticatedLimiter::default());
        let now = Instant::now() + Duration::from_secs(60);
        let enter = |last| limiter.enter(IpAddr::from([127, 0, 0, last]), &limits, now);
        let mut permits = Vec::new();
        let (mut waiting, mut refused) = (0, 0);
        for _ in 0..2000 {
            match enter(1) {
                Entrance::Permitted(permit) => permits.push(permit),
                Entrance::Later(_) => waiting += 1,
                Entrance::Refused => refused += 1,
            }
        }
        assert_eq!((permits.len(), waiting, refused), (69, 1000, 931));
        assert!(matches!(enter(2), Entrance::Permitted(_)));
        // Where there is room nobody waits.
        permits.clear();
        assert!(matches!(enter(1), Entrance::Permitted(_)));
    }
}
