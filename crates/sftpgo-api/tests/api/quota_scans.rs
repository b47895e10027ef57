//! Quota scans: started, listed while they run, one a user at a time.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
};

use serde_json::{Value, json};
use sftpgo_core::quota::Tracking;
use sftpgo_test_support::{HookedHomes, Settings, wait_for};

use crate::server::Api;

/// Homes that are opened only when the test says so, or has ended.
fn gated_homes() -> (Sender<()>, Arc<HookedHomes>) {
    let (open, gate) = mpsc::channel();
    let gate: Mutex<Receiver<()>> = Mutex::new(gate);
    let homes = HookedHomes::new(move |_| {
        let _ = gate.lock().unwrap().recv();
        Ok(())
    });
    (open, Arc::new(homes))
}

fn wait_until_no_scan_runs(api: &Api) {
    wait_for("the scans to end", || {
        api.call("GET", "/quota_scan").data() == json!([])
    });
}

#[test]
fn a_scan_is_listed_while_it_runs_and_replaces_the_usage() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a"), "12345").unwrap();
    fs::create_dir(home.path().join("d")).unwrap();
    fs::write(home.path().join("d/b"), "67").unwrap();
    let (open, homes) = gated_homes();
    let api = Api::with(Settings {
        homes,
        ..Settings::default()
    });
    assert_eq!(api.call("GET", "/quota_scan").data(), json!([]));
    api.add("alice", json!({ "home_dir": home.path() }));

    let started = api.send(
        "POST",
        "/quota_scan",
        &json!({ "username": "alice", "id": 99 }),
    );
    assert_eq!(started.says(201), ("Scan started".into(), String::new()));
    let listed = api.call("GET", "/quota_scan").data();
    assert_eq!(
        listed,
        json!([{ "username": "alice", "start_time": listed[0]["start_time"] }])
    );
    assert!(
        listed[0]["start_time"].as_i64().unwrap() > 1_600_000_000_000,
        "{listed}"
    );
    let again = api.send("POST", "/quota_scan", &json!({ "username": "alice" }));
    assert_eq!(again.says(409).0, "Another scan is already in progress");

    open.send(()).unwrap();
    wait_until_no_scan_runs(&api);
    let user = api.call("GET", "/user/1").data();
    assert_eq!(user["used_quota_size"], 7, "{user}");
    assert_eq!(
        (&user["used_quota_files"], &user["used_quota_file"]),
        (&json!(2), &json!(2))
    );
    assert!(user["last_quota_update"].as_i64().unwrap() > 0);
}

#[test]
fn a_scan_of_nobody_is_refused() {
    let api = Api::start();
    api.send("POST", "/quota_scan", &json!({ "username": "nobody" }))
        .says(404);
    for body in [
        json!({}),
        json!({ "username": 7 }),
        json!({ "username": null }),
    ] {
        let (_, error) = api.send("POST", "/quota_scan", &body).says(400);
        assert!(error.starts_with("username: "), "{body}: {error}");
    }
    assert_eq!(api.call("GET", "/quota_scan").data(), json!([]));
}

#[test]
fn without_tracking_there_is_no_scan() {
    let api = Api::with(Settings {
        tracking: Tracking::Off,
        ..Settings::default()
    });
    api.add("alice", json!({}));
    let (_, error) = api
        .send("POST", "/quota_scan", &json!({ "username": "alice" }))
        .says(403);
    assert!(error.contains("track_quota"), "{error}");
}

#[test]
fn how_the_last_scan_ended_is_told() {
    let home = tempfile::tempdir().unwrap();
    let api = Api::start();
    api.add("alice", json!({ "home_dir": home.path() }));
    api.add("bob", json!({}));
    assert_eq!(api.call("GET", "/user/1/quota_scan").data(), json!([]));
    api.send("POST", "/quota_scan", &json!({ "username": "alice" }))
        .says(201);
    wait_until_no_scan_runs(&api);
    let told: Value = api.call("GET", "/user/1/quota_scan").data();
    let last = &told[0];
    assert_eq!(
        (&last["username"], &last["unreadable"], &last["error"]),
        (&json!("alice"), &json!([]), &json!(""))
    );
    assert!(last["start_time"].as_i64() <= last["end_time"].as_i64());
    assert_eq!(api.call("GET", "/user/2/quota_scan").data(), json!([]));
    api.call("GET", "/user/9/quota_scan").says(404);
    api.call("GET", "/user/x/quota_scan").says(400);
}

#[test]
fn many_scans_wait_for_their_turn_and_hold_up_nothing_else() {
    let homes = tempfile::tempdir().unwrap();
    let (open, gated) = gated_homes();
    let api = Api::with(Settings {
        homes: gated,
        ..Settings::default()
    });
    let names: Vec<_> = (0..20).map(|number| format!("user{number}")).collect();
    for name in &names {
        api.add(name, json!({ "home_dir": homes.path().join(name) }));
        api.send("POST", "/quota_scan", &json!({ "username": name }))
            .says(201);
    }
    let listed: Value = api.call("GET", "/quota_scan").data();
    assert_eq!(listed.as_array().unwrap().len(), names.len());
    api.call("GET", "/providerstatus").says(200);
    drop(open);
    wait_until_no_scan_runs(&api);
}
