//! What a host may do when, and what a client can have the server keep.

use super::*;
use crate::{SystemRandom, test_support::host_key};

fn connection() -> Connection {
    let config = Arc::new(Config::new(vec![host_key()]));
    Connection::new(config, Box::new(SystemRandom::new()))
}

/// A packet that is not encrypted.
fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 - (5 + payload.len()) % 8 + 8;
    let mut packet = Vec::new();
    put_u32(
        &mut packet,
        u32::try_from(1 + payload.len() + padding).unwrap(),
    );
    put_u8(&mut packet, u8::try_from(padding).unwrap());
    packet.extend_from_slice(payload);
    packet.resize(packet.len() + padding, 0);
    packet
}

#[test]
fn who_does_not_read_is_not_heard_until_it_does() {
    let mut connection = connection();
    let mut input = b"SSH-2.0-x\r\n".to_vec();
    // Each has an answer: UNIMPLEMENTED.
    for _ in 0..20_000 {
        input.extend_from_slice(&packet(&[77]));
    }
    let mut rest = input.as_mut_slice();
    loop {
        let consumed = connection.process(rest).consumed;
        rest = &mut rest[consumed..];
        if consumed == 0 {
            break;
        }
    }
    assert!(!rest.is_empty() && !connection.takes_input());
    let waiting = connection.output().len();
    assert!((64 * 1024..80 * 1024).contains(&waiting), "{waiting}");
    connection.sent(waiting / 2);
    assert!(connection.takes_input());
    assert_eq!(connection.process(rest).consumed, packet(&[77]).len());
}

#[test]
fn nothing_follows_disconnect() {
    let mut connection = connection();
    connection.process(&mut b"SSH-2.0-x\r\n".to_vec());
    connection.core.keys =
        crate::transport::Keys::after_the_first_exchange(crate::SignatureAlgorithm::Ed25519.into());
    for (payload, asks) in [
        (&b"\x05\0\0\0\x0cssh-userauth"[..], false),
        (
            b"\x32\0\0\0\x01u\0\0\0\x0essh-connection\0\0\0\x04none",
            true,
        ),
    ] {
        connection.process(&mut packet(payload));
        assert_eq!(connection.core.is_asking(), asks);
    }
    connection.sent(connection.output().len());
    connection.disconnect(DisconnectReason::ByApplication, "over");
    let goodbye = connection.output().to_vec();
    assert_eq!(goodbye.get(5), Some(&number::DISCONNECT));
    connection.answer_login(LoginAnswer::Accept);
    connection.stop_waiting();
    connection.rekey();
    assert_eq!(connection.output(), goodbye);
    assert!(!connection.is_logged_in());
    let mut late = packet(&[77]);
    let progress = connection.process(&mut late);
    assert_eq!(progress.consumed, 0);
    assert!(progress.event.is_none());
}
