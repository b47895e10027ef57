//! Rates of connections and requests, of all together or of each source, in bounded memory.
//!
//! Several limits are decided upon in one step: what one of them refuses costs nothing of the others, and a wait is a
//! reservation, so that whoever waits finds its token there.

mod bucket;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use self::bucket::{FullAt, Rate};
use crate::{
    event::{ConnectionProtocol, Event, Events},
    ip_list::{IpLists, ListType},
    network::Network,
    sync::lock,
};

/// Room is made for one part in so many of all sources at least, because each time all are looked at.
const LEAST_ROOM: usize = 10;

/// The time since the clock's beginning; it never goes back.
type Clock = Box<dyn Fn() -> Duration + Send + Sync>;

/// Whose connections and requests a limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's.
    All,
    /// Those of an address, or the network that it is counted with.
    Source {
        /// The defender counts each refusal against the source.
        counts_offence: bool,
        /// How many sources are remembered after others had to be forgotten.
        entries_soft_limit: usize,
        /// How many sources are remembered at the most.
        entries_hard_limit: usize,
    },
}

/// One limit, as an operator configures it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// So many in a period, spread evenly.
    pub average: u32,
    /// The period.
    pub period: Duration,
    /// So many may come at once.
    pub burst: u32,
    /// Who is counted together.
    pub scope: Scope,
    /// The protocols that are counted, together.
    pub protocols: Vec<ConnectionProtocol>,
}

/// Prefixes of the networks that are one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourcePrefixes {
    /// Bits of an IPv4 address.
    pub ipv4: u8,
    /// Bits of an IPv6 address.
    pub ipv6: u8,
}

/// There are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// It is let through after this time, if no other one comes before.
    pub retry_in: Duration,
    /// The defender counts it against the source.
    pub is_offence: bool,
}

/// All limits of a server. Addresses of the rate limiters' safe list have none.
pub struct RateLimits {
    limits: Vec<RateLimit>,
    prefixes: SourcePrefixes,
    lists: Arc<IpLists>,
    events: Events,
    clock: Clock,
    /// One for each limit.
    buckets: Mutex<Vec<Buckets>>,
}

/// The buckets of one limit.
struct Buckets {
    rate: Rate,
    of: Of,
}

enum Of {
    All(FullAt),
    Sources(HashMap<Network, FullAt>),
}

impl RateLimits {
    /// Makes the limits, of which nothing is used. They tell `events` of each refusal.
    pub fn new(
        limits: Vec<RateLimit>,
        prefixes: SourcePrefixes,
        lists: Arc<IpLists>,
        events: Events,
    ) -> Self {
        let began = Instant::now();
        let buckets = limits.iter().map(Buckets::of).collect();
        Self {
            limits,
            prefixes,
            lists,
            events,
            clock: Box::new(move || began.elapsed()),
            buckets: Mutex::new(buckets),
        }
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self {
            clock: Box::new(clock),
            ..self
        }
    }

    /// Counts a connection or a request, and returns how long it has to wait for its turn, which it has then. Does not
    /// wait itself.
    ///
    /// # Errors
    /// It would wait too long, and is not counted.
    pub fn take(&self, address: IpAddr, protocol: ConnectionProtocol) -> Result<Duration, TooMany> {
        let list = ListType::RateLimiterSafe;
        if self.lists.mode_of(list, address, protocol).is_some() {
            return Ok(Duration::ZERO);
        }
        let source = Network::around(address, self.prefixes.ipv4, self.prefixes.ipv6);
        let taken = self.take_of(source, protocol);
        if taken.is_err() {
            let address = address.to_canonical();
            self.events.emit(&Event::RateLimited { address, protocol });
        }
        taken
    }

    fn take_of(&self, source: Network, protocol: ConnectionProtocol) -> Result<Duration, TooMany> {
        let now = (self.clock)();
        let mut buckets = lock(&self.buckets);
        let applies = |limit: &RateLimit| limit.protocols.contains(&protocol);
        let mut wait = Duration::ZERO;
        let mut refused: Option<TooMany> = None;
        for (limit, buckets) in self.limits.iter().zip(buckets.iter()) {
            if !applies(limit) {
                continue;
            }
            let due = buckets.rate.wait(buckets.full_at(source), now);
            wait = wait.max(due);
            if due > buckets.rate.longest_wait {
                let was_offence = refused.is_some_and(|refused| refused.is_offence);
                refused = Some(TooMany {
                    retry_in: wait,
                    is_offence: was_offence || limit.scope.counts_offence(),
                });
            }
        }
        if let Some(refused) = refused {
            return Err(TooMany {
                retry_in: wait,
                ..refused
            });
        }
        for (limit, buckets) in self.limits.iter().zip(buckets.iter_mut()) {
            if applies(limit) {
                buckets.take(source, limit.scope, now);
            }
        }
        Ok(wait)
    }
}

