//! What one client, or all together, may take up.

use std::time::Duration;

use sftpgo_core::{UserDraft, user::now_ms};
use sftpgo_ssh::{Limits, ServerConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::test_server::{PATIENCE, TestServer, Trusting, read_to_end, wait_for};

/// Waits for the server to close a connection.
async fn read_until_closed(stream: &mut TcpStream) {
    let read = async {
        let mut buffer = [0; 4096];
        while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {}
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap();
}

/// The line of a client whose offer is not waited for, as it is for that of one that may be old.
const MODERN: &[u8] = b"SSH-2.0-OpenSSH_9.2p1\r\n";

fn limited(limits: Limits) -> ServerConfig {
    ServerConfig {
        limits,
        ..ServerConfig::default()
    }
}

#[tokio::test]
async fn who_does_not_log_in_in_time_is_dropped_and_who_did_stays() {
    let server = TestServer::new(
        |_| {},
        limited(Limits {
            login_grace: Duration::from_secs(2),
            ..Limits::default()
        }),
    )
    .await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"SSH-2.0-slow\r\n").await.unwrap();
    read_until_closed(&mut silent).await;
    read_until_closed(&mut slow).await;
    let mut channel = server.exec("pwd").await;
    assert_eq!(read_to_end(&mut channel).await.1, Some(0));
}

/// Waits for one of the connections to be closed, and says which.
async fn first_closed(streams: &mut [TcpStream]) -> usize {
    let mut buffer = [0; 4096];
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let closed = streams.iter().position(|stream| {
            let read = stream.try_read(&mut buffer);
            read.is_ok_and(|count| count == 0)
        });
        if let Some(closed) = closed {
            return closed;
        }
        assert!(tokio::time::Instant::now() < until, "none was closed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Reads until the server has begun a key exchange, or closed; says which.
async fn is_served(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    let read = async {
        while !contains(&seen, b"curve25519-sha256") {
            if !matches!(stream.read_buf(&mut seen).await, Ok(1..)) {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap()
}

#[tokio::test]
async fn one_that_has_exchanged_no_keys_makes_room() {
    for limits in [
        Limits {
            unauthenticated: 3,
            ..Limits::default()
        },
        Limits {
            unauthenticated_per_address: 3,
            ..Limits::default()
        },
    ] {
        let server = TestServer::new(|_| {}, limited(limits)).await;
        let mut waiting = Vec::new();
        for _ in 0..4 {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            // The server has taken it in.
            stream.read_u8().await.unwrap();
            waiting.push(stream);
        }
        let closed = first_closed(&mut waiting).await;
        assert!(closed < 3, "the new one stays");
        waiting.remove(closed);
        for stream in &mut waiting {
            stream.write_all(MODERN).await.unwrap();
            assert!(is_served(stream).await);
        }
        let mut channel = server.exec("pwd").await;
        assert_eq!(read_to_end(&mut channel).await.1, Some(0));
    }
}

#[tokio::test]
async fn who_waits_for_a_turn_gets_it() {
    let limits = Limits {
        unauthenticated_per_address: 3,
        ..Limits::default()
    };
    let server = TestServer::new(|_| {}, limited(limits)).await;
    let mut crowd = Vec::new();
    // More than may have others closed at once.
    for _ in 0..200 {
        crowd.push(TcpStream::connect(server.address).await.unwrap());
    }
    for stream in &mut crowd {
        let first = tokio::time::timeout(PATIENCE, stream.read_u8());
        assert_eq!(first.await.unwrap().unwrap(), b'S');
    }
}

#[tokio::test]
async fn nobody_who_is_logging_in_makes_room() {
    let server = TestServer::new(
        |_| {},
        limited(Limits {
            unauthenticated: 3,
            ..Limits::default()
        }),
    )
    .await;
    #[allow(
        clippy::async_yields_async,
        reason = "the client's handle can be awaited, for its end"
    )]
    let ask = async || {
        let mut client =
            russh::client::connect(std::sync::Arc::default(), server.address, Trusting)
                .await
                .unwrap();
        assert!(!client.authenticate_none("bob").await.unwrap().success());
        client
    };
    let mut typing = ask().await;
    let mut silent = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.read_u8().await.unwrap();
        silent.push(stream);
    }
    assert!(!typing.is_closed());
    let (also, third) = (ask().await, ask().await);
    let mut refused = TcpStream::connect(server.address).await.unwrap();
    let _ = refused.write_all(MODERN).await;
    assert!(!is_served(&mut refused).await);
    assert!(!also.is_closed() && !third.is_closed());
    let login = typing.authenticate_password("bob", "secret").await;
    assert!(login.unwrap().success());
    // There is a place again.
    let mut served = TcpStream::connect(server.address).await.unwrap();
    served.write_all(MODERN).await.unwrap();
    assert!(is_served(&mut served).await);
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|part| part == needle)
}

#[tokio::test]
async fn channels_of_a_connection_are_limited_and_come_back() {
    let server = TestServer::new(
        |_| {},
        limited(Limits {
            sessions_per_connection: 2,
            ..Limits::default()
        }),
    )
    .await;
    let mut first = server.exec("md5sum").await;
    let _second = server.exec("md5sum").await;
    for _ in 0..100 {
        assert!(server.client.channel_open_session().await.is_err());
    }
    first.eof().await.unwrap();
    assert_eq!(read_to_end(&mut first).await.1, Some(0));
    let mut third = server.exec("pwd").await;
    assert_eq!(read_to_end(&mut third).await.1, Some(0));
}

#[tokio::test]
async fn a_channel_that_is_closed_makes_room_for_one_that_is_opened_behind_it() {
    let config = limited(Limits {
        sessions_per_connection: 1,
        ..Limits::default()
    });
    let server = TestServer::new(|_| {}, config).await;
    for _ in 0..50 {
        let session = server.exec("md5sum").await;
        // Both messages are under way at once.
        session.close().await.unwrap();
    }
}

#[tokio::test]
async fn who_does_nothing_is_disconnected() {
    let config = ServerConfig {
        idle_timeout: Some(Duration::from_secs(4)),
        ..ServerConfig::default()
    };
    let server = TestServer::new(|_| {}, config).await;
    let mut channel = server.client.channel_open_session().await.unwrap();
    channel.request_subsystem(true, "sftp").await.unwrap();
    assert_eq!(read_to_end(&mut channel).await.1, None);
    wait_for(|| server.client.is_closed() && server.service.connections.login_count() == 0).await;
}

#[tokio::test]
async fn a_connection_whose_last_session_ended_a_moment_ago_is_not_idle() {
    let config = ServerConfig {
        idle_timeout: Some(Duration::from_secs(4)),
        ..ServerConfig::default()
    };
    let server = TestServer::new(|_| {}, config).await;
    for _ in 0..5 {
        let mut channel = server.exec("pwd").await;
        assert_eq!(read_to_end(&mut channel).await.1, Some(0));
        // Longer than the timeout in all, shorter at a time.
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    assert!(!server.client.is_closed());
}

#[tokio::test]
async fn a_session_ends_when_its_user_expires() {
    let draft = |draft: &mut UserDraft| draft.expiration_date = now_ms() + 3000;
    let server = TestServer::new(draft, ServerConfig::default()).await;
    let mut channel = server.exec("md5sum").await;
    assert_eq!(read_to_end(&mut channel).await.1, None);
    wait_for(|| server.service.connections.login_count() == 0).await;
}

#[tokio::test]
async fn a_session_lasts_as_long_as_its_user_by_the_latest_change() {
    let draft = |draft: &mut UserDraft| draft.expiration_date = now_ms() + 3000;
    let server = TestServer::new(draft, ServerConfig::default()).await;
    let mut channel = server.exec("md5sum").await;
    let bob = server.service.bob().id;
    server.service.connections.expiry_changed(bob, 0);
    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert_eq!(server.service.connections.login_count(), 1);
    server
        .service
        .connections
        .expiry_changed(bob, now_ms() + 1000);
    assert_eq!(read_to_end(&mut channel).await.1, None);
    wait_for(|| server.service.connections.login_count() == 0).await;
}

/// Each of its messages has an answer, and answers are not kept without bound for a client that reads none.
#[tokio::test]
async fn who_does_not_read_is_heard_no_more_until_it_does() {
    let server = TestServer::new(|_| {}, ServerConfig::default()).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.set_send_buffer_size(16 * 1024).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    stream.write_all(b"SSH-2.0-old\r\n").await.unwrap();
    // Number 77 is nothing; the packet and UNIMPLEMENTED, which answers it, have 16 bytes each.
    let message = *b"\0\0\0\x0c\x0a\x4d..........";
    let many = message.repeat(1024);
    let mut written = 0;
    let pause = Duration::from_millis(500);
    while let Ok(count) = tokio::time::timeout(pause, stream.write(&many[written % 16..])).await {
        written += count.unwrap();
        assert!(written < 32 << 20, "the server hears on");
    }
    assert!(written > 64 * 1024, "more than a buffer of input waits");
    let (mut reading, mut writing) = stream.split();
    let read = async {
        let mut answers = Vec::new();
        while !answers.ends_with(b"\r\n") {
            answers.push(reading.read_u8().await.unwrap());
        }
        let mut answer = [0; 16];
        for number in 0..written.div_ceil(16) as u32 {
            reading.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer[5], 3);
            assert_eq!(answer[6..10], number.to_be_bytes());
        }
    };
    let rest = &message[written % 16..];
    let write = async {
        if rest.len() < 16 {
            writing.write_all(rest).await.unwrap();
        }
    };
    let both = async { tokio::join!(read, write) };
    tokio::time::timeout(PATIENCE, both).await.unwrap();
}
