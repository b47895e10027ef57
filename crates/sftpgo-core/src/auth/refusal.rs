//! The time that a refused password takes, whatever hash the name has and whether there is such a user.
//!
//! A refusal is answered so long after its check began, and the check itself ends before that. So the time tells
//! nothing of the check: a name that nobody has, a cheap hash and a dear one look alike.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    credential::password::{MAX_EXPECTED_TIME, PasswordHash},
    error::Result,
    event::{Event, Observer},
    priority,
    provider::Users,
    sync::lock,
    user::StoredUser,
};

/// A refusal takes at least this long, which slows down who guesses.
const LEAST: Duration = Duration::from_millis(700);
/// A refusal takes at most this long, however slow the machine is.
const MOST: Duration = Duration::from_secs(10);
/// A refusal takes so many times what the dearest check takes: a busy moment does not make one last longer.
const TIMES_DEAREST: u32 = 2;
/// A check that is expected to take less says little about the speed of the machine.
const TELLING: Duration = Duration::from_millis(10);
/// The slowest pace that is believed, in times of a current core's.
const MAX_PACE: u32 = 8;
/// How much the newest check counts for the average: one part in so many.
const NEWEST: u64 = 16;
/// An average of 1, as on a current core.
const AVERAGE: u64 = 1000;
/// A pace is kept for so long at least before a faster one is taken.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// The pace is measured by the fastest of so many checks, or by one that takes long.
const MEASUREMENTS: usize = 3;
const LONG: Duration = Duration::from_millis(200);
/// Users whose hash cannot be used are named up to this number.
const NAMED: usize = 100;

/// The time of refusals of one server.
pub struct RefusalTime {
    /// Microseconds that the dearest hash takes on a current core that a login or a change of a user has shown.
    seen: AtomicU64,
    /// The same of all users, as the last survey found it; before the first one, what is assumed.
    surveyed: AtomicU64,
    pace: Mutex<Pace>,
    /// Is a hash that is dearer than all others checked once to know how long that takes here?
    measures: bool,
}

/// How long checks take here. It changes seldom and in great steps, for a time that followed each check would tell of
/// them.
struct Pace {
    /// Checks take up to so many times what they take on a current core: 1, 2, 4 or 8.
    times: u32,
    since: Instant,
    /// The average of that over the last checks, in thousandths.
    average: u64,
}

impl Default for RefusalTime {
    fn default() -> Self {
        Self {
            seen: AtomicU64::new(0),
            surveyed: AtomicU64::new(0),
            pace: Mutex::new(Pace {
                times: 1,
                since: Instant::now(),
                average: AVERAGE,
            }),
            measures: false,
        }
    }
}

impl RefusalTime {
    /// Makes the time of a server whose stored hashes are not known yet: any user may have the dearest, until
    /// [`RefusalTime::survey`] has looked.
    pub fn of_unknown_users() -> Arc<Self> {
        let time = Self {
            measures: true,
            ..Self::default()
        };
        time.surveyed
            .store(micros(MAX_EXPECTED_TIME), Ordering::Relaxed);
        Arc::new(time)
    }

    /// Returns how long after the beginning of its check a refused password is answered.
    pub fn get(&self) -> Duration {
        self.at_pace(self.pace().times)
    }

    fn at_pace(&self, times: u32) -> Duration {
        let seen = self.seen.load(Ordering::Relaxed);
        let dearest = Duration::from_micros(seen.max(self.surveyed.load(Ordering::Relaxed)));
        (dearest * times * TIMES_DEAREST).clamp(LEAST, MOST)
    }

    /// Remembers that a user has this hash, and returns whether it is dearer than all that were seen before.
    pub(super) fn saw(&self, hash: &PasswordHash) -> bool {
        let time = micros(hash.expected_time());
        let seen = self.seen.fetch_max(time, Ordering::Relaxed);
        time > seen.max(self.surveyed.load(Ordering::Relaxed))
    }

