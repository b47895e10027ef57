//! What happens to a channel when its session ends in an unusual way, or waits.

use std::time::Duration;

use sftpgo_core::{
    UserDraft,
    event::{Actor, Protocol},
};
use sftpgo_ssh::ServerConfig;

use crate::test_server::{TestServer, read_to_end, wait_for};

#[tokio::test]
async fn a_session_that_panics_closes_its_channel_and_no_other() {
    let server = TestServer::new(|_| {}, ServerConfig::default()).await;
    let mut other = server.exec("md5sum").await;
    for _ in 0..20 {
        let mut channel = server.exec("scp -r -t .").await;
        channel.data(&b"D0755 0 d\n"[..]).await.unwrap();
        let (data, status) = read_to_end(&mut channel).await;
        assert_eq!((data, status), (b"\0".to_vec(), Some(1)));
        std::fs::remove_dir(server.service.home().join("d")).unwrap();
    }
    other.eof().await.unwrap();
    let (data, status) = read_to_end(&mut other).await;
    assert_eq!(data, b"d41d8cd98f00b204e9800998ecf8427e  -\n");
    assert_eq!(status, Some(0));
    wait_for(|| server.sessions() == 0).await;
}

#[tokio::test]
async fn a_transfer_that_waits_for_its_bandwidth_is_not_idle() {
    let slow = |draft: &mut UserDraft| draft.upload_bandwidth = 5;
    let config = ServerConfig {
        idle_timeout: Some(Duration::from_secs(2)),
        ..ServerConfig::default()
    };
    let server = TestServer::new(slow, config).await;
    let mut channel = server.upload(25_000).await;
    channel.eof().await.unwrap();
    let (replies, status) = read_to_end(&mut channel).await;
    assert_eq!(status, Some(0));
    let closed = b"\x65\0\0\0\x03\0\0\0\0";
    assert!(replies.windows(closed.len()).any(|reply| reply == closed));
}

#[tokio::test]
async fn a_pause_ends_with_its_channel_or_connection() {
    let slow = |draft: &mut UserDraft| {
        draft.upload_bandwidth = 1;
        draft.download_bandwidth = 1;
    };
    let server = TestServer::new(slow, ServerConfig::default()).await;
    std::fs::write(server.service.home().join("big"), vec![0; 1 << 20]).unwrap();
    for disconnect in [false, true] {
        let upload = server.upload(60_000).await;
        let download = server.exec("scp -f big").await;
        download.data(&b"\0\0"[..]).await.unwrap();
        let moving = || {
            let listed = server.service.connections.list();
            let transfers = listed.iter().flat_map(|listed| &listed.transfers);
            transfers.filter(|transfer| transfer.size > 0).count()
        };
        wait_for(|| moving() == 2).await;
        if disconnect {
            let reason = russh::Disconnect::ByApplication;
            server.client.disconnect(reason, "", "").await.unwrap();
        } else {
            upload.close().await.unwrap();
            download.close().await.unwrap();
        }
        wait_for(|| server.sessions() == 0).await;
    }
}

#[tokio::test]
async fn who_breaks_off_a_slow_upload_does_not_wait_for_it_when_back() {
    let slow = |draft: &mut UserDraft| draft.upload_bandwidth = 1;
    let server = TestServer::new(slow, ServerConfig::default()).await;
    // Three WRITEs of 20 KB take a minute. They fit into the window, so that all of them are there at once.
    let broken_off = server.upload_in_parts(3, 20_000).await;
    let file = server.service.path("f");
    wait_for(|| file.metadata().is_ok_and(|found| found.len() > 0)).await;
    broken_off.close().await.unwrap();
    wait_for(|| server.sessions() == 0).await;
    assert_eq!(file.metadata().unwrap().len(), 60_000);
    assert!(!server.owes(Duration::from_secs(30)));
}

#[tokio::test]
async fn a_connection_without_a_session_is_listed_itself() {
    let server = TestServer::new(|_| {}, ServerConfig::default()).await;
    let listed = || server.service.connections.list();
    wait_for(|| listed().len() == 1).await;
    let itself = listed().remove(0);
    assert_eq!(
        (itself.username.as_str(), itself.protocol),
        ("bob", Protocol::Sftp)
    );
    assert!(itself.client_version.starts_with("SSH-2.0-"));
    // Sessions are listed instead of it, however many there are.
    let mut sessions = Vec::new();
    for number in 1..=2 {
        let channel = server.exec("scp -t .").await;
        sessions.push(channel);
        wait_for(|| listed().len() == number && listed()[0].protocol == Protocol::Scp).await;
    }
    assert!(
        listed()
            .iter()
            .all(|listed| listed.connection_id != itself.connection_id)
    );
    for mut channel in sessions {
        channel.eof().await.unwrap();
        read_to_end(&mut channel).await;
    }
    wait_for(|| listed().len() == 1 && listed()[0].protocol == Protocol::Sftp).await;
    // What runs under no protocol of the list leaves the connection there.
    let mut command = server.exec("md5sum").await;
    assert_eq!(listed()[0].connection_id, itself.connection_id);
    server
        .service
        .connections
        .close(&Actor::program(), &itself.connection_id)
        .unwrap();
    read_to_end(&mut command).await;
    wait_for(|| listed().is_empty() && server.client.is_closed()).await;
}

#[tokio::test]
async fn an_upload_that_waits_for_its_bandwidth_delays_no_other_session() {
    // A WRITE waits for 20 seconds.
    let slow = |draft: &mut UserDraft| draft.upload_bandwidth = 1;
    let server = TestServer::new(slow, ServerConfig::default()).await;
    // More than what may wait in the server, if it were all taken.
    let upload = server.upload_in_parts(200, 20_000);
    let others = async {
        wait_for(|| server.sessions() == 1).await;
        let begun = std::time::Instant::now();
        for _ in 0..5 {
            let mut channel = server.exec("pwd").await;
            assert_eq!(read_to_end(&mut channel).await.0, b"/\n");
        }
        assert!(begun.elapsed() < Duration::from_secs(15));
        assert_eq!(server.sessions(), 1, "the upload still waits");
    };
    tokio::select! {
        _ = upload => panic!("the upload was not limited"),
        () = others => {}
    }
}

#[tokio::test]
async fn a_connection_is_closed_at_once_whatever_its_thread_waits_for() {
    let slow = |draft: &mut UserDraft| draft.upload_bandwidth = 1;
    for is_busy in [false, true] {
        let server = TestServer::new(slow, ServerConfig::default()).await;
        let _upload = match is_busy {
            true => Some(server.upload(60_000).await),
            false => None,
        };
        let listed = || server.service.connections.list();
        wait_for(|| listed().len() == 1 && (server.sessions() == 1) == is_busy).await;
        // Nothing was to do for longer than a thread takes for a pause.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let begun = std::time::Instant::now();
        server
            .service
            .connections
            .close(&Actor::program(), &listed().remove(0).connection_id)
            .unwrap();
        wait_for(|| server.client.is_closed() && server.service.connections.login_count() == 0)
            .await;
        // A thread that hears of nothing loses its socket after four seconds.
        assert!(begun.elapsed() < Duration::from_secs(3), "{is_busy}");
    }
}
