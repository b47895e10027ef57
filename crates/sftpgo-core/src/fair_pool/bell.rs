//! How a connection's thread waits for another one, and stops waiting when its connection has to close.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::sync::lock;

/// A bell of one connection.
#[derive(Default)]
pub struct Bell {
    is_closed: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    /// Waits until `look` finds something, which it is asked for at first and whenever the bell rings; none when the
    /// connection has to close.
    pub fn wait<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let mut is_closed = self.lock();
        loop {
            let found = look();
            if found.is_some() || *is_closed {
                return found;
            }
            is_closed = self
                .rung
                .wait(is_closed)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sleeps until `time`, or until the connection has to close.
    pub fn sleep_until(&self, time: Instant) {
        let mut is_closed = self.lock();
        loop {
            let left = time.saturating_duration_since(Instant::now());
            if left.is_zero() || *is_closed {
                return;
            }
            is_closed = self
                .rung
                .wait_timeout(is_closed, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Has the thread look again.
    pub fn ring(&self) {
        // With the lock, so that no ring falls between a look and the wait.
        let _is_closed = self.lock();
        self.rung.notify_all();
    }

    /// Says that nothing is to be waited for any more.
    pub fn close(&self) {
        *self.lock() = true;
        self.rung.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        lock(&self.is_closed)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        time::Duration,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_ring_has_the_waiting_thread_look_again() {
        let bell = Arc::new(Bell::default());
        let fact = Arc::new(AtomicBool::new(false));
        let (ringing, true_soon) = (Arc::clone(&bell), Arc::clone(&fact));
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            true_soon.store(true, Ordering::SeqCst);
            ringing.ring();
        });
        assert_eq!(
            bell.wait(|| fact.load(Ordering::SeqCst).then_some(7)),
            Some(7)
        );
        other.join().unwrap();
    }

    #[test]
    fn nobody_waits_when_the_connection_has_to_close() {
        let bell = Arc::new(Bell::default());
        let closing = Arc::clone(&bell);
        let start = Instant::now();
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            closing.close();
        });
        bell.sleep_until(start + LONG);
        other.join().unwrap();
        assert_eq!(bell.wait(|| None::<()>), None);
        assert_eq!(bell.wait(|| Some(1)), Some(1), "what is there is taken");
        assert!(start.elapsed() < LONG);
    }

    #[test]
    fn a_sleep_lasts_as_long_as_asked_for_whatever_rings() {
        let bell = Arc::new(Bell::default());
        let ringing = Arc::clone(&bell);
        let until = Instant::now() + Duration::from_millis(50);
        let other = std::thread::spawn(move || ringing.ring());
        bell.sleep_until(until);
        other.join().unwrap();
        assert!(Instant::now() >= until);
    }
}
