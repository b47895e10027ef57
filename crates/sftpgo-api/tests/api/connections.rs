//! Live connections: listed with their transfers, and closed from outside.

use std::net::SocketAddr;

use serde_json::json;
use sftpgo_core::{
    UserId,
    event::{Operation, Protocol},
    registry::Login,
};

use crate::server::Api;

fn log_in(api: &Api, id: i32) -> Login {
    let user = api
        .service
        .provider
        .user_by_id(UserId(id))
        .unwrap()
        .unwrap();
    api.service
        .connections
        .log_in(&user, &user.effective())
        .unwrap()
}

fn remote() -> SocketAddr {
    "[2001:db8::1]:4022".parse().unwrap()
}

#[test]
fn a_connection_is_listed_with_its_transfers_until_it_ends() {
    let api = Api::start();
    assert_eq!(api.call("GET", "/connection").data(), json!([]));
    api.add("alice", json!({}));
    let login = log_in(&api, 1);
    let session = login.start("alice", Protocol::Sftp, remote(), "SSH-2.0-Test");
    let transfer = session.begin_transfer(Operation::Upload, "/a \"b\"".into());
    transfer.moved(1234);
    let listed = api.call("GET", "/connection").data();
    let times =
        |value: &serde_json::Value, name: &str| value[name].as_i64().unwrap() > 1_600_000_000_000;
    let (connection, moving) = (&listed[0], &listed[0]["active_transfers"][0]);
    assert!(
        times(connection, "connection_time") && times(connection, "last_activity"),
        "{listed}"
    );
    assert!(
        times(moving, "start_time") && times(moving, "last_activity"),
        "{listed}"
    );
    assert_eq!(
        listed,
        json!([{
            "username": "alice", "connection_id": session.id(), "client_version": "SSH-2.0-Test",
            "remote_address": "[2001:db8::1]:4022", "connection_time": connection["connection_time"],
            "last_activity": connection["last_activity"], "protocol": "SFTP",
            "active_transfers": [{
                "operation_type": "upload", "path": "/a \"b\"", "start_time": moving["start_time"],
                "size": 1234, "last_activity": moving["last_activity"],
            }],
        }])
    );
    session.end_transfer(&transfer);
    assert_eq!(
        api.call("GET", "/connection").data()[0]["active_transfers"],
        json!([])
    );
    drop(session);
    assert_eq!(api.call("GET", "/connection").data(), json!([]));
}

#[test]
fn closing_asks_the_connection_to_end() {
    let api = Api::start();
    api.add("alice", json!({}));
    let login = log_in(&api, 1);
    let session = login.start("alice", Protocol::Scp, remote(), "SSH-2.0-Test");
    // An id may come with escapes it does not need.
    let escaped: String = session
        .id()
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    let answer = api.call("DELETE", &format!("/connection/{escaped}"));
    assert_eq!(
        answer.says(200),
        ("Connection closed".into(), String::new())
    );
    assert!(login.close_requested().is_cancelled());
}

#[test]
fn closing_what_is_not_there_is_refused() {
    let api = Api::start();
    api.call("DELETE", "/connection/nothing").says(404);
    api.call("DELETE", "/connection/a%2Fb").says(404);
    let (_, error) = api.call("DELETE", "/connection/").says(400);
    assert!(error.starts_with("connectionID: "), "{error}");
    api.call("DELETE", "/connection/%ff").says(400);
}

#[test]
fn deleting_disabling_or_expiring_a_user_ends_the_sessions() {
    let api = Api::start();
    for (id, name) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
        assert_eq!(api.add(name, json!({}))["id"], id);
    }
    let ends: Vec<_> = (1..=4)
        .map(|id| log_in(&api, id))
        .map(|login| (login.close_requested(), login))
        .collect();
    api.call("DELETE", "/user/1").says(200);
    api.send("PUT", "/user/2", &json!({ "status": 0 }))
        .says(200);
    api.send("PUT", "/user/3", &json!({ "expiration_date": 1 }))
        .says(200);
    api.send("PUT", "/user/4", &json!({ "quota_files": 1 }))
        .says(200);
    let ended: Vec<_> = ends.iter().map(|(end, _)| end.is_cancelled()).collect();
    assert_eq!(ended, [true, true, true, false]);
}