    /// A check that takes `expected` on a current core took `took` here and ended at `now`.
    pub(super) fn took(&self, expected: Duration, took: Duration, now: Instant) {
        // What took much less than it must was refused before it was computed.
        if expected < TELLING || took < expected / 4 {
            return;
        }
        let mut pace = self.pace();
        let newest = micros(took).saturating_mul(AVERAGE) / micros(expected);
        pace.average = (pace.average * (NEWEST - 1) + newest) / NEWEST;
        let is_slower = took > self.at_pace(pace.times) * 9 / 10;
        if is_slower && pace.times < MAX_PACE {
            pace.times *= 2;
            pace.since = now;
        } else if pace.times > 1
            && pace.average <= most_at(pace.times / 2)
            && now.saturating_duration_since(pace.since) > KEPT_FOR
        {
            pace.times /= 2;
            pace.since = now;
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        lock(&self.pace)
    }

    /// Checks this hash to know how long that takes here.
    fn measure(&self, hash: &PasswordHash) {
        let expected = hash.expected_time();
        let count = if expected > LONG { 1 } else { MEASUREMENTS };
        let times = (0..count).map(|_| {
            let started = Instant::now();
            hash.verify(b"");
            started.elapsed()
        });
        let fastest = times.min().unwrap_or_default();
        let mut pace = self.pace();
        pace.average = micros(fastest).saturating_mul(AVERAGE) / micros(expected).max(1);
        while pace.times < MAX_PACE && pace.average > most_at(pace.times) {
            pace.times *= 2;
            pace.since = Instant::now();
        }
    }

    /// Measures the hash in a thread that nobody waits for.
    fn measure_behind(self: &Arc<Self>, hash: PasswordHash) {
        let time = Arc::clone(self);
        let started = thread::Builder::new()
            .name("password-pace".to_owned())
            .spawn(move || {
                priority::lower_for_this_thread();
                time.measure(&hash);
            });
        if let Err(error) = started {
            log::warn!(
                "the thread that measures how long password checks take could not be started, so an estimate is used: {error}"
            );
        }
    }

    /// Looks for the dearest hash of all users, and names in the log who has one that cannot be used. Blocks for as
    /// long as reading all users takes.
    ///
    /// # Errors
    /// Any error of the provider; refusals take then as long as the dearest hash may.
    pub fn survey(&self, users: &dyn Users) -> Result<()> {
        let found = Self::default();
        let mut dearest = PasswordHash::of_nobody();
        let mut unusable = 0;
        users.for_each_user(&mut |user| {
            match hash_of(&user) {
                Some(Ok(hash)) => {
                    found.saw(&hash);
                    if hash.expected_time() > dearest.expected_time() {
                        dearest = hash;
                    }
                }
                Some(Err(error)) => {
                    unusable += 1;
                    if unusable <= NAMED {
                        log::warn!(
                            "the user {:?} cannot log in with a password, because the stored hash cannot be used; set a new password: {error}",
                            user.username
                        );
                    }
                }
                None => {}
            }
            ControlFlow::Continue(())
        })?;
        if unusable > NAMED {
            log::warn!(
                "{unusable} users cannot log in with a password, because their stored hashes cannot be used; {NAMED} of them are named above"
            );
        }
        if self.measures {
            self.measure(&dearest);
        }
        let found = found.seen.load(Ordering::Relaxed);
        self.surveyed.store(found, Ordering::Relaxed);
        Ok(())
    }
}

impl Observer for Arc<RefusalTime> {
    fn notify(&self, event: &Event<'_>) {
        if let Event::User { user, .. } = event
            && let Some(Ok(hash)) = hash_of(user)
            && self.saw(&hash)
            && self.measures
        {
            self.measure_behind(hash);
        }
    }
}

/// Returns the highest average for which a pace is kept.
fn most_at(times: u32) -> u64 {
    u64::from(times) * AVERAGE * 5 / 4
}

fn hash_of(user: &StoredUser) -> Option<Result<PasswordHash>> {
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
    fn a_refusal_outlasts_the_check_of_the_dearest_hash_whatever_is_checked() {
        let time = RefusalTime::default();
        assert_eq!(time.get(), LEAST);
        let (dear, now) = (parse(BCRYPT_14), Instant::now());
        time.saw(&dear);
        let of_dear = time.get();
        assert_eq!(of_dear, dear.expected_time() * 2);
        let cheap = PasswordHash::of_nobody().expected_time();
        time.saw(&PasswordHash::of_nobody());
        for (expected, took) in [
            (cheap, cheap / 2),
            (cheap, cheap * 5),
            (dear.expected_time(), dear.expected_time() * 7 / 4),
        ] {
            for minutes in 0..100 {
                time.took(expected, took, now + Duration::from_secs(60 * minutes));
                assert_eq!(time.get(), of_dear, "{expected:?} {took:?}");
            }
        }
        time.saw(&parse(BCRYPT_15));
        assert!(time.get() > of_dear);
    }

    #[test]
    fn on_a_slow_machine_refusals_take_longer_until_it_has_been_faster_for_a_while() {
        let time = RefusalTime::default();
        let (dear, now) = (parse(BCRYPT_14), Instant::now());
        let expected = dear.expected_time();
        time.saw(&dear);
        let at_first = time.get();
        let after = |minutes: u64| now + Duration::from_secs(60 * minutes);
        time.took(expected, expected * 3, after(1));
        assert_eq!(time.get(), at_first * 2);
        for _ in 0..10 {
            time.took(expected, MOST, after(1));
        }
        assert_eq!(time.get(), MOST);
        // Refused for its length, nothing was computed.
        time.took(expected, Duration::ZERO, after(60));
        assert_eq!(time.get(), MOST);
        for _ in 0..100 {
            time.took(expected, expected, after(10));
        }
        assert_eq!(time.get(), MOST);
        for hour in 1..4 {
            time.took(expected, expected, after(60 * hour));
        }
        assert_eq!(time.get(), at_first);
    }

    #[test]
    fn a_dear_hash_is_measured_before_anybody_tries_it() {
        let time = RefusalTime::default();
        let dear = parse("$2a$10$ajq8Q7fbtFRQvXpdCq7Jcuy.Rx1h/L4J60Otx.gyNLbAYctGMJ9tK");
        assert!(time.saw(&dear));
        assert!(!time.saw(&dear), "not dearer than itself");
        time.pace().average = 0;
        time.measure(&dear);
        assert!(time.pace().average > 0);
    }

    #[test]
    fn before_the_users_are_known_each_may_have_the_dearest_hash() {
        let time = RefusalTime::of_unknown_users();
        assert_eq!(time.get(), MAX_EXPECTED_TIME * 2);
    }
}
