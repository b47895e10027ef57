//! Whom the defender has banned, and lists of addresses.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
};

use serde_json::{Value, json};
use sftpgo_core::event::{ConnectionProtocol, Offence};
use sftpgo_test_support::wait_for;

use crate::{client::request_with, server::Api};

/// Of 192.0.2.7.
const ID: &str = "/defender/hosts/3139322e302e322e37";

impl Api {
    fn fails(&self, address: &str, times: usize) {
        let defender = self.gate.defender().unwrap();
        for _ in 0..times {
            let address = address.parse().unwrap();
            defender.count(address, ConnectionProtocol::Ssh, Offence::LoginFailed);
        }
    }
}

#[test]
fn scores_and_bans_are_shown_and_taken_back() {
    let (api, token) = Api::set_up();
    let ask = |method: &str, path: &str| api.as_admin(&token, method, path, None);
    assert_eq!(ask("GET", "/defender/hosts").data(), json!([]));
    api.fails("192.0.2.7", 3);
    api.fails("2001:db8::7", 4);
    let hosts = ask("GET", "/defender/hosts").data();
    assert_eq!(
        hosts[0],
        json!({"id": "3139322e302e322e37", "ip": "192.0.2.7", "score": 3})
    );
    assert_eq!(hosts[1]["ip"], "2001:db8::");
    assert!(hosts[1]["ban_time"].as_str().unwrap().ends_with('Z'));
    assert!(hosts[1].get("score").is_none());
    assert_eq!(ask("GET", ID).data(), hosts[0]);
    assert_eq!(ask("DELETE", ID).data(), json!({"message": "OK"}));
    assert_eq!(ask("DELETE", ID).status, 404);
    assert_eq!(ask("GET", ID).status, 404);
    // Any address of the network will do.
    let id: String = "2001:db8::9"
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(ask("DELETE", &format!("/defender/hosts/{id}")).status, 200);
    assert_eq!(ask("GET", "/defender/hosts").data(), json!([]));
    for bad in ["zz", "31"] {
        assert_eq!(ask("GET", &format!("/defender/hosts/{bad}")).status, 400);
    }
}

