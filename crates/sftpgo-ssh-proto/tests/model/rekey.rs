//! New keys while data flows (RFC 4253 section 9).

use sftpgo_ssh_proto::{ChannelId, DisconnectReason, SystemRandom};

use crate::{
    client::{CTR, GCM, Offer},
    messages::{
        adjust, channel_request, close, data, eof, extended, global, on_channel, open, ping,
    },
    wire::{Parse, message},
    world::{Seen, World, config},
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
fn server_rekeys(offer: Offer) -> (World, u32, ChannelId) {
    let mut config = config();
    config.window = 10_000;
    let mut world = World::with(offer, config);
    world.login();
    let (id, _) = world.start(5, 100_000, 32_768);
    let channel = world.last_channel();
    world.client.follows_rekeys = false;
    world.connection.rekey();
    world.connection.rekey();
    world.run();
    assert_eq!(world.take()[0], 20);
    world.nothing();
    world.seen.clear();
    (world, id, channel)
}

/// The client answers, and the exchange runs to its end.
fn follow(world: &mut World) {
    world.client.send_kexinit();
    world.client.send_share();
    world.run();
    assert_eq!([world.take()[0], world.take()[0]], [31, 21]);
}

#[test]
fn data_comes_in_until_the_client_answers_and_goes_out_from_our_newkeys_on() {
    for offer in offers() {
        let (mut world, id, channel) = server_rekeys(offer);
        for _ in 0..2 {
            world.send(data(id, vec![1; 4000]));
        }
        world.send(adjust(id, 7));
        world.send(extended(id, "dropped"));
        // Grants are due and wait, as data does.
        world.nothing();
        assert_eq!(world.connection.room(channel), 0);
        assert_eq!(world.connection.send(channel, b"waits"), 0);
        let came = world
            .seen
            .iter()
            .filter(|seen| matches!(seen, Seen::Data(..)));
        assert_eq!(came.count(), 2);

        follow(&mut world);
        let grant = world.take();
        let mut grant = Parse::of(&grant, 93);
        assert_eq!((grant.u32(), grant.u32()), (5, 8007));
        assert_eq!(world.connection.room(channel), 100_007);
        assert_eq!(world.connection.send(channel, b"at once"), 7);
        world.run();
        assert_eq!(world.take(), data(5, "at once"));
        world.newkeys();
        world.send(data(id, "new keys"));
        let last = Seen::Data(channel, b"new keys".to_vec());
        assert_eq!(world.seen.last(), Some(&last));
        assert_eq!(world.connection.send(channel, b"still"), 5);
        world.run();
        assert_eq!(world.take(), data(5, "still"));
    }
}

#[test]
fn answers_wait_in_order_until_keys_are_exchanged() {
    let (mut world, id, channel) = server_rekeys(GCM);
    world.send(channel_request(id, "env", true).done());
    world.send(global("keepalive@openssh.com", true));
    world.send(open("session", 6, 1000, 32_768));
    world.connection.finish_channel(channel, 3);
    world.send(channel_request(id, "env", true).done());
    world.send(close(id));
    world.nothing();
    follow(&mut world);
    assert_eq!(world.take(), on_channel(100, 5));
    assert_eq!(world.take(), [82]);
    assert_eq!(world.take()[..5], on_channel(91, 6));
    let status = channel_request(5, "exit-status", false).u32(3).done();
    assert_eq!(
        [world.take(), world.take(), world.take()],
        [eof(5), status, close(5)]
    );
    world.nothing();
    world.newkeys();
    world.send(open("session", 7, 1000, 32_768));
    assert_eq!(world.take()[..5], on_channel(91, 7));
}

/// CVE-2025-22869 and others: a client that leaves our KEXINIT unanswered does not fill our memory.
#[test]
fn no_more_than_64_answers_wait() {
    for (count, is_too_many) in [(64, false), (65, true)] {
        let (mut world, id, _) = server_rekeys(GCM);
        for number in 0..count {
            world.send(match number % 2 {
                0 => global("keepalive@openssh.com", true),
                _ => channel_request(id, "env", true).done(),
            });
        }
        // These need no answer, and a ping gets none meanwhile.
        for _ in 0..100 {
            if !is_too_many {
                world.send(message(2).string("aside").done());
                world.send(global("keepalive@openssh.com", false));
                world.send(ping([1; 1000]));
                world.send(data(id, [1; 100]));
            }
        }
        if is_too_many {
            world.ended(DisconnectReason::ProtocolError);
            world.nothing();
            continue;
        }
        world.nothing();
        follow(&mut world);
        for number in 0..count {
            let answer = world.take();
            match number % 2 {
                0 => assert_eq!(answer, [82]),
                _ => assert_eq!(answer, on_channel(100, 5)),
            }
        }
        world.client.inbox.clear();
        world.newkeys();
        world.send(global("keepalive@openssh.com", true));
        assert_eq!(world.take(), [82]);
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
            let mut world = World::with(offer.clone(), config);
            world.login();
            let (id, _) = world.start(5, u32::MAX, 32_768);
            let channel = world.last_channel();
            let bytes = stream(1_200_000);
            let mut got = Vec::new();
            let mut back = bytes.as_slice();
            for (number, piece) in bytes.chunks(20_000).enumerate() {
                if by_client && number % 4 == 3 {
                    world.client.send_kexinit();
                    world.run();
                }
                world.send(data(id, piece));
                while !back.is_empty() && bytes.len() - back.len() < (number + 1) * 20_000 {
                    let sent = world
                        .connection
                        .send(channel, &back[..back.len().min(20_000)]);
                    back = &back[sent..];
                    world.run();
                }
            }
            let came = world.seen.iter().filter_map(|seen| match seen {
                Seen::Data(_, data) => Some(data.as_slice()),
                _ => None,
            });
            assert!(came.collect::<Vec<_>>().concat() == bytes, "upwards");
            for payload in &world.client.inbox {
                if payload[0] == 94 {
                    let mut parse = Parse::of(payload, 94);
                    parse.u32();
                    got.extend_from_slice(parse.string());
                }
            }
            assert!(got == bytes, "downwards");
            let exchanges = world
                .seen
                .iter()
                .filter(|seen| **seen == Seen::Keys)
                .count();
            let least = 1
                + 20 * usize::from(by_server) / (1 + 9 * usize::from(offer.compression == ZLIB))
                + 15 * usize::from(by_client) / 2;
            assert!(exchanges >= least, "{exchanges} exchanges, not {least}");
            assert!(world.end().is_none());
        }
    }
}

