//! How many wrong codes in a row somebody has sent: six digits could be guessed else.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::sync::lock;

/// After so many wrong codes in a row no code of the name is checked for [`PAUSE`].
const MOST: u32 = 10;
/// How long no code is checked, since the last one that was.
const PAUSE: Duration = Duration::from_secs(60);

/// Codes by name that were wrong, or are being checked: those count as wrong until they turn out to be right, because others are
/// sent at the same time. A name has an entry only once its first factor was right, so that there are no more than accounts.
#[derive(Default)]
pub struct WrongCodes(Mutex<HashMap<String, Tries>>);

struct Tries {
    count: u32,
    last: Instant,
}

impl WrongCodes {
    /// May a code of this name be checked now? It counts as wrong from here on. After a pause one may, and the next pause begins.
    #[must_use]
    pub fn take_try(&self, name: &str) -> bool {
        let mut counted = lock(&self.0);
        let now = Instant::now();
        let tries = counted.entry(name.to_owned()).or_insert(Tries {
            count: 0,
            last: now,
        });
        if tries.count >= MOST && now.saturating_duration_since(tries.last) < PAUSE {
            return false;
        }
        tries.count = tries.count.saturating_add(1).min(MOST);
        tries.last = now;
        true
    }

    /// The code for which a try of this name was taken was neither right nor wrong.
    pub fn give_back(&self, name: &str) {
        let mut counted = lock(&self.0);
        let Some(tries) = counted.get_mut(name) else {
            return;
        };
        tries.count = tries.count.saturating_sub(1);
        if tries.count == 0 {
            counted.remove(name);
        }
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
        for _ in 0..MOST {
            assert!(wrong.take_try("bob"));
        }
        assert!(!wrong.take_try("bob"));
        assert!(wrong.take_try("alice"));
        wrong.forget("bob");
        assert!(wrong.take_try("bob"));
    }

    #[test]
    fn what_was_neither_right_nor_wrong_does_not_count() {
        let wrong = WrongCodes::default();
        for _ in 0..2 * MOST {
            assert!(wrong.take_try("bob"));
            wrong.give_back("bob");
        }
        assert!(lock(&wrong.0).is_empty());
        wrong.give_back("bob");
        for _ in 0..MOST {
            assert!(wrong.take_try("bob"));
        }
        wrong.give_back("bob");
        assert!(wrong.take_try("bob"));
        assert!(!wrong.take_try("bob"));
    }

    #[test]
    fn after_a_pause_one_code_is_checked() {
        let Some(before) = Instant::now().checked_sub(PAUSE) else {
            return;
        };
        let wrong = WrongCodes::default();
        let tries = Tries {
            count: MOST,
            last: before,
        };
        lock(&wrong.0).insert("bob".to_owned(), tries);
        assert!(wrong.take_try("bob"));
        assert!(!wrong.take_try("bob"));
    }
}
