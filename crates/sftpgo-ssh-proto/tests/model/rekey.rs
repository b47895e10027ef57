//! New keys while data flows (RFC 4253 section 9).

use sftpgo_ssh_proto::{ChannelId, DisconnectReason, SystemRandom};

use crate::{
    client::{CTR, GCM, Offer},
    messages::{
        adjust, channel_request, close, data, eof, extended, global, on_channel, open, ping,
    },
    pair::{Pair, Seen, config},
    wire::{Parse, message},
};

const ZLIB: &str = "zlib@openssh.com";

/// Each suite, compressed and not.
pub(crate) fn offers() -> [Offer; 4] {
    let zlib = |offer| Offer {
        compression: ZLIB,
        ..offer
    };
    [GCM, CTR, zlib(GCM), zlib(CTR)]
}

/// A program runs, and the server has begun new keys, which the client does not answer yet.
fn server_rekeys(offer: Offer) -> (Pair, u32, ChannelId) {
    let mut config = config();
    config.window = 10_000;
    let mut pair = Pair::with(offer, config);
    pair.login();
    let (id, _) = pair.start(5, 100_000, 32_768);
    let channel = pair.last_channel();
    pair.client.follows_rekeys = false;
    pair.connection.rekey();
    pair.connection.rekey();
    pair.run();
    assert_eq!(pair.take()[0], 20);
    pair.nothing();
    pair.seen.clear();
    (pair, id, channel)
}

/// The client answers, and the exchange runs to its end.
fn follow(pair: &mut Pair) {
    pair.client.send_kexinit();
    pair.client.send_share();
    pair.run();
    assert_eq!([pair.take()[0], pair.take()[0]], [31, 21]);
}

#[test]
fn data_comes_in_until_the_client_answers_and_goes_out_from_our_newkeys_on() {
    for offer in offers() {
        let (mut pair, id, channel) = server_rekeys(offer);
        for _ in 0..2 {
            pair.send(data(id, vec![1; 4000]));
        }
        pair.send(adjust(id, 7));
        pair.send(extended(id, "dropped"));
        // Grants are due and wait, as data does.
        pair.nothing();
        assert_eq!(pair.connection.room(channel), 0);
        assert_eq!(pair.connection.send(channel, b"waits"), 0);
        let came = pair
            .seen
            .iter()
            .filter(|seen| matches!(seen, Seen::Data(..)));
        assert_eq!(came.count(), 2);

        follow(&mut pair);
        let grant = pair.take();
        let mut grant = Parse::of(&grant, 93);
        assert_eq!((grant.u32(), grant.u32()), (5, 8007));
        assert_eq!(pair.connection.room(channel), 100_007);
        assert_eq!(pair.connection.send(channel, b"at once"), 7);
        pair.run();
        assert_eq!(pair.take(), data(5, "at once"));
        pair.newkeys();
        pair.send(data(id, "new keys"));
        let last = Seen::Data(channel, b"new keys".to_vec());
        assert_eq!(pair.seen.last(), Some(&last));
        assert_eq!(pair.connection.send(channel, b"still"), 5);
        pair.run();
        assert_eq!(pair.take(), data(5, "still"));
    }
}

#[test]
fn answers_wait_in_order_until_keys_are_exchanged() {
    let (mut pair, id, channel) = server_rekeys(GCM);
    pair.send(channel_request(id, "env", true).done());
    pair.send(global("keepalive@openssh.com", true));
    pair.send(open("session", 6, 1000, 32_768));
    pair.connection.finish_channel(channel, 3);
    pair.send(channel_request(id, "env", true).done());
    pair.send(close(id));
    pair.nothing();
    follow(&mut pair);
    assert_eq!(pair.take(), on_channel(100, 5));
    assert_eq!(pair.take(), [82]);
    assert_eq!(pair.take()[..5], on_channel(91, 6));
    let status = channel_request(5, "exit-status", false).u32(3).done();
    assert_eq!(
        [pair.take(), pair.take(), pair.take()],
        [eof(5), status, close(5)]
    );
    pair.nothing();
    pair.newkeys();
    pair.send(open("session", 7, 1000, 32_768));
    assert_eq!(pair.take()[..5], on_channel(91, 7));
}

/// CVE-2025-22869 and others: a client that leaves our KEXINIT unanswered does not fill our memory.
#[test]
fn no_more_than_64_answers_wait() {
    for (count, is_too_many) in [(64, false), (65, true)] {
        let (mut pair, id, _) = server_rekeys(GCM);
        for number in 0..count {
            pair.send(match number % 2 {
                0 => global("keepalive@openssh.com", true),
                _ => channel_request(id, "env", true).done(),
            });
        }
        // These need no answer, and a ping gets none meanwhile.
        for _ in 0..100 {
            if !is_too_many {
                pair.send(message(2).string("aside").done());
                pair.send(global("keepalive@openssh.com", false));
                pair.send(ping([1; 1000]));
                pair.send(data(id, [1; 100]));
            }
        }
        if is_too_many {
            pair.ended(DisconnectReason::ProtocolError);
            pair.nothing();
            continue;
        }
        pair.nothing();
        follow(&mut pair);
        for number in 0..count {
            let answer = pair.take();
            match number % 2 {
                0 => assert_eq!(answer, [82]),
                _ => assert_eq!(answer, on_channel(100, 5)),
            }
        }
        pair.client.inbox.clear();
        pair.newkeys();
        pair.send(global("keepalive@openssh.com", true));
        assert_eq!(pair.take(), [82]);
    }
}

