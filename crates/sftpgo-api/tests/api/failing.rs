//! A provider that fails: the client is told, and the server goes on.

use std::{
    io::{Error as IoError, Write},
    net::TcpStream,
    ops::ControlFlow,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::json;
use sftpgo_core::{
    Error, ErrorKind, Result, StoredUser, UserId,
    provider::{Health, QuotaLedger, UserQuery, Users},
    storage_usage::Usage,
};

use crate::{
    client,
    server::{Api, Settings, user},
};

/// Fails at everything, each time in the same way.
struct Failing(fn() -> Error);

impl Users for Failing {
    fn user_by_name(&self, _: &str) -> Result<Option<StoredUser>> {
        Err((self.0)())
    }
    fn user_by_id(&self, _: UserId) -> Result<Option<StoredUser>> {
        Err((self.0)())
    }
    fn list_users(&self, _: &UserQuery) -> Result<Vec<StoredUser>> {
        Err((self.0)())
    }
    fn for_each_user(&self, _: &mut dyn FnMut(StoredUser) -> ControlFlow<()>) -> Result<()> {
        Err((self.0)())
    }
    fn add_user(&self, _: &StoredUser) -> Result<StoredUser> {
        Err((self.0)())
    }
    fn change_user(&self, _: &StoredUser, _: &StoredUser) -> Result<bool> {
        Err((self.0)())
    }
    fn replace_password_hash(&self, _: UserId, _: &str, _: &str) -> Result<bool> {
        Err((self.0)())
    }
    fn delete_user(&self, _: UserId) -> Result<()> {
        Err((self.0)())
    }
    fn record_login(&self, _: UserId, _: i64) -> Result<()> {
        Err((self.0)())
    }
}

impl QuotaLedger for Failing {
    fn usage(&self, _: UserId) -> Result<Usage> {
        Err((self.0)())
    }
    fn set_usage(&self, _: UserId, _: Usage) -> Result<()> {
        Err((self.0)())
    }
    fn set_dirty(&self, _: UserId, _: bool) -> Result<()> {
        Err((self.0)())
    }
    fn dirty_users(&self) -> Result<Vec<UserId>> {
        Err((self.0)())
    }
}

impl Health for Failing {
    fn check(&self) -> Result<()> {
        Err((self.0)())
    }
}

/// The error of every call that reaches the provider.
fn errors(failure: fn() -> Error) -> Vec<String> {
    let api = Api::with(Settings {
        provider: Arc::new(Failing(failure)),
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
        provider: Arc::new(Failing(|| {
            drop(BUSY.lock());
            Error::new(ErrorKind::Internal, "done, but for nobody")
        })),
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
    while !counted() {
        thread::sleep(Duration::from_millis(5));
    }
    drop(busy);
}
