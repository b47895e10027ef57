//! How many may come in a time, and what an operator's hook says, as the gate decides upon them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sftpgo_core::{
    event::ConnectionProtocol,
    fair_pool::Bell,
    gate::{ConnectionHook, Gate, Refused},
    ip_list::ListType,
    rate_limit::{RateLimit, RateLimits, Scope, SourcePrefixes},
};

use super::{Guarded, SSH};

const HTTP: ConnectionProtocol = ConnectionProtocol::Http;

fn limit(average: u32, burst: u32, scope: Scope, protocols: &[ConnectionProtocol]) -> RateLimit {
    RateLimit {
        average,
        period: Duration::from_secs(1),
        burst,
        scope,
        protocols: protocols.to_vec(),
    }
}

fn of_source(counts_offence: bool) -> Scope {
    Scope::Source {
        counts_offence,
        entries_soft_limit: 100,
        entries_hard_limit: 150,
    }
}

fn limited(limits: Vec<RateLimit>) -> Guarded {
    let mut guarded = Guarded::new();
    let clock = Arc::clone(&guarded.now);
    let prefixes = SourcePrefixes { ipv4: 32, ipv6: 64 };
    let events = guarded.events.clone();
    let limits = RateLimits::new(limits, prefixes, Arc::clone(&guarded.lists), events)
        .with_clock(move || Duration::from_millis(clock.load(Ordering::SeqCst).unsigned_abs()));
    guarded.gate = std::mem::take(&mut guarded.gate).with_rate_limits(limits);
    guarded
}

impl Guarded {
    /// Milliseconds to wait; none when it is refused.
    fn pace(&self, address: &str, protocol: ConnectionProtocol) -> Option<u128> {
        match self.gate.pace(address.parse().unwrap(), protocol) {
            Ok(wait) => Some(wait.as_millis()),
            Err(refused) => {
                assert!(matches!(refused, Refused::TooMany { .. }), "{refused:?}");
                None
            }
        }
    }
}

#[test]
fn each_source_has_its_own_rate_and_a_customers_network_is_one() {
    let guarded = limited(vec![limit(2, 2, of_source(false), &[SSH])]);
    let alice = || guarded.pace("192.0.2.7", SSH);
    assert_eq!(
        [alice(), alice(), alice(), alice()],
        [Some(0), Some(0), None, None]
    );
    assert_eq!(guarded.pace("192.0.2.8", SSH), Some(0));
    assert_eq!(guarded.pace("192.0.2.7", HTTP), Some(0), "not counted");
    let six = |last| guarded.pace(&format!("2001:db8::{last}"), SSH);
    assert_eq!([six(1), six(2), six(3)], [Some(0), Some(0), None]);
    assert_eq!(guarded.pace("2001:db8:0:1::1", SSH), Some(0));
    assert_eq!(
        guarded.pace("::ffff:192.0.2.7", SSH),
        None,
        "the same as IPv4"
    );
    // After a quarter of a second the next one is near enough to be waited for, and its place is taken then.
    guarded.now.fetch_add(250, Ordering::SeqCst);
    assert_eq!([alice(), alice()], [Some(250), None]);
    assert_eq!(
        guarded.heard(),
        [
            "192.0.2.7 limited",
            "192.0.2.7 limited",
            "2001:db8::3 limited",
            "192.0.2.7 limited",
            "192.0.2.7 limited"
        ]
    );
}

#[test]
fn what_one_limit_refuses_costs_nothing_of_another() {
    let guarded = limited(vec![
        limit(1, 3, Scope::All, &[SSH, HTTP]),
        limit(1, 1, of_source(true), &[SSH]),
    ]);
    assert_eq!(guarded.pace("192.0.2.7", SSH), Some(0));
    for _ in 0..5 {
        assert_eq!(guarded.pace("192.0.2.7", SSH), None);
    }
    assert_eq!(guarded.pace("192.0.2.8", HTTP), Some(0));
    assert_eq!(guarded.pace("192.0.2.9", SSH), Some(0));
    assert_eq!(guarded.pace("192.0.2.10", SSH), None, "three in all");
    let heard = guarded.heard();
    let offences = |address: &str| {
        let line = format!("{address} LimitExceeded +3");
        heard
            .iter()
            .filter(|heard| heard.starts_with(&line))
            .count()
    };
    // The second one banned it (4 is too much); the third address is refused for what all do, which is no offence.
    assert_eq!(
        (offences("192.0.2.7"), offences("192.0.2.10")),
        (2, 0),
        "{heard:?}"
    );
    assert!(!guarded.admits("192.0.2.7"));
}

#[test]
fn the_safe_list_is_spared() {
    let guarded = limited(vec![limit(1, 1, Scope::All, &[SSH])]);
    guarded.lists(ListType::RateLimiterSafe, "192.0.2.0/24", 1);
    for _ in 0..5 {
        assert_eq!(guarded.pace("192.0.2.7", SSH), Some(0));
    }
    assert_eq!(
        guarded.pace("203.0.113.9", SSH),
        Some(0),
        "nothing was used"
    );
    assert_eq!(guarded.pace("203.0.113.9", SSH), None);
}

/// Allows one address, and counts who is asked about at once.
#[derive(Default)]
struct Doorman {
    asked: AtomicUsize,
    at_once: AtomicUsize,
    most: AtomicUsize,
}

impl ConnectionHook for Doorman {
    fn allows(&self, address: std::net::IpAddr, _: ConnectionProtocol) -> bool {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.asked.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(5));
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        address.to_string() == "192.0.2.7"
    }
}

#[test]
fn a_hook_decides_about_a_bounded_number_at_once() {
    let doorman = Arc::new(Doorman::default());
    let gate = Arc::new(
        Gate::new(None)
            .with_hook(Arc::clone(&doorman) as _)
            .unwrap(),
    );
    let asks = |address: &str, bell: &Arc<Bell>| gate.ask_hook(address.parse().unwrap(), SSH, bell);
    let bell = Arc::default();
    assert!(asks("192.0.2.7", &bell).is_ok());
    assert!(matches!(asks("192.0.2.8", &bell), Err(Refused::ByHook)));

    let crowd: Vec<_> = (0..100)
        .map(|number| {
            let gate = Arc::clone(&gate);
            let address = [192, 0, 2, number].into();
            std::thread::spawn(move || gate.ask_hook(address, SSH, &Arc::default()).is_ok())
        })
        .collect();
    let allowed = crowd.into_iter().map(|one| one.join().unwrap());
    assert_eq!(allowed.filter(|allowed| *allowed).count(), 1);
    assert_eq!(doorman.asked.load(Ordering::SeqCst), 102);
    let most = doorman.most.load(Ordering::SeqCst);
    assert!((1..=16).contains(&most), "{most}");

    let closing = Arc::<Bell>::default();
    closing.close();
    assert!(asks("192.0.2.8", &closing).is_err());
}
