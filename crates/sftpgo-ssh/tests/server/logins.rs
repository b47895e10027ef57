//! What the operator hears of logins.

use sftpgo_core::event::Actor;
use sftpgo_ssh::ServerConfig;
use sftpgo_test_support::totp_for_ssh;

use crate::test_server::{TestServer, Trusting, wait_for};

#[tokio::test]
async fn who_leaves_between_two_steps_is_told_of() {
    let server = TestServer::new(|_| {}, ServerConfig::default()).await;
    let service = &server.service;
    let give = service
        .accounts
        .update(&Actor::program(), service.bob().id, |draft| {
            draft.filters.totp = Some(totp_for_ssh());
            Ok(())
        });
    give.unwrap();
    let mut client = russh::client::connect(std::sync::Arc::default(), server.address, Trusting)
        .await
        .unwrap();
    let login = client.authenticate_password("bob", "secret").await;
    assert!(!login.unwrap().success());
    service.recorder.take_logins();
    drop(client);
    let reason =
        "bob: the login was not completed: password was good, and keyboard-interactive was left";
    wait_for(|| {
        service
            .recorder
            .take_logins()
            .iter()
            .any(|told| told == reason)
    })
    .await;
}
