//! The log line of a request. In a program of its own: there is one logger a process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "api/client.rs"]
#[allow(dead_code, reason = "shared with the tests of the API")]
mod client;
#[path = "api/server.rs"]
#[allow(dead_code, reason = "shared with the tests of the API")]
mod server;

use std::sync::{Mutex, PoisonError};

use log::{
    Log, Metadata, Record,
    kv::{self, Key, Value, VisitSource},
};
use sftpgo_test_support::wait_for;

/// The fields of each line in their order.
static LINES: Mutex<Vec<Vec<(String, String)>>> = Mutex::new(Vec::new());

struct Capture;

struct Fields(Vec<(String, String)>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        self.0.push((key.to_string(), value.to_string()));
        Ok(())
    }
}

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        if record.target() == "httpd" {
            let mut fields = Fields(Vec::new());
            record.key_values().visit(&mut fields).unwrap();
            fields
                .0
                .push(("message".to_owned(), record.args().to_string()));
            LINES
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(fields.0);
        }
    }

    fn flush(&self) {}
}

#[test]
fn a_request_is_one_line_without_its_body() {
    log::set_logger(&Capture).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let api = server::Api::start();
    let answer = api.send_raw("POST", "/user?x=%0A", b"{\"password\": \"secret\"}");
    answer.says(400);
    // The line may follow the answer.
    wait_for("the line", || !LINES.lock().unwrap().is_empty());
    let line = LINES.lock().unwrap().remove(0);
    let field = |name: &str| {
        let found = line.iter().find(|(key, _)| key == name);
        found.unwrap().1.as_str()
    };
    let keys: Vec<_> = line.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "method",
            "proto",
            "remote_addr",
            "request_id",
            "uri",
            "user_agent",
            "resp_status",
            "resp_size",
            "elapsed_ms",
            "message"
        ]
    );
    assert_eq!(field("method"), "POST");
    assert_eq!(field("uri"), "/api/v1/user?x=%0A");
    assert_eq!(field("proto"), "HTTP/1.1");
    assert_eq!(field("user_agent"), "test");
    assert_eq!(field("resp_status"), "400");
    assert_eq!(field("resp_size"), answer.body.len().to_string());
    assert!(field("remote_addr").starts_with("127.0.0.1:"));
    assert_eq!(field("request_id").len(), 32);
    assert!(field("elapsed_ms").parse::<u64>().is_ok());
    assert_eq!(field("message"), "");
    assert!(!format!("{line:?}").contains("secret"));

    // Whoever reads the log could make the first admin.
    for page in ["/web/setup", "/web/admin/setup"] {
        let asked = format!("{page}?code={}", api.setup_code);
        client::request(api.address, "GET", &asked, None);
        wait_for("the line", || !LINES.lock().unwrap().is_empty());
        let line = LINES.lock().unwrap().remove(0);
        assert!(
            line.contains(&("uri".to_owned(), page.to_owned())),
            "{line:?}"
        );
        assert!(!format!("{line:?}").contains(&api.setup_code));
    }

    // A long target does not push the other lines out of the log.
    let asked = format!("/{}", "x".repeat(60_000));
    client::request(api.address, "GET", &asked, None);
    wait_for("the line", || !LINES.lock().unwrap().is_empty());
    let line = LINES.lock().unwrap().remove(0);
    assert!(format!("{line:?}").len() < 4000, "{line:?}");
}
