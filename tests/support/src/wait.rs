//! Waiting for a fact.

use std::{
    thread,
    time::{Duration, Instant},
};

/// A fact that has not come by then does not come: far more than the busiest machine needs. A test that passes does not
/// wait for it.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits for a fact, for [`PATIENCE`] at most.
#[track_caller]
pub fn wait_for(what: &str, mut fact: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !fact() {
        assert!(Instant::now() < until, "waited too long for {what}");
        thread::sleep(PAUSE);
    }
}
