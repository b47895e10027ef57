//! Windows (RFC 4254 section 5.2), in both directions.

use sftpgo_ssh_proto::DisconnectReason;

use crate::{
    client::GCM,
    messages::{adjust, channel_request, close, data, eof, extended, on_channel, ping},
    pair::{Pair, config},
    wire::Parse,
};

/// The server's window.
const WINDOW: u32 = 10_000;

fn pair() -> Pair {
    let mut config = config();
    config.window = WINDOW;
    let mut pair = Pair::with(GCM, config);
    pair.login();
    pair
}

/// Lengths of the server's data on the client's channel.
fn lengths(pair: &mut Pair, own: u32) -> Vec<usize> {
    let messages = std::mem::take(&mut pair.client.inbox);
    let length = |payload: &Vec<u8>| {
        let mut parse = Parse::of(payload, 94);
        assert_eq!(parse.u32(), own);
        let length = parse.string().len();
        parse.end();
        length
    };
    messages.iter().map(length).collect()
}

/// What the client was granted.
fn granted(pair: &mut Pair, own: u32) -> u32 {
    let messages = std::mem::take(&mut pair.client.inbox);
    let more = |payload: &Vec<u8>| {
        let mut parse = Parse::of(payload, 93);
        assert_eq!(parse.u32(), own);
        let more = parse.u32();
        parse.end();
        more
    };
    messages.iter().map(more).sum()
}

#[test]
fn the_server_sends_what_it_was_granted_and_not_a_byte_more() {
    for (window, packet, lengths_are) in [
        (0, 32_768, &[][..]),
        (1, 32_768, &[1]),
        (1000, 256, &[256, 256, 256, 232]),
        (70_000, 32_768, &[32_768, 32_768, 4464]),
        (70_000, u32::MAX, &[32_768, 32_768, 4464]),
    ] {
        let mut pair = pair();
        let (id, _) = pair.start(5, window, packet);
        let channel = pair.last_channel();
        let window = usize::try_from(window).unwrap();
        assert_eq!(pair.connection.room(channel), window);
        assert_eq!(pair.connection.send(channel, &[7; 100_000]), window);
        assert_eq!(pair.connection.room(channel), 0);
        assert_eq!(pair.connection.send(channel, b"x"), 0);
        assert_eq!(pair.connection.send_stderr(channel, b"x"), 0);
        pair.run();
        assert_eq!(lengths(&mut pair, 5), lengths_are);
        pair.send(adjust(id, 3));
        pair.send(adjust(id, 0));
        pair.send(adjust(id, 4));
        assert_eq!(pair.connection.send(channel, b"0123456789"), 7);
        pair.run();
        assert_eq!(lengths(&mut pair, 5), [7]);
    }
}

#[test]
fn the_largest_window_is_used_and_a_larger_one_ends_the_connection() {
    let mut pair = pair();
    let (id, _) = pair.start(5, u32::MAX - 1, 32_768);
    pair.send(adjust(id, 1));
    let channel = pair.last_channel();
    assert_eq!(
        pair.connection.room(channel),
        256 * 1024,
        "as much as waits for the network"
    );
    assert_eq!(pair.connection.send(channel, b"x"), 1);
    pair.send(adjust(id, 1));
    pair.client.inbox.clear();
    pair.send(adjust(id, 1));
    pair.ended(DisconnectReason::ProtocolError);
}

#[test]
fn no_more_waits_for_the_network_than_256_kib() {
    let mut pair = pair();
    pair.start(5, u32::MAX, 32_768);
    let channel = pair.last_channel();
    let sent = pair.connection.send(channel, &vec![7; 1 << 20]);
    assert_eq!(sent, 256 * 1024);
    assert_eq!(pair.connection.room(channel), 0);
    let waiting = pair.connection.output().len();
    assert!(waiting < 257 * 1024, "{waiting}");
    pair.run();
    assert_eq!(lengths(&mut pair, 5).iter().sum::<usize>(), sent);
    assert_eq!(pair.connection.room(channel), 256 * 1024);
}

