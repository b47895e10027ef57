//! How much a client may send ahead on a channel (RFC 4254 section 5.2): the window grows with the path.

use std::time::{Duration, Instant};

/// The window of a channel that is opened.
pub(super) const FIRST: u32 = 2 * 1024 * 1024;
/// As far as it grows: what OpenSSH's client has under way at the most.
const MOST: u32 = 16 * 1024 * 1024;
/// The least of a user whose uploads are limited: room for two of most clients' packets.
const LEAST: u32 = 64 * 1024;
/// Half a window that lasted longer than this came over a path that can use a larger one, or from a client that takes its
/// time, to which it makes no difference.
const LONG: Duration = Duration::from_millis(5);

/// The window of one connection's channels.
///
/// It stands for no memory: what has come is written at once, and where the sessions cannot keep up, the connection is not
/// read from. So it may be too large; too small, it is what a sender over a long path waits for.
pub(super) struct Window {
    size: u32,
    opened: Instant,
}

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            size: FIRST,
            opened: now,
        }
    }

    /// The size from here on, now that half of it has been used; `rate` limits the user's uploads, in bytes a second.
    pub(super) fn next(&mut self, rate: Option<u64>, now: Instant) -> u32 {
        if let Some(rate) = rate {
            return throttled(rate);
        }
        let lasted = now.saturating_duration_since(self.opened);
        self.opened = now;
        if lasted >= LONG {
            self.size = self.size.saturating_mul(2).min(MOST);
        }
        self.size
    }
}

/// Half a second's worth is under way at the most, so that the messages of the other channels do not wait long behind it.
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
        }
    }

    #[test]
    fn it_grows_over_a_long_path_only_and_not_without_end() {
        let start = Instant::now();
        let mut window = Window::new(start);
        let mut now = start;
        let mut after = |millis| {
            now += Duration::from_millis(millis);
            window.next(None, now)
        };
        assert_eq!(after(1), FIRST);
        assert_eq!(after(25), 2 * FIRST);
        assert_eq!(after(1), 2 * FIRST);
        assert_eq!(after(75), 4 * FIRST);
        assert_eq!([after(75), after(75)], [MOST, MOST]);
    }
}