#[test]
fn entries_are_added_listed_replaced_and_removed() {
    let (api, token) = Api::set_up();
    let ask = |method: &str, path: &str, body: Option<Value>| {
        api.as_admin(&token, method, &format!("/iplists/{path}"), body.as_ref())
    };
    let added = ask(
        "POST",
        "2",
        Some(json!({"ipornet": "192.0.2.99/24", "mode": 2, "protocols": 1, "type": 7})),
    );
    assert_eq!(added.status, 201, "{}", added.text());
    assert_eq!(added.json(), json!({"message": "Entry added"}));
    let location = added.header("location").unwrap().to_owned();
    assert_eq!(location, "/api/v2/iplists/2/192.0.2.0%2F24");
    let again = ask(
        "POST",
        "2",
        Some(json!({"ipornet": "192.0.2.0/24", "mode": 1})),
    );
    assert_eq!(again.status, 409);

    let one = "2/192.0.2.0%2F24";
    let mut shown = ask("GET", one, None).data();
    let created = shown["created_at"].clone();
    assert_eq!(shown["updated_at"], created);
    for time in ["created_at", "updated_at"] {
        shown.as_object_mut().unwrap().remove(time);
    }
    assert_eq!(
        shown,
        json!({"ipornet": "192.0.2.0/24", "type": 2, "mode": 2, "protocols": 1})
    );
    let other = json!({"ipornet": "10.0.0.1", "type": 1, "mode": 1, "description": "office"});
    assert_eq!(ask("PUT", one, Some(other)).status, 200);
    let shown = ask("GET", one, None).data();
    assert_eq!(
        (&shown["mode"], &shown["protocols"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(
        (&shown["description"], &shown["created_at"]),
        (&json!("office"), &created)
    );

    let networks = |query: &str| -> Vec<String> {
        let entries = ask("GET", &format!("2{query}"), None).data();
        let entries = entries.as_array().unwrap().iter();
        entries
            .map(|entry| entry["ipornet"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(networks(""), ["127.0.0.0/8", "192.0.2.0/24", "::1/128"]);
    assert_eq!(networks("?limit=1&from=127.0.0.0%2F8"), ["192.0.2.0/24"]);
    assert_eq!(networks("?order=DESC&limit=1"), ["::1/128"]);
    assert_eq!(networks("?filter=192."), ["192.0.2.0/24"]);

    assert_eq!(ask("DELETE", one, None).status, 200);
    assert_eq!(ask("DELETE", one, None).status, 404);
    assert_eq!(ask("PUT", one, Some(json!({"mode": 1}))).status, 404);
    for (list, body) in [
        ("2", json!({"ipornet": "office", "mode": 1})),
        ("1", json!({"ipornet": "192.0.2.1", "mode": 2})),
        (
            "3",
            json!({"ipornet": "192.0.2.1", "mode": 1, "protocols": 99}),
        ),
    ] {
        assert_eq!(ask("POST", list, Some(body)).status, 400);
    }
    assert_eq!(ask("GET", "4", None).status, 404);
    assert_eq!(ask("GET", "2/office", None).status, 400);
}

#[test]
fn a_change_of_a_list_holds_at_once() {
    let (api, token) = Api::set_up();
    api.as_admin(
        &token,
        "POST",
        "/iplists/2",
        Some(&json!({"ipornet": "192.0.2.7", "mode": 2})),
    );
    let refused = |address: &str| {
        let address = address.parse().unwrap();
        api.gate
            .check_connection(address, ConnectionProtocol::Ssh)
            .is_err()
    };
    assert!(refused("192.0.2.7") && !refused("192.0.2.8"));
    api.as_admin(&token, "DELETE", "/iplists/2/192.0.2.7", None);
    assert!(!refused("192.0.2.7"));
}

#[test]
fn a_banned_client_is_refused_as_such_whatever_else_is_wrong_with_its_request() {
    let (api, token) = Api::set_up();
    // Its next connection would be refused.
    let mut client = TcpStream::connect(api.address).unwrap();
    let health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
    write!(client, "{health}\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    let ban = json!({"ipornet": "127.0.0.1", "mode": 2});
    let added = api.as_admin(&token, "POST", "/iplists/2", Some(&ban));
    assert_eq!(added.status, 201, "{}", added.text());
    for request in [
        "GET /api/v1/version HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        "GET /api/v1/version HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n",
        "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        client.write_all(request.as_bytes()).unwrap();
    }
    write!(client, "{health}Connection: close\r\n\r\n").unwrap();
    let mut answers = String::new();
    client.read_to_string(&mut answers).unwrap();
    let refusals = answers.matches("this address is refused").count();
    assert_eq!(refusals, 3, "{answers}");
    assert!(answers.ends_with("\r\n\r\nok"), "{answers}");
}

/// A crowd of logins that waits for its turn would keep an operator out long after its ban.
#[test]
fn logins_that_wait_while_their_address_is_banned_are_not_checked() {
    let (api, token) = Api::set_up();
    for network in ["127.0.0.0%2F8", "%3A%3A1%2F128"] {
        let path = format!("/iplists/2/{network}");
        assert_eq!(api.as_admin(&token, "DELETE", &path, None).status, 200);
    }
    let recorder = &api.service.recorder;
    recorder.take_logins();
    // Of root and a wrong password.
    let wrong = [("Authorization", "Basic cm9vdDp3cm9uZw==")];
    let mut told = Vec::new();
    let refused = thread::scope(|scope| {
        let asked: Vec<_> = (0..60)
            .map(|_| {
                scope.spawn(|| request_with(api.address, "GET", "/api/v2/token", &wrong, None))
            })
            .collect();
        wait_for("the first to be checked", || {
            told.extend(recorder.take_logins());
            !told.is_empty()
        });
        api.fails("127.0.0.1", 4);
        let answers = asked.into_iter().map(|asked| asked.join().unwrap());
        answers.filter(|answer| answer.status == 401).count()
    });
    told.extend(recorder.take_logins());
    let checked = told.iter().filter(|line| *line == "root: wrong password");
    let checked = checked.count();
    assert!(checked > 0 && checked < refused, "{checked} of {refused}");
}

#[test]
fn each_of_these_needs_its_permission() {
    let (api, root) = Api::set_up();
    api.fails("192.0.2.7", 1);
    let viewer = api.token_of(&root, "viewer", &["view_defender"]);
    let manager = api.token_of(&root, "manager", &["manage_defender"]);
    for (token, method, path, expected) in [
        (&viewer, "GET", "/defender/hosts", 200),
        (&viewer, "GET", ID, 200),
        (&viewer, "DELETE", ID, 403),
        (&viewer, "GET", "/iplists/2", 403),
        (&manager, "GET", "/defender/hosts", 403),
        (&manager, "DELETE", "/iplists/2/127.0.0.0%2F8", 403),
        (&manager, "DELETE", ID, 200),
        (&root, "GET", "/iplists/2", 200),
    ] {
        let answer = api.as_admin(token, method, path, None);
        assert_eq!(answer.status, expected, "{method} {path}");
    }
}