/// Grants follow what the host has dealt with, and come when half of the window is free.
#[test]
fn the_client_is_granted_what_was_consumed() {
    let mut pair = pair();
    pair.host.consumes = false;
    let (id, window) = pair.start(5, 100, 1000);
    assert_eq!(window, WINDOW);
    pair.send(data(id, vec![1; 8000]));
    pair.nothing();
    let channel = pair.last_channel();
    pair.connection.consumed(channel, 4999);
    pair.run();
    pair.nothing();
    pair.connection.consumed(channel, 1);
    pair.run();
    assert_eq!(granted(&mut pair, 5), 5000);
    pair.connection.consumed(channel, 1_000_000);
    pair.run();
    pair.nothing();
    // 7,000 are open: what was announced stays, even if the window is to be smaller.
    pair.connection.set_window(channel, 100);
    pair.send(data(id, vec![1; 7000]));
    pair.connection.consumed(channel, 7000);
    pair.run();
    assert_eq!(granted(&mut pair, 5), 100);
    pair.connection.set_window(channel, 20_000);
    pair.run();
    assert_eq!(granted(&mut pair, 5), 19_900);
    assert!(pair.end().is_none());
}

#[test]
fn a_window_beyond_31_bits_is_never_granted() {
    let mut pair = pair();
    pair.start(5, 100, 1000);
    pair.connection.set_window(pair.last_channel(), u32::MAX);
    pair.run();
    assert_eq!(
        u64::from(granted(&mut pair, 5)) + u64::from(WINDOW),
        (1 << 31) - 1
    );
}

/// OpenSSH tolerates a tenth; so do we, over as long as nothing is granted.
#[test]
fn a_tenth_too_much_is_tolerated() {
    for (sizes, is_tolerated) in [
        (&[11_000][..], true),
        (&[11_001], false),
        (&[10_000, 500, 500], true),
        (&[10_000, 500, 501], false),
    ] {
        let mut pair = pair();
        pair.host.consumes = false;
        let (id, _) = pair.start(5, 100, 1000);
        for size in sizes {
            pair.send(data(id, vec![1; *size]));
        }
        assert_eq!(pair.end().is_none(), is_tolerated, "{sizes:?}");
        if !is_tolerated {
            pair.ended(DisconnectReason::ProtocolError);
        }
    }
}

#[test]
fn data_above_the_longest_packet_that_was_announced_is_taken_within_the_window() {
    let mut pair = Pair::new(GCM);
    pair.login();
    let (id, _) = pair.start(5, 100, 1000);
    pair.send(data(id, vec![1; 200_000]));
    assert!(pair.end().is_none());
    assert!(
        matches!(pair.seen.last(), Some(crate::pair::Seen::Data(_, data)) if data.len() == 200_000)
    );
}

/// What is dropped is given back, or a client would wait for ever.
#[test]
fn data_that_is_dropped_is_credited() {
    let mut pair = pair();
    pair.host.consumes = false;
    let (id, _) = pair.start(5, 100, 1000);
    pair.send(extended(id, vec![1; 6000]));
    assert_eq!(granted(&mut pair, 5), 6000);
    let (other, _) = pair.open(6, 100, 1000);
    pair.send(data(other, vec![1; 6000]));
    assert_eq!(granted(&mut pair, 6), 6000, "there is no program");
    pair.send(eof(id));
    for _ in 0..5 {
        pair.send(data(id, vec![1; 6000]));
        assert_eq!(granted(&mut pair, 5), 6000);
    }
    pair.connection.close_channel(pair.last_channel());
    pair.run();
    pair.client.inbox.clear();
    // Nothing can be said on a channel after CLOSE, and a client may use what it has.
    pair.send(data(other, vec![1; 10_000]));
    pair.send(close(other));
    pair.nothing();
    assert!(pair.end().is_none());
}

/// CVE-2025-26466 and others: who sends and does not read is not heard until it reads, and then loses nothing.
#[test]
fn answers_that_nobody_reads_are_bounded() {
    let mut pair = pair();
    let (id, _) = pair.start(5, u32::MAX, 32_768);
    let channel = pair.last_channel();
    for number in 0..300_u32 {
        let text = [number.to_be_bytes().to_vec(), vec![7; 10_000]].concat();
        pair.client.send(ping(text));
        pair.client.send(channel_request(id, "env", true).done());
    }
    pair.input.append(&mut pair.client.out);
    while pair.step(usize::MAX) {}
    assert!(!pair.connection.takes_input() && !pair.input.is_empty());
    assert_eq!(pair.connection.send(channel, &[1; 1000]), 0);
    let waiting = pair.connection.output().len();
    assert!(waiting <= 340 * 1024, "{waiting} bytes wait");
    pair.run();
    let inbox = std::mem::take(&mut pair.client.inbox);
    assert_eq!(inbox.len(), 600);
    for (number, payload) in (0..600_u32).zip(&inbox) {
        match number % 2 {
            0 => {
                let mut text = Parse(Parse::of(payload, 193).string());
                assert_eq!(text.u32(), number / 2);
            }
            _ => assert_eq!(payload, &on_channel(100, 5)),
        }
    }
    assert!(pair.connection.takes_input());
}
