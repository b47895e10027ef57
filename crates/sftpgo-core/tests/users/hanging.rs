//! A home that does not answer is its user's trouble alone.

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use sftpgo_core::{
    EffectiveUser, ErrorKind, Result,
    auth::{Authenticator, StoredCredentials},
    event::Events,
    filesystem::{BoundedHomes, Filesystem, FilesystemFactory, local::LocalHomes},
    quota::{Tracking, UsageManager},
    quota_scan::QuotaScans,
    registry::Connections,
};

use crate::common::{add, empty};

const SHORT: Duration = Duration::from_millis(50);
/// A fact that has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Homes of which that of `hung` does not answer until it is released.
#[derive(Clone)]
struct Hanging {
    released: Arc<(Mutex<bool>, Condvar)>,
    asked: Arc<AtomicUsize>,
    directory: Arc<tempfile::TempDir>,
}

impl Hanging {
    fn new() -> Self {
        Self {
            released: Arc::default(),
            asked: Arc::default(),
            directory: Arc::new(tempfile::tempdir().unwrap()),
        }
    }

    fn release(&self) {
        *self.released.0.lock().unwrap() = true;
        self.released.1.notify_all();
    }

    fn home_of(&self, user: &EffectiveUser) -> EffectiveUser {
        if user.username == "hung" {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let released = self.released.0.lock().unwrap();
            let waiting = self.released.1.wait_while(released, |released| !*released);
            drop(waiting.unwrap());
        }
        EffectiveUser {
            home_dir: self.directory.path().to_owned(),
            ..user.clone()
        }
    }
}

impl FilesystemFactory for Hanging {
    fn open_home(&self, user: &EffectiveUser) -> Result<Box<dyn Filesystem>> {
        LocalHomes.open_home(&self.home_of(user))
    }

    fn existing_home(&self, user: &EffectiveUser) -> Result<Option<Box<dyn Filesystem>>> {
        LocalHomes.existing_home(&self.home_of(user))
    }
}

fn wait_for(what: &str, fact: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !fact() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_home_that_does_not_answer_fails_its_users_logins_and_nobody_elses() {
    let (provider, homes) = (empty(), Hanging::new());
    add(provider.as_ref(), "hung", |_| ());
    add(provider.as_ref(), "bob", |_| ());
    let connections = Connections::new(Events::default());
    let authenticator = Authenticator::new(
        Arc::new(StoredCredentials::new(provider.clone(), false)),
        Arc::new(BoundedHomes::with_patience(Arc::new(homes.clone()), SHORT)),
        Arc::clone(&connections),
        UsageManager::new(provider, Tracking::All),
    );
    let log_in = |name: &str| authenticator.with_password(name, b"secret");
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
        assert_eq!(connections.login_count(), 0);
        log_in("bob").unwrap();
    }
    homes.release();
    wait_for("the home answers again", || log_in("hung").is_ok());
}

#[test]
fn many_logins_at_once_into_a_home_that_does_not_answer_hold_few_threads() {
    const LOGINS: usize = 64;
    let (provider, homes) = (empty(), Hanging::new());
    let hung = add(provider.as_ref(), "hung", |_| ());
    let bounded = BoundedHomes::with_patience(Arc::new(homes.clone()), SHORT * 10);
    thread::scope(|scope| {
        let ask = || bounded.open_home(&hung.effective()).map(drop).unwrap_err();
        let asking: Vec<_> = (0..LOGINS).map(|_| scope.spawn(ask)).collect();
        for asked in asking {
            let error = asked.join().unwrap();
            assert!(error.message().contains("answer"), "{error}");
        }
    });
    let asked = homes.asked.load(Ordering::SeqCst);
    assert!(asked <= 8, "{asked} threads wait");
    homes.release();
    wait_for("the home answers again", || {
        bounded.open_home(&hung.effective()).is_ok()
    });
}

#[test]
fn logins_at_once_into_a_slow_home_wait_for_each_other_and_get_in() {
    let (provider, homes) = (empty(), Hanging::new());
    let slow = add(provider.as_ref(), "hung", |_| ());
    let bounded = BoundedHomes::with_patience(Arc::new(homes.clone()), PATIENCE);
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| bounded.open_home(&slow.effective()).map(drop).unwrap());
        }
        wait_for("some are asked", || homes.asked.load(Ordering::SeqCst) == 8);
        homes.release();
    });
    assert_eq!(homes.asked.load(Ordering::SeqCst), 32);
}

#[test]
fn a_scan_of_a_home_that_does_not_answer_is_left_behind_and_goes_on_when_it_does() {
    let (provider, homes) = (empty(), Hanging::new());
    let hung = add(provider.as_ref(), "hung", |_| ());
    let bob = add(provider.as_ref(), "bob", |_| ());
    let quotas = UsageManager::new(provider, Tracking::All);
    let scans = QuotaScans::with_patience(Arc::new(homes.clone()), quotas, SHORT);
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
    homes.release();
    wait_for("the scan ends", || listed().is_empty());
    scans.begin(hung).unwrap().run().unwrap();
}
