//! Events of before, from wherever the program keeps them.

use std::io;

use crate::activity::RecentEvent;

/// Where events stay longer than in memory, such as a log.
pub trait EventArchive: Send + Sync {
    /// The last events that `is_wanted`, the newest first, and `most` at the most. May read long, and has to end.
    ///
    /// # Errors
    /// It cannot be read.
    fn last(&self, most: usize, is_wanted: &dyn Fn(&RecentEvent) -> bool)
    -> io::Result<PastEvents>;
}

/// What was found.
pub struct PastEvents {
    /// The newest first.
    pub events: Vec<RecentEvent>,
    /// There is more that was not read, because that would take too long.
    pub is_cut_short: bool,
}
