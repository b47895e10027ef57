//! A connection against a client of HTTP/2 that chooses each frame.

use std::time::Duration;

use tokio::io::{AsyncWriteExt, duplex, split};

use super::*;
use crate::listener::places::Places;

/// A preface, settings by which no stream may have a byte of a body (RFC 9113, section 6.5.2), and `GET /` of host `t`.
const NO_WINDOW: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00\
    \x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x01t";

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_no_room_for_a_body_gives_its_place_away() {
    let limits = Limits::default();
    let place = Places::new(1, 1).enter(None).await.map(Arc::new).unwrap();
    let (client, server) = duplex(64 * 1024);
    let open = Open {
        stream: Box::new(server),
        peer: Peer {
            address: None,
            is_tls: false,
        },
        speaks_http2: true,
        admission: None,
    };
    let (mut reader, mut writer) = split(client);
    writer.write_all(NO_WINDOW).await.unwrap();
    let reading = tokio::spawn(async move {
        let mut read = Vec::new();
        let _ = reader.read_to_end(&mut read).await;
        read
    });
    let started = time::Instant::now();
    let shutdown = CancellationToken::new();
    let handler = |_, _| async { Ok(Response::new("here".into())) };
    converse(open, place, limits, &shutdown, handler).await;
    let took = started.elapsed();
    assert!(took < limits.silence + Duration::from_secs(10), "{took:?}");
    let head = reading.await.unwrap();
    // A frame of headers, which ends them but not the stream.
    assert!(head.windows(6).any(|frame| frame == [1, 4, 0, 0, 0, 1]));
}
