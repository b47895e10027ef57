//! How many wrong codes in a row somebody has sent: six digits could be guessed else.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::sync::lock;

/// After so many wrong codes in a row no code of the name passes for [`PAUSE`].
const MOST: u32 = 10;
/// How long no code passes, since the last wrong one.
const PAUSE: Duration = Duration::from_secs(60);

/// Wrong codes by name. A name has an entry only once its first factor was right, so that there are no more than accounts.
#[derive(Default)]
pub struct WrongCodes(Mutex<HashMap<String, (u32, Instant)>>);

impl WrongCodes {
    /// Does no code of this name pass now?
    pub fn has_to_pause(&self, name: &str) -> bool {
        let counted = lock(&self.0);
        counted
            .get(name)
            .is_some_and(|(count, last)| *count >= MOST && last.elapsed() < PAUSE)
    }

    /// A code of this name was wrong.
    pub fn count(&self, name: &str) {
        let mut counted = lock(&self.0);
        let entry = counted
            .entry(name.to_owned())
            .or_insert((0, Instant::now()));
        *entry = (entry.0.saturating_add(1), Instant::now());
    }

    /// A code of this name was right.
    pub fn forget(&self, name: &str) {
        lock(&self.0).remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_pauses_after_ten_wrong_codes_in_a_row() {
        let wrong = WrongCodes::default();
        for _ in 1..MOST {
            wrong.count("bob");
        }
        assert!(!wrong.has_to_pause("bob"));
        wrong.count("bob");
        assert!(wrong.has_to_pause("bob"));
        assert!(!wrong.has_to_pause("alice"));
        wrong.forget("bob");
        assert!(!wrong.has_to_pause("bob"));
    }
}
