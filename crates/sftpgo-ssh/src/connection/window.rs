//! How much a client may send ahead on a channel (RFC 4254 section 5.2): the window grows with the path.

use std::time::{Duration, Instant};

/// The window of a channel that is opened.
pub(super) const FIRST: u32 = 2 * 1024 * 1024;
/// The largest window in bytes: what OpenSSH's client has under way at the most.
const MOST: u32 = 16 * 1024 * 1024;
/// The least of a user whose uploads are limited: room for two of most clients' packets.
const LEAST: u32 = 64 * 1024;
/// Half a window that lasted longer than this came over a path that can use a larger one, or from a client that takes its
/// time, to which it makes no difference.
const LONG: Duration = Duration::from_millis(5);

/// The window of one channel.
///
/// It stands for no memory: what has come is written at once, and what a session cannot do yet is bounded for all of a
/// connection. So it may be too large; too small, it is what a sender over a long path waits for.
pub(super) struct Window {
    size: u32,
    /// Bytes given back since half of the window was used up last, and when that was.
    used: usize,
    since: Instant,
}

impl Window {
    /// Makes the window of a channel that is opened; `rate` limits the user's uploads, in bytes a second.
    pub(super) fn new(rate: Option<u64>, now: Instant) -> Self {
        Self {
            size: rate.map_or(FIRST, throttled),
            used: 0,
            since: now,
        }
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Gives bytes back to the client. Returns the size from here on, each time that half of it has been used.
    pub(super) fn give_back(
        &mut self,
        bytes: usize,
        rate: Option<u64>,
        now: Instant,
    ) -> Option<u32> {
        self.used = self.used.saturating_add(bytes);
        if self.used < usize::try_from(self.size / 2).unwrap_or(usize::MAX) {
            return None;
        }
        self.used = 0;
        let lasted = now.saturating_duration_since(self.since);
        self.since = now;
        self.size = match rate {
            Some(rate) => throttled(rate),
            None if lasted >= LONG => self.size.max(FIRST / 2).saturating_mul(2).min(MOST),
            None => self.size,
        };
        Some(self.size)
    }
}

/// Half a second's worth is under way at the most: more would only wait here.
fn throttled(rate: u64) -> u32 {
    u32::try_from(rate / 2).map_or(FIRST, |half| half.clamp(LEAST, FIRST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limited_client_has_half_a_second_under_way() {
        for (rate, window) in [
            (1_000, LEAST),
            (1_000_000, 500_000),
            (100_000_000, FIRST),
            (u64::MAX, FIRST),
        ] {
            assert_eq!(throttled(rate), window, "{rate}");
            assert_eq!(Window::new(Some(rate), Instant::now()).size(), window);
        }
    }

    #[test]
    fn it_grows_over_a_long_path_only_and_not_without_end() {
        let start = Instant::now();
        let mut window = Window::new(None, start);
        assert_eq!(window.size(), FIRST);
        let mut now = start;
        let mut after = |millis| {
            now += Duration::from_millis(millis);
            let half = usize::try_from(window.size() / 2).unwrap();
            assert_eq!(window.give_back(half - 1, None, now), None);
            window.give_back(1, None, now).unwrap()
        };
        assert_eq!(after(1), FIRST);
        assert_eq!(after(25), 2 * FIRST);
        assert_eq!(after(1), 2 * FIRST);
        assert_eq!(after(75), 4 * FIRST);
        assert_eq!([after(75), after(75)], [MOST, MOST]);
    }

    #[test]
    fn a_limit_that_comes_or_goes_is_followed() {
        let start = Instant::now();
        let mut window = Window::new(None, start);
        let much = usize::try_from(FIRST).unwrap();
        assert_eq!(window.give_back(much, Some(1000), start), Some(LEAST));
        let later = start + LONG;
        assert_eq!(window.give_back(much, None, later), Some(FIRST));
    }
}
