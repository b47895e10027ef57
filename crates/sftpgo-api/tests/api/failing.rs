//! A provider that fails: the client is told, and the server goes on.

use std::{
    io::{Error as IoError, Write},
    net::TcpStream,
    sync::Mutex,
};

use serde_json::json;
use sftpgo_core::{Error, ErrorKind};
use sftpgo_test_support::{FaultyProvider, Settings, wait_for};

use crate::{
    client,
    server::{Api, user},
};

/// The error of every call that reaches the provider.
fn errors(failure: fn() -> Error) -> Vec<String> {
    let api = Api::with(Settings {
        provider: FaultyProvider::failing(failure),
        ..Settings::default()
    });
    let errors = [
        api.call("GET", "/providerstatus"),
        api.call("GET", "/user"),
        api.send("POST", "/user", &user("alice", json!({}))),
        api.call("GET", "/user/1"),
        api.send("PUT", "/user/1", &json!({})),
        api.call("DELETE", "/user/1"),
        api.send("POST", "/quota_scan", &json!({ "username": "alice" })),
    ]
    .map(|answer| answer.says(500).1);
    assert_eq!(
        api.call("GET", "/version").status,
        200,
        "the server goes on"
    );
    errors.into()
}

#[test]
fn a_provider_that_is_gone_is_500_with_its_words_and_without_its_cause() {
    let gone = || {
        Error::new(ErrorKind::Unavailable, "the database does not answer")
            .with_source(IoError::other("/secret/path"))
    };
    for error in errors(gone) {
        assert_eq!(error, "the database does not answer");
    }
}

#[test]
fn a_panic_is_500() {
    for error in errors(|| panic!("on purpose")) {
        assert!(error.contains("internal error"), "{error}");
    }
}

#[test]
fn a_request_whose_client_goes_away_is_counted() {
    static BUSY: Mutex<()> = Mutex::new(());
    let busy = BUSY.lock().unwrap();
    let api = Api::with(Settings {
        provider: FaultyProvider::failing(|| {
            drop(BUSY.lock());
            Error::new(ErrorKind::Internal, "done, but for nobody")
        }),
        ..Settings::default()
    });
    let mut impatient = TcpStream::connect(api.address).unwrap();
    impatient
        .write_all(b"DELETE /api/v1/user/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    drop(impatient);
    // Its call is still running, so that no answer can be what is counted.
    let counted = || {
        let metrics = client::request(api.address, "GET", "/metrics", None);
        metrics
            .text()
            .contains("\nsftpgo_http_client_errors_total 1\n")
    };
    wait_for("the request to be counted", counted);
    drop(busy);
}