impl Scope {
    fn counts_offence(self) -> bool {
        matches!(
            self,
            Self::Source {
                counts_offence: true,
                ..
            }
        )
    }
}

impl Buckets {
    fn of(limit: &RateLimit) -> Self {
        Self {
            rate: Rate::new(limit.average, limit.period, limit.burst),
            of: match limit.scope {
                Scope::All => Of::All(FullAt::ZERO),
                Scope::Source { .. } => Of::Sources(HashMap::new()),
            },
        }
    }

    fn full_at(&self, source: Network) -> FullAt {
        match &self.of {
            Of::All(full_at) => *full_at,
            Of::Sources(sources) => sources.get(&source).copied().unwrap_or_default(),
        }
    }

    fn take(&mut self, source: Network, scope: Scope, now: Duration) {
        let taken = self.rate.take(self.full_at(source), now);
        match &mut self.of {
            Of::All(full_at) => *full_at = taken,
            Of::Sources(sources) => {
                if let Scope::Source {
                    entries_soft_limit: soft,
                    entries_hard_limit: hard,
                    ..
                } = scope
                    && sources.len() >= hard
                    && !sources.contains_key(&source)
                {
                    make_room(sources, soft, hard, now);
                }
                sources.insert(source, taken);
            }
        }
    }
}

/// Forgets the sources whose buckets are full, and of the others those that are full soonest, until `most` are left at the
/// most, and one part in [`LEAST_ROOM`] of `hard` is free.
fn make_room(sources: &mut HashMap<Network, FullAt>, most: usize, hard: usize, now: Duration) {
    sources.retain(|_, full_at| *full_at > now);
    let most = most.min(hard.saturating_sub((hard / LEAST_ROOM).max(1)));
    let surplus = sources.len().saturating_sub(most);
    if surplus == 0 {
        return;
    }
    let mut fullest: Vec<_> = sources.iter().map(|(source, at)| (*at, *source)).collect();
    fullest.sort_unstable_by_key(|(full_at, _)| *full_at);
    for (_, source) in fullest.into_iter().take(surplus) {
        sources.remove(&source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_forgotten_by_how_full_their_buckets_are() {
        let limit = RateLimit {
            average: 1,
            period: Duration::from_secs(10),
            burst: 1,
            scope: Scope::Source {
                counts_offence: false,
                entries_soft_limit: 2,
                entries_hard_limit: 4,
            },
            protocols: vec![ConnectionProtocol::Ssh],
        };
        let mut buckets = Buckets::of(&limit);
        let source = |last: u8| Network::around([192, 0, 2, last].into(), 32, 64);
        let mut take = |last, second| {
            buckets.take(source(last), limit.scope, Duration::from_secs(second));
        };
        take(1, 0);
        take(2, 20);
        take(3, 21);
        take(4, 22);
        // The first is full again, and of the others the one that will be so first makes room.
        take(5, 23);
        let Of::Sources(sources) = &buckets.of else {
            panic!("one of sources");
        };
        let mut left: Vec<_> = sources.keys().map(Network::first).collect();
        left.sort_unstable();
        assert_eq!(left, [3, 4, 5].map(|last| source(last).first()));
    }

    #[test]
    fn room_is_made_for_many_at_once_however_near_the_limits_are() {
        let limit = RateLimit {
            average: 1,
            period: Duration::from_secs(1000),
            burst: 1,
            scope: Scope::Source {
                counts_offence: false,
                entries_soft_limit: 99,
                entries_hard_limit: 100,
            },
            protocols: vec![ConnectionProtocol::Ssh],
        };
        let mut buckets = Buckets::of(&limit);
        for last in 0..=100 {
            let source = Network::around([192, 0, 2, last].into(), 32, 64);
            buckets.take(source, limit.scope, Duration::ZERO);
        }
        let Of::Sources(sources) = &buckets.of else {
            panic!("one of sources");
        };
        assert_eq!(sources.len(), 91);
    }
}