/// Bytes whose place can be told from them.
fn stream(length: usize) -> Vec<u8> {
    (0..length)
        .map(|place| (place ^ (place >> 8) ^ (place >> 15)) as u8)
        .collect()
}

#[test]
fn bytes_stay_in_order_over_many_exchanges_of_either_side() {
    for offer in offers() {
        for (by_server, by_client) in [(true, false), (false, true), (true, true)] {
            let mut config = config();
            config.rekey_after = by_server.then_some(50_000);
            let mut pair = Pair::with(offer.clone(), config);
            pair.login();
            let (id, _) = pair.start(5, u32::MAX, 32_768);
            let channel = pair.last_channel();
            let bytes = stream(1_200_000);
            let mut got = Vec::new();
            let mut back = bytes.as_slice();
            for (number, piece) in bytes.chunks(20_000).enumerate() {
                if by_client && number % 4 == 3 {
                    pair.client.send_kexinit();
                    pair.run();
                }
                pair.send(data(id, piece));
                while !back.is_empty() && bytes.len() - back.len() < (number + 1) * 20_000 {
                    let sent = pair
                        .connection
                        .send(channel, &back[..back.len().min(20_000)]);
                    back = &back[sent..];
                    pair.run();
                }
            }
            let came = pair.seen.iter().filter_map(|seen| match seen {
                Seen::Data(_, data) => Some(data.as_slice()),
                _ => None,
            });
            assert!(came.collect::<Vec<_>>().concat() == bytes, "upwards");
            for payload in &pair.client.inbox {
                if payload[0] == 94 {
                    let mut parse = Parse::of(payload, 94);
                    parse.u32();
                    got.extend_from_slice(parse.string());
                }
            }
            assert!(got == bytes, "downwards");
            let exchanges = pair.seen.iter().filter(|seen| **seen == Seen::Keys).count();
            let least = 1
                + 20 * usize::from(by_server) / (1 + 9 * usize::from(offer.compression == ZLIB))
                + 15 * usize::from(by_client) / 2;
            assert!(exchanges >= least, "{exchanges} exchanges, not {least}");
            assert!(pair.end().is_none());
        }
    }
}

#[test]
fn keys_can_be_computed_elsewhere_and_nothing_is_read_meanwhile() {
    let mut pair = Pair::new(GCM);
    pair.identify();
    pair.agree();
    pair.host.hesitates = true;
    pair.client.send_share();
    pair.client.send([21]);
    pair.run();
    pair.nothing();
    assert!(!pair.input.is_empty());
    let exchange = pair.connection.take_exchange().unwrap();
    assert!(pair.connection.take_exchange().is_none());
    assert!(!exchange.is_dear());
    let thread = std::thread::spawn(move || exchange.run(&mut SystemRandom::new()));
    let done = thread.join().unwrap();
    pair.connection.finish_exchange(done);
    pair.run();
    assert_eq!([pair.take()[0], pair.take()[0]], [31, 21]);
    assert_eq!(pair.seen.last(), Some(&Seen::Keys));
}

/// Before the login the server begins no exchange of its own.
#[test]
fn the_server_asks_for_new_keys_only_of_those_who_are_logged_in() {
    let mut config = config();
    config.rekey_after = Some(1);
    let mut pair = Pair::with(GCM, config);
    pair.connect();
    pair.connection.rekey();
    pair.service();
    pair.nothing();
}

#[test]
fn shares_that_are_none_end_the_connection() {
    for share in [&[0; 32][..], &[9; 31], &[9; 33], &[], &[4; 65]] {
        let mut pair = Pair::new(GCM);
        pair.identify();
        pair.agree();
        pair.send(message(30).string(share).done());
        pair.ended(DisconnectReason::KeyExchangeFailed);
    }
}

/// CVE-2013-4421 and others: what gives more than a packet may have is refused, and does not have to be held.
#[test]
fn a_packet_that_inflates_without_end_is_refused() {
    let mut pair = Pair::new(Offer {
        compression: ZLIB,
        ..GCM
    });
    pair.login();
    let (id, _) = pair.start(5, 100, 1000);
    pair.send(data(id, vec![0; 200_000]));
    assert!(pair.end().is_none());
    pair.send(data(id, vec![0; 300_000]));
    pair.ended(DisconnectReason::MacError);
}
