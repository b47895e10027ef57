//! Whom the gate lets in, by a clock of the tests.
#![allow(clippy::unwrap_used)] // helpers beside tests fail like tests

mod rates;

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use sftpgo_core::{
    defender::{Defender, DefenderConfig, HostStanding},
    event::{Actor, ConnectionProtocol, Event, Events, Observer, Offence},
    gate::{Gate, Refused},
    ip_list::{EntryDraft, IpLists, ListType},
    registry::{ConnectionLimits, Connections},
};
use sftpgo_store::MemoryProvider;

const MINUTE: i64 = 60_000;
const SSH: ConnectionProtocol = ConnectionProtocol::Ssh;

/// Keeps what the log and the metrics would hear.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Observer for Heard {
    fn notify(&self, event: &Event<'_>) {
        let line = match event {
            Event::Scored {
                address,
                offence,
                increase,
                score,
                ..
            } => format!("{address} {offence} +{increase} ={score}"),
            Event::Banned { address, .. } => format!("{address} banned"),
            Event::RefusedByDefender { address, .. } => format!("{address} refused"),
            Event::Change { change, id, by, .. } => format!("{change} {id} by {}", by.identity),
            Event::RateLimited { address, .. } => format!("{address} limited"),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

struct Guarded {
    gate: Gate,
    connections: Arc<Connections>,
    lists: Arc<IpLists>,
    now: Arc<AtomicI64>,
    heard: Heard,
    events: Events,
}

impl Guarded {
    fn new() -> Self {
        let heard = Heard::default();
        let events = Events::new(vec![Box::new(heard.clone())]);
        let lists = Arc::new(IpLists::new(
            Arc::new(MemoryProvider::new()),
            events.clone(),
        ));
        lists.refresh().unwrap();
        let now = Arc::<AtomicI64>::default();
        let clock = Arc::clone(&now);
        let config = DefenderConfig {
            threshold: 4,
            ban_time: Duration::from_secs(600),
            observation_time: Duration::from_secs(1200),
            ..DefenderConfig::default()
        };
        let defender = Defender::new(config, Arc::clone(&lists), events.clone())
            .with_clock(move || clock.load(Ordering::SeqCst));
        Self {
            gate: Gate::new(Some(Arc::new(defender))),
            connections: Connections::new(events.clone()),
            lists,
            now,
            heard,
            events,
        }
    }

    fn defender(&self) -> &Defender {
        self.gate.defender().unwrap()
    }

    fn fails(&self, address: &str, times: usize) {
        for _ in 0..times {
            self.defender()
                .count(address.parse().unwrap(), SSH, Offence::LoginFailed);
        }
    }

    /// Is a connection let in?
    fn admits(&self, address: &str) -> bool {
        let address: IpAddr = address.parse().unwrap();
        self.gate.admit(&self.connections, address, SSH).is_ok()
    }

    fn waits(&self, minutes: i64) {
        self.now.fetch_add(minutes * MINUTE, Ordering::SeqCst);
    }

    fn lists(&self, list: ListType, network: &str, mode: i64) {
        let draft = EntryDraft {
            network: network.to_owned(),
            mode,
            ..EntryDraft::default()
        };
        let entry = draft.validate(list, 0).unwrap();
        self.lists.store().add_list_entry(&entry).unwrap();
        self.lists.refresh().unwrap();
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.0.lock().unwrap())
    }
}

#[test]
fn an_address_is_banned_at_the_threshold_and_free_when_its_time_is_over() {
    let guarded = Guarded::new();
    guarded.fails("192.0.2.7", 3);
    assert!(guarded.admits("192.0.2.7"));
    guarded.fails("::ffff:192.0.2.7", 1);
    assert_eq!(
        guarded.heard()[2..],
        [
            "192.0.2.7 LoginFailed +1 =3",
            "192.0.2.7 LoginFailed +1 =4",
            "192.0.2.7 banned"
        ]
    );
    guarded.waits(9);
    assert!(guarded.admits("192.0.2.8"));
    assert!(!guarded.admits("192.0.2.7"), "and five minutes more");
    guarded.waits(5);
    let address = "192.0.2.7".parse().unwrap();
    assert!(
        guarded
            .gate
            .check_request(address, ConnectionProtocol::Http)
            .is_err(),
        "which makes it no longer"
    );
    assert_eq!(guarded.heard(), ["192.0.2.7 refused", "192.0.2.7 refused"]);
    guarded.waits(1);
    assert!(guarded.admits("192.0.2.7"));
    assert!(guarded.defender().hosts().is_empty());
}

#[test]
fn a_customers_network_of_ipv6_is_counted_as_one() {
    let guarded = Guarded::new();
    guarded.fails("2001:db8:1:2::1", 2);
    guarded.fails("2001:db8:1:2:ffff::2", 2);
    assert!(!guarded.admits("2001:db8:1:2:3::4"));
    assert!(guarded.admits("2001:db8:1:3::1"));
    let hosts = guarded.defender().hosts();
    assert_eq!(hosts.len(), 1);
    assert_eq!(hosts[0].address.to_string(), "2001:db8:1:2::");
    assert!(matches!(hosts[0].standing, HostStanding::BannedUntil(_)));
    let any = "2001:db8:1:2:9::9".parse().unwrap();
    assert_eq!(guarded.defender().host(any), Some(hosts[0].clone()));
    guarded.heard();
    let by = Actor::admin("alice", None);
    assert!(guarded.defender().forget(&by, any).unwrap() && guarded.admits("2001:db8:1:2::1"));
    assert!(!guarded.defender().forget(&by, any).unwrap());
    assert_eq!(
        guarded.heard(),
        ["ban or score taken back 2001:db8:1:2:9::9 by alice"]
    );
}

#[test]
fn a_change_of_a_list_holds_at_once_and_is_told_of() {
    let guarded = Guarded::new();
    let by = Actor::admin("alice", None);
    let draft = |mode| EntryDraft {
        network: "192.0.2.9/24".to_owned(),
        mode,
        ..EntryDraft::default()
    };
    let refuses = draft(2).validate(ListType::Defender, 0).unwrap();
    guarded.lists.add(&by, &refuses).unwrap();
    assert!(guarded.lists.add(&by, &refuses).is_err());
    assert!(!guarded.admits("192.0.2.7"));
    let spares = draft(1).validate(ListType::Defender, 0).unwrap();
    guarded.lists.replace(&by, &spares).unwrap();
    assert!(guarded.admits("192.0.2.7"));
    let delete = || {
        guarded
            .lists
            .delete(&by, ListType::Defender, spares.network)
    };
    delete().unwrap();
    assert!(delete().is_err());
    assert_eq!(
        guarded.heard(),
        [
            "list entry added defender/192.0.2.0/24 by alice",
            "192.0.2.7 refused",
            "list entry updated defender/192.0.2.0/24 by alice",
            "list entry deleted defender/192.0.2.0/24 by alice",
        ]
    );
}

#[test]
fn loopback_is_spared_until_its_entries_are_taken_out() {
    let guarded = Guarded::new();
    for address in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
        guarded.fails(address, 100);
        assert!(guarded.admits(address));
    }
    assert!(guarded.heard().is_empty());
    let store = guarded.lists.store();
    for entry in store.list_entries(ListType::Defender).unwrap() {
        store.delete_list_entry(entry.list, entry.network).unwrap();
    }
    guarded.lists.refresh().unwrap();
    guarded.fails("127.0.0.1", 4);
    assert!(!guarded.admits("127.0.0.1"));
}

