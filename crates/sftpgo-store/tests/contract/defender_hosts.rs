use std::time::Duration;

use sftpgo_core::{
    defender::{BanReport, DefenderConfig, DefenderStore, HostReport, SharedHost},
    network::Network,
};

const MINUTE: Duration = Duration::from_secs(60);

fn config() -> DefenderConfig {
    DefenderConfig {
        observation_time: 15 * MINUTE,
        entries_soft_limit: 2,
        entries_hard_limit: 5,
        ..DefenderConfig::default()
    }
}

fn host(text: &str) -> Network {
    text.parse().unwrap()
}

fn scores(of: &str, scores: &[(u32, u32)]) -> HostReport {
    HostReport {
        host: host(of),
        scores: scores
            .iter()
            .map(|(minutes, score)| (MINUTE * *minutes, *score))
            .collect(),
        ban: None,
    }
}

fn ban(of: &str, ban: BanReport) -> HostReport {
    HostReport {
        ban: Some(ban),
        ..scores(of, &[])
    }
}

/// What all know of a host.
fn known(store: &dyn DefenderStore, of: &str) -> Option<SharedHost> {
    let all = store.exchange_hosts(&[], &config()).unwrap();
    // The last one decides.
    all.into_iter().rfind(|shared| shared.host == host(of))
}

fn tell(store: &dyn DefenderStore, report: HostReport) {
    store.exchange_hosts(&[report], &config()).unwrap();
}

/// For how many whole minutes, at most, a host is banned.
fn minutes(store: &dyn DefenderStore, of: &str) -> Option<u64> {
    let left = known(store, of)?.banned_for?;
    Some(left.as_secs().div_ceil(60))
}

pub(crate) fn what_servers_count_adds_up_until_it_is_old(store: &dyn DefenderStore) {
    tell(store, scores("192.0.2.7/32", &[(14, 1), (0, 2)]));
    tell(store, scores("192.0.2.7/32", &[(0, 4), (15, 100)]));
    tell(store, scores("2001:db8:ffff:ffff::/64", &[(20, 100)]));
    let shared = known(store, "192.0.2.7/32").unwrap();
    assert_eq!((shared.score, shared.banned_for), (7, None));
    assert_eq!(known(store, "2001:db8:ffff:ffff::/64"), None);
    assert_eq!(known(store, "192.0.2.8/32"), None);
}

pub(crate) fn a_ban_is_known_to_all_and_begins_at_nothing(store: &dyn DefenderStore) {
    let of = "2001:db8:ffff:ffff::/64";
    tell(store, scores(of, &[(0, 3)]));
    tell(store, ban(of, BanReport::New(10 * MINUTE)));
    let shared = known(store, of).unwrap();
    assert_eq!(shared.score, 0);
    assert_eq!(minutes(store, of), Some(10));
    tell(store, ban(of, BanReport::New(Duration::ZERO)));
    assert_eq!(minutes(store, of), Some(10), "the longer one holds");
    tell(store, ban("192.0.2.7/32", BanReport::New(Duration::ZERO)));
    assert_eq!(known(store, "192.0.2.7/32"), None, "it is over");
}

pub(crate) fn a_ban_gets_longer_only_while_it_is_there(store: &dyn DefenderStore) {
    let of = "192.0.2.7/32";
    tell(store, ban(of, BanReport::Longer(10 * MINUTE)));
    assert_eq!(known(store, of), None);
    tell(store, ban(of, BanReport::New(10 * MINUTE)));
    tell(store, ban(of, BanReport::Longer(20 * MINUTE)));
    assert_eq!(minutes(store, of), Some(20));
    tell(store, ban(of, BanReport::Longer(5 * MINUTE)));
    assert_eq!(minutes(store, of), Some(20));
    assert!(store.forget_host(host(of)).unwrap());
    tell(store, ban(of, BanReport::Longer(10 * MINUTE)));
    assert_eq!(known(store, of), None, "somebody has taken it back");
}

pub(crate) fn what_is_taken_back_is_gone(store: &dyn DefenderStore) {
    tell(store, scores("192.0.2.7/32", &[(0, 3)]));
    tell(store, ban("192.0.2.8/32", BanReport::New(MINUTE)));
    for of in ["192.0.2.7/32", "192.0.2.8/32"] {
        assert!(store.forget_host(host(of)).unwrap());
        assert!(!store.forget_host(host(of)).unwrap());
        assert_eq!(known(store, of), None);
    }
}

pub(crate) fn no_more_is_kept_than_the_limit_says(store: &dyn DefenderStore) {
    let reports: Vec<_> = (0..20)
        .map(|number| scores(&format!("192.0.2.{number}/32"), &[(0, 1)]))
        .collect();
    let shared = store.exchange_hosts(&reports, &config()).unwrap();
    assert_eq!(shared.len(), 5);
    assert!(known(store, "192.0.2.19/32").is_some(), "the newest stay");
    let bans: Vec<_> = (1..20)
        .map(|number| {
            let length = MINUTE * number;
            ban(&format!("192.0.2.{number}/32"), BanReport::New(length))
        })
        .collect();
    store.exchange_hosts(&bans, &config()).unwrap();
    let shared = store.exchange_hosts(&[], &config()).unwrap();
    let banned = shared.iter().filter(|shared| shared.banned_for.is_some());
    assert_eq!(banned.count(), 5);
    assert_eq!(minutes(store, "192.0.2.19/32"), Some(19));
}
