//! How often a source may have another connection closed for a new one of its own.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// A source has so many closed each second: a connection that is closed and its successor cost about 200 µs.
const EACH: Duration = Duration::from_millis(5);
/// The number that may come at once after a time without any, so that a client that comes after a crowd of silent ones does
/// not wait.
const BURST: u32 = 64;
/// The longest wait; a connection that would wait longer is refused. A thousand wait before it.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Sources that waited long ago are forgotten when there are so many.
const SOURCES: usize = 1024;

/// When the next place of each source is free, at the rate of [`EACH`].
#[derive(Default)]
pub(super) struct Pace(HashMap<IpAddr, Instant>);

impl Pace {
    /// Returns how long `source` waits for its next turn, which it has taken with this; none if it would be too long.
    pub(super) fn take(&mut self, source: IpAddr, now: Instant) -> Option<Duration> {
        if self.0.len() >= SOURCES {
            self.0.retain(|_, next| *next > now);
        }
        let rested = now.checked_sub(EACH * BURST).unwrap_or(now);
        let turn = self
            .0
            .get(&source)
            .map_or(rested, |next| *next.max(&rested));
        let wait = turn.saturating_duration_since(now);
        if wait > LONGEST_WAIT {
            return None;
        }
        self.0.insert(source, turn + EACH);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_burst_turns_come_one_by_one_and_the_line_has_an_end() {
        let mut pace = Pace::default();
        let (now, one, other) = (
            Instant::now() + Duration::from_secs(60),
            IpAddr::from([192, 0, 2, 1]),
            IpAddr::from([192, 0, 2, 2]),
        );
        let waits: Vec<_> = (0..2000).map_while(|_| pace.take(one, now)).collect();
        let burst = waits.iter().take_while(|wait| wait.is_zero()).count();
        assert_eq!((burst, waits.len()), (65, 1065));
        assert_eq!(waits[65..67], [EACH, 2 * EACH]);
        assert_eq!(pace.take(other, now), Some(Duration::ZERO));
        // Time makes turns free, but never more than a burst of them.
        let later = now + 4 * EACH;
        assert_eq!((0..9).filter_map(|_| pace.take(one, later)).count(), 4);
        let rested = later + Duration::from_secs(3600);
        assert!((0..65).all(|_| pace.take(one, rested) == Some(Duration::ZERO)));
        assert_eq!(pace.take(one, rested), Some(EACH));
    }

    #[test]
    fn sources_that_wait_no_more_are_forgotten() {
        let mut pace = Pace::default();
        let now = Instant::now() + Duration::from_secs(60);
        for number in 0..5000_u32 {
            pace.take(IpAddr::from(number.to_be_bytes()), now);
        }
        assert!(pace.0.len() <= SOURCES);
    }
}