#[test]
fn keys_can_be_computed_elsewhere_and_nothing_is_read_meanwhile() {
    let mut world = World::new(GCM);
    world.identify();
    world.agree();
    world.host.hesitates = true;
    world.client.send_share();
    world.client.send([21]);
    world.run();
    world.nothing();
    assert!(!world.input.is_empty());
    let exchange = world.connection.take_exchange().unwrap();
    assert!(world.connection.take_exchange().is_none());
    assert!(!exchange.is_dear());
    let thread = std::thread::spawn(move || exchange.run(&mut SystemRandom::new()));
    let done = thread.join().unwrap();
    world.connection.finish_exchange(done);
    world.run();
    assert_eq!([world.take()[0], world.take()[0]], [31, 21]);
    assert_eq!(world.seen.last(), Some(&Seen::Keys));
}

/// Before the login the server begins no exchange of its own.
#[test]
fn the_server_asks_for_new_keys_only_of_those_who_are_logged_in() {
    let mut config = config();
    config.rekey_after = Some(1);
    let mut world = World::with(GCM, config);
    world.connect();
    world.connection.rekey();
    world.service();
    world.nothing();
}

#[test]
fn shares_that_are_none_end_the_connection() {
    for share in [&[0; 32][..], &[9; 31], &[9; 33], &[], &[4; 65]] {
        let mut world = World::new(GCM);
        world.identify();
        world.agree();
        world.send(message(30).string(share).done());
        world.ended(DisconnectReason::KeyExchangeFailed);
    }
}

/// CVE-2013-4421 and others: what gives more than a packet may have is refused, and does not have to be held.
#[test]
fn a_packet_that_inflates_without_end_is_refused() {
    let mut world = World::new(Offer {
        compression: ZLIB,
        ..GCM
    });
    world.login();
    let (id, _) = world.start(5, 100, 1000);
    world.send(data(id, vec![0; 200_000]));
    assert!(world.end().is_none());
    world.send(data(id, vec![0; 300_000]));
    world.ended(DisconnectReason::MacError);
}
