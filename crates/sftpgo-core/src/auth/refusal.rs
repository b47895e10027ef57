//! How long a refused password takes, whatever hash the name has and whether there is such a user.
//!
//! A refusal is answered so long after its check began, and the check itself ends before that. So the time tells
//! nothing of the check: a name that nobody has, a cheap hash and a dear one look alike.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::password::{MAX_EXPECTED_TIME, PasswordHash};
use crate::{
    error::Result,
    event::{Event, Observer},
    provider::Users,
    user::User,
};

/// A refusal takes at least this long, which slows down who guesses.
const LEAST: Duration = Duration::from_millis(700);
/// A refusal takes at most this long, however slow the machine is.
const MOST: Duration = Duration::from_secs(10);
/// The part of the time that is added for checks that take longer than others.
const SLACK: u32 = 2;
/// A check that is expected to take less says little about the speed of the machine.
const TELLING: Duration = Duration::from_millis(10);
/// The pace of a current core; a greater one is slower.
const PACE: u64 = 1000;
/// The slowest pace that is believed.
const MAX_PACE: u64 = 8 * PACE;
/// How much the newest check counts for the pace: one part in so many.
const NEWEST: u64 = 4;
/// Users whose hash cannot be used are named up to this number.
const NAMED: usize = 100;

/// The time of refusals of one server.
pub struct RefusalTime {
    /// Microseconds that the dearest hash takes on a current core that a login or a change of a user has shown.
    seen: AtomicU64,
    /// The same of all users, as the last survey found it; what is taken to be true before.
    surveyed: AtomicU64,
    /// How long checks take here, in thousandths of what they take on a current core.
    pace: AtomicU64,
}

impl Default for RefusalTime {
    fn default() -> Self {
        Self {
            seen: AtomicU64::new(0),
            surveyed: AtomicU64::new(0),
            pace: AtomicU64::new(PACE),
        }
    }
}

impl RefusalTime {
    /// Of a server whose stored hashes are not known yet: any user may have the dearest, until
    /// [`RefusalTime::survey`] has looked.
    pub fn of_unknown_users() -> Arc<Self> {
        let time = Self::default();
        time.surveyed
            .store(micros(MAX_EXPECTED_TIME), Ordering::Relaxed);
        Arc::new(time)
    }

    /// How long after the beginning of its check a refused password is answered.
    pub fn get(&self) -> Duration {
        let seen = self.seen.load(Ordering::Relaxed);
        let dearest = Duration::from_micros(seen.max(self.surveyed.load(Ordering::Relaxed)));
        let pace = u32::try_from(self.pace.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let here = dearest.saturating_mul(pace) / PACE as u32;
        (here + here / SLACK).clamp(LEAST, MOST)
    }

    /// A user has this hash.
    pub(super) fn saw(&self, hash: &PasswordHash) {
        let time = micros(hash.expected_time());
        self.seen.fetch_max(time, Ordering::Relaxed);
    }

    /// A check that takes `expected` on a current core took `took` here.
    pub(super) fn took(&self, expected: Duration, took: Duration) {
        // What took much less than it must was refused before it was computed.
        if expected < TELLING || took < expected / 4 {
            return;
        }
        let newest = micros(took).saturating_mul(PACE) / micros(expected).max(1);
        let newest = newest.clamp(PACE, MAX_PACE);
        let update = |pace: u64| Some((pace * (NEWEST - 1) + newest) / NEWEST);
        let _ = self
            .pace
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
    }

    /// Looks for the dearest hash of all users, and names in the log who has one that cannot be used. Blocks for as
    /// long as reading all users takes.
    ///
    /// # Errors
    /// What the provider says; refusals take then as long as the dearest hash may.
    pub fn survey(&self, users: &dyn Users) -> Result<()> {
        let (started, nobody) = (Instant::now(), PasswordHash::of_nobody());
        nobody.verify(b"");
        let took = micros(started.elapsed()).saturating_mul(PACE) / micros(nobody.expected_time());
        self.pace
            .store(took.clamp(PACE, MAX_PACE), Ordering::Relaxed);

        let found = Self::default();
        let mut unusable = 0;
        users.for_each_user(&mut |user| {
            match hash_of(&user) {
                Some(Ok(hash)) => found.saw(&hash),
                Some(Err(error)) => {
                    unusable += 1;
                    if unusable <= NAMED {
                        log::warn!(
                            "the user {:?} cannot log in with a password, because the stored hash cannot be used: {error}",
                            user.username
                        );
                    }
                }
                None => {}
            }
            ControlFlow::Continue(())
        })?;
        if unusable > NAMED {
            log::warn!("users whose stored hash cannot be used: {unusable}");
        }
        let dearest = found.seen.load(Ordering::Relaxed);
        self.surveyed.store(dearest, Ordering::Relaxed);
        Ok(())
    }
}

impl Observer for Arc<RefusalTime> {
    fn notify(&self, event: &Event<'_>) {
        if let Event::User { user, .. } = event
            && let Some(Ok(hash)) = hash_of(user)
        {
            self.saw(&hash);
        }
    }
}

fn hash_of(user: &User) -> Option<Result<PasswordHash>> {
    user.password.as_deref().map(PasswordHash::parse)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT_14: &str = "$2a$14$ajq8Q7fbtFRQvXpdCq7Jcuy.Rx1h/L4J60Otx.gyNLbAYctGMJ9tK";
    const BCRYPT_15: &str = "$2a$15$ajq8Q7fbtFRQvXpdCq7Jcuy.Rx1h/L4J60Otx.gyNLbAYctGMJ9tK";

    fn parse(stored: &str) -> PasswordHash {
        PasswordHash::parse(stored).unwrap()
    }

    #[test]
    fn a_refusal_outlasts_the_check_of_the_dearest_hash_and_never_gets_shorter() {
        let time = RefusalTime::default();
        assert_eq!(time.get(), LEAST);
        let dear = parse(BCRYPT_14);
        time.saw(&dear);
        let of_dear = time.get();
        assert_eq!(of_dear, dear.expected_time() * 3 / 2);
        time.saw(&PasswordHash::of_nobody());
        for _ in 0..100 {
            let cheap = PasswordHash::of_nobody().expected_time();
            time.took(cheap, cheap / 2);
            assert_eq!(
                time.get(),
                of_dear,
                "many checks of another name change nothing"
            );
        }
        time.saw(&parse(BCRYPT_15));
        assert!(time.get() > of_dear);
    }

    #[test]
    fn on_a_slow_machine_refusals_take_longer_before_a_dear_hash_was_checked_there() {
        let time = RefusalTime::default();
        let (dear, cheap) = (parse(BCRYPT_14), PasswordHash::of_nobody().expected_time());
        time.saw(&dear);
        for _ in 0..20 {
            time.took(cheap, cheap * 3);
        }
        assert!(time.get() > dear.expected_time() * 4, "{:?}", time.get());
        // Refused for its length, nothing was computed.
        time.took(cheap, Duration::ZERO);
        assert!(time.get() > dear.expected_time() * 4);
        for _ in 0..40 {
            time.took(cheap, cheap * 1000);
        }
        assert_eq!(time.get(), MOST);
        for _ in 0..60 {
            time.took(cheap, cheap);
        }
        assert!(time.get() < dear.expected_time() * 2, "{:?}", time.get());
    }

    #[test]
    fn before_the_users_are_known_each_may_have_the_dearest_hash() {
        let time = RefusalTime::of_unknown_users();
        assert_eq!(time.get(), MAX_EXPECTED_TIME * 3 / 2);
    }
}
