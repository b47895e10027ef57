//! A home that does not answer is its user's trouble alone.

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use sftpgo_core::{
    ErrorKind,
    filesystem::{BoundedHomes, FilesystemFactory},
    quota::{Tracking, UsageManager},
    quota_scan::QuotaScans,
};
use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{HookedHomes, PATIENCE, Service, Settings, add, wait_for};

const SHORT: Duration = Duration::from_millis(50);

/// Homes of which that of `hung` does not answer until it is released.
#[derive(Default)]
struct Hanging {
    is_released: Mutex<bool>,
    released: Condvar,
    asked: AtomicUsize,
}

impl Hanging {
    fn new() -> (Arc<Self>, Arc<dyn FilesystemFactory>) {
        let hanging = Arc::<Self>::default();
        let hook = Arc::clone(&hanging);
        let homes = HookedHomes::in_one_directory(move |user| {
            if user.username == "hung" {
                hook.asked.fetch_add(1, Ordering::SeqCst);
                let is_released = hook.is_released.lock().unwrap();
                let waiting = hook.released.wait_while(is_released, |released| !*released);
                drop(waiting.unwrap());
            }
            Ok(())
        });
        (hanging, Arc::new(homes))
    }

    fn release(&self) {
        *self.is_released.lock().unwrap() = true;
        self.released.notify_all();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[test]
fn a_home_that_does_not_answer_fails_its_users_logins_and_nobody_elses() {
    let (hanging, homes) = Hanging::new();
    let server = Service::new(Settings {
        homes: Arc::new(BoundedHomes::with_patience(homes, SHORT)),
        ..Settings::default()
    });
    add(server.provider.as_ref(), "hung", |_| ());
    add(server.provider.as_ref(), "bob", |_| ());
    let log_in = |name: &str| server.authenticator.with_password(name, b"secret");
    // Threads are left behind for the first two and for no more.
    for reason in [
        "has not answered",
        "has not answered",
        "still does not",
        "still does not",
    ] {
        let failure = log_in("hung").err().unwrap().to_string();
        assert!(failure.contains(reason), "{failure}");
        assert!(failure.contains("/nonexistent/home"), "{failure}");
        assert_eq!(server.connections.login_count(), 0);
        log_in("bob").unwrap();
    }
    hanging.release();
    wait_for("the home answers again", || log_in("hung").is_ok());
}

#[test]
fn many_logins_at_once_into_a_home_that_does_not_answer_hold_few_threads() {
    const LOGINS: usize = 64;
    let (provider, (hanging, homes)) = (MemoryProvider::new(), Hanging::new());
    let hung = add(&provider, "hung", |_| ());
    let bounded = BoundedHomes::with_patience(homes, SHORT * 10);
    thread::scope(|scope| {
        let ask = || bounded.open_home(&hung.effective()).map(drop).unwrap_err();
        let asking: Vec<_> = (0..LOGINS).map(|_| scope.spawn(ask)).collect();
        for asked in asking {
            let error = asked.join().unwrap();
            assert!(error.message().contains("answer"), "{error}");
        }
    });
    let asked = hanging.asked();
    assert!(asked <= 8, "{asked} threads wait");
    hanging.release();
    wait_for("the home answers again", || {
        bounded.open_home(&hung.effective()).is_ok()
    });
}

#[test]
fn logins_at_once_into_a_slow_home_wait_for_each_other_and_get_in() {
    let (provider, (hanging, homes)) = (MemoryProvider::new(), Hanging::new());
    let slow = add(&provider, "hung", |_| ());
    let bounded = BoundedHomes::with_patience(homes, PATIENCE);
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| bounded.open_home(&slow.effective()).map(drop).unwrap());
        }
        wait_for("some are asked", || hanging.asked() == 8);
        hanging.release();
    });
    assert_eq!(hanging.asked(), 32);
}

#[test]
fn a_scan_of_a_home_that_does_not_answer_is_left_behind_and_goes_on_when_it_does() {
    let (provider, (hanging, homes)) = (MemoryProvider::new(), Hanging::new());
    let hung = add(&provider, "hung", |_| ());
    let bob = add(&provider, "bob", |_| ());
    let quotas = UsageManager::new(Arc::new(provider), Tracking::All);
    let scans = QuotaScans::with_patience(homes, quotas, SHORT);
    let error = scans.begin(hung.clone()).unwrap().run().unwrap_err();
    assert!(error.message().contains("does not answer"), "{error}");
    let listed = || {
        scans
            .list()
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(), ["hung"]);
    let again = scans.begin(hung.clone()).map(drop).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);
    scans.begin(bob).unwrap().run().unwrap();
    hanging.release();
    wait_for("the scan ends", || listed().is_empty());
    scans.begin(hung).unwrap().run().unwrap();
}
