//! A storage that does not answer holds up the session that asked it, and no end of the connection.

use std::sync::Arc;

use sftpgo_core::{UserDraft, event::Actor, user::now_ms};
use sftpgo_ssh::ServerConfig;
use sftpgo_test_support::MemoryHomes;

use crate::test_server::{TestServer, read_to_end, wait_for};

/// A server whose storage is at a write of the client.
async fn hanging(change: impl FnOnce(&mut UserDraft)) -> (Arc<MemoryHomes>, TestServer) {
    let homes = Arc::new(MemoryHomes::default());
    let server = TestServer::at(homes.clone(), change, ServerConfig::default()).await;
    homes.hang();
    let _upload = server.upload(1000).await;
    wait_for(|| server.sessions() == 1 && homes.unfinished() == 1).await;
    (homes, server)
}

#[tokio::test]
async fn other_sessions_of_the_connection_go_on() {
    let (homes, server) = hanging(|_| {}).await;
    let mut other = server.exec("pwd").await;
    assert_eq!(read_to_end(&mut other).await, (b"/\n".to_vec(), Some(0)));
    assert_eq!(homes.unfinished(), 1);
    homes.answer();
}

#[tokio::test]
async fn they_go_on_while_the_storage_begins_an_upload() {
    for scp in [false, true] {
        let homes = Arc::new(MemoryHomes::default());
        let server = TestServer::at(homes.clone(), |_| {}, ServerConfig::default()).await;
        homes.hang_at_beginnings();
        let upload = match scp {
            false => server.upload(5).await,
            true => server.exec("scp -t .").await,
        };
        if scp {
            upload.data(&b"C0644 5 f\nhello\0"[..]).await.unwrap();
            upload.eof().await.unwrap();
        }
        wait_for(|| homes.unfinished() == 1).await;
        let mut other = server.exec("pwd").await;
        assert_eq!(read_to_end(&mut other).await.1, Some(0));
        homes.answer();
        wait_for(|| server.service.stored_usage() == (5, 1)).await;
    }
}

#[tokio::test]
async fn an_scp_is_told_when_the_storage_has_answered() {
    let homes = Arc::new(MemoryHomes::default());
    let server = TestServer::at(homes.clone(), |_| {}, ServerConfig::default()).await;
    homes.hang();
    let mut upload = server.exec("scp -t .").await;
    upload.data(&b"C0644 5 f\nhello\0"[..]).await.unwrap();
    upload.eof().await.unwrap();
    wait_for(|| homes.unfinished() == 1).await;
    let mut other = server.exec("pwd").await;
    assert_eq!(read_to_end(&mut other).await.1, Some(0));
    homes.answer();
    assert_eq!(read_to_end(&mut upload).await, (vec![0; 3], Some(0)));
    assert_eq!(server.service.stored_usage(), (5, 1));
}

#[tokio::test]
async fn the_connection_is_closed_by_an_operator_and_when_its_user_expires() {
    for expires in [false, true] {
        let (homes, server) = hanging(|draft| {
            if expires {
                draft.expiration_date = now_ms() + 3000;
            }
        })
        .await;
        if !expires {
            let listed = server.service.connections.list();
            let id = &listed[0].connection_id;
            server
                .service
                .connections
                .close(&Actor::program(), id)
                .unwrap();
        }
        wait_for(|| server.client.is_closed()).await;
        wait_for(|| server.service.connections.login_count() == 0).await;
        assert_eq!(homes.unfinished(), 1, "the storage has not answered");
        homes.answer();
        wait_for(|| homes.unfinished() == 0).await;
        wait_for(|| server.service.connections.list().is_empty()).await;
        assert_eq!(server.service.stored_usage(), (0, 0));
    }
}