#[test]
fn who_is_on_a_list_is_refused_or_spared_whatever_was_counted() {
    let guarded = Guarded::new();
    guarded.lists(ListType::Defender, "192.0.2.0/24", 2);
    guarded.lists(ListType::Defender, "192.0.2.7", 1);
    assert!(!guarded.admits("192.0.2.8"));
    assert!(guarded.admits("192.0.2.7"));
    guarded.fails("203.0.113.9", 4);
    assert!(!guarded.admits("203.0.113.9"));
    let banned = "203.0.113.9".parse().unwrap();
    assert!(guarded.defender().is_banned(banned, SSH));
    guarded.lists(ListType::Defender, "203.0.113.0/24", 1);
    assert!(guarded.admits("203.0.113.9"));
    assert!(!guarded.defender().is_banned(banned, SSH));
}

#[test]
fn where_the_allow_list_is_in_force_it_is_asked_too() {
    let mut guarded = Guarded::new();
    guarded.gate = guarded.gate.with_allow_list(Arc::clone(&guarded.lists));
    assert!(!guarded.admits("192.0.2.7"));
    guarded.lists(ListType::Allow, "192.0.2.0/24", 1);
    assert!(guarded.admits("192.0.2.7") && !guarded.admits("203.0.113.9"));
    guarded.fails("192.0.2.7", 4);
    assert!(!guarded.admits("192.0.2.7"), "banned all the same");
}

#[test]
fn a_connection_above_the_limit_of_a_host_is_counted_unless_it_is_spared() {
    let guarded = Guarded::new();
    guarded.connections.set_limits(ConnectionLimits {
        per_host: 1,
        ..ConnectionLimits::default()
    });
    let admit = |address: &str| {
        let address: IpAddr = address.parse().unwrap();
        guarded.gate.admit(&guarded.connections, address, SSH)
    };
    let _first = admit("192.0.2.7").unwrap();
    assert!(matches!(admit("192.0.2.7"), Err(Refused::Full(_))));
    assert_eq!(guarded.heard(), ["192.0.2.7 LimitExceeded +3 =3"]);
    assert!(admit("192.0.2.7").is_err());
    assert!(matches!(admit("192.0.2.7"), Err(Refused::Banned)));
    guarded.heard();
    guarded.lists(ListType::Defender, "203.0.113.9", 1);
    let _spared = (admit("203.0.113.9").unwrap(), admit("203.0.113.9").unwrap());
    let _local = admit("127.0.0.1").unwrap();
    assert!(matches!(admit("127.0.0.1"), Err(Refused::Full(_))));
    assert!(guarded.heard().is_empty(), "neither is counted");
}
