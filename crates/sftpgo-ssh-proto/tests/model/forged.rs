//! Packets that are not what the client sealed: one end for all of them, whatever is wrong.

use sftpgo_ssh_proto::{DisconnectReason, End};

use crate::{
    client::{CTR, GCM, Offer},
    messages::{data, ping},
    world::{Seen, World},
};

/// A world with a running program, and the sealed bytes of a packet with data for it.
fn world(offer: Offer) -> (World, Vec<u8>) {
    let mut world = World::new(offer);
    world.login();
    let (id, _) = world.start(5, 100, 1000);
    world.client.send(data(id, "forged data"));
    let packet = std::mem::take(&mut world.client.out);
    world.seen.clear();
    (world, packet)
}

/// The connection ends with the one text for all, and nothing of what came was used.
fn is_refused(world: &mut World) {
    while world.step(usize::MAX) {}
    let text = "bad packet".to_owned();
    assert_eq!(
        world.seen,
        [Seen::Ended(End::Here(DisconnectReason::MacError, text))]
    );
    world.input.clear();
    world.run();
    world.ended(DisconnectReason::MacError);
    world.nothing();
}

#[test]
fn a_bit_that_was_changed_anywhere_ends_the_connection() {
    for offer in [GCM, CTR] {
        let (_, packet) = world(offer.clone());
        for place in 0..packet.len() {
            for bit in [0, 7] {
                let (mut world, mut packet) = world(offer.clone());
                packet[place] ^= 1 << bit;
                world.input.extend_from_slice(&packet);
                // A length that was made longer waits for more; what comes does not matter.
                world.input.extend_from_slice(&vec![0x5a; 300_000]);
                is_refused(&mut world);
            }
        }
    }
}

#[test]
fn a_packet_that_comes_again_or_out_of_turn_ends_the_connection() {
    for offer in [GCM, CTR] {
        let (mut again, packet) = world(offer.clone());
        again.input.extend_from_slice(&packet);
        again.run();
        assert!(matches!(again.seen.as_slice(), [Seen::Data(..)]));
        again.seen.clear();
        again.client.inbox.clear();
        again.input.extend_from_slice(&packet);
        again.input.extend_from_slice(&[0; 300_000]);
        is_refused(&mut again);

        let (mut lost, _) = world(offer);
        lost.client.send(ping("behind the lost one"));
        let packet = std::mem::take(&mut lost.client.out);
        lost.input.extend_from_slice(&packet);
        lost.input.extend_from_slice(&[0; 300_000]);
        is_refused(&mut lost);
    }
}

/// A packet from its parts: claimed length, claimed padding, and bytes behind.
fn packet(length: u32, padding: u8, behind: usize) -> Vec<u8> {
    let mut packet = length.to_be_bytes().to_vec();
    packet.push(padding);
    packet.resize(5 + behind, 2);
    packet
}

/// Their MAC is right, so only their author can have made them; they end the same way.
#[test]
fn packets_with_a_shape_that_none_has_end_the_connection() {
    for (offer, aligned) in [(GCM, 32), (CTR, 28)] {
        let least = aligned - 16;
        let usize = |length: u32| usize::try_from(length).unwrap();
        let cases = [
            // Too little padding, none, all padding, more than there is.
            packet(aligned, 3, usize(aligned) - 1),
            packet(aligned, 0, usize(aligned) - 1),
            packet(
                aligned,
                u8::try_from(aligned - 1).unwrap(),
                usize(aligned) - 1,
            ),
            packet(aligned, u8::try_from(aligned).unwrap(), usize(aligned) - 1),
            packet(aligned, 255, usize(aligned) - 1),
            packet(least, u8::try_from(least - 1).unwrap(), usize(least) - 1),
            // No whole blocks.
            packet(aligned + 1, 4, usize(aligned)),
            packet(aligned - 8, 4, usize(aligned) - 9),
            // Lengths that no packet has.
            packet(0, 4, 27),
            packet(4, 4, 27),
            packet(256 * 1024 + aligned, 4, 27),
            packet(1 << 31, 4, 27),
            packet(u32::MAX, 4, 27),
        ];
        for plain in cases {
            let mut world = world_without(offer.clone());
            world.client.send_plain(plain);
            world.input.append(&mut world.client.out);
            is_refused(&mut world);
        }
    }
}

/// A running program, and nothing on its way.
fn world_without(offer: Offer) -> World {
    let mut world = World::new(offer);
    world.login();
    world.start(5, 100, 1000);
    world.seen.clear();
    world
}

#[test]
fn packets_before_the_login_are_35_000_bytes_long_at_most_and_256_kib_afterwards() {
    let ignore = |count: usize| [vec![2], vec![0; count]].concat();
    for offer in [GCM, CTR] {
        for (is_logged_in, count, is_taken) in [
            (false, 34_900, true),
            (false, 35_000, false),
            (true, 262_000, true),
            (true, 262_144, false),
        ] {
            let mut world = World::new(offer.clone());
            match is_logged_in {
                true => world.login(),
                false => world.connect(),
            }
            world.seen.clear();
            world.client.send(ignore(count));
            world.input.append(&mut world.client.out);
            match is_taken {
                true => {
                    world.run();
                    assert_eq!(world.seen, []);
                }
                false => is_refused(&mut world),
            }
        }
    }
}

/// What a client claims is known before it is believed: a host never has to hold more than the longest packet.
#[test]
fn no_more_is_wanted_than_the_longest_packet() {
    for length in [
        5_u32,
        12,
        34_988,
        34_996,
        35_004,
        1 << 20,
        1 << 31,
        u32::MAX,
    ] {
        let mut world = World::new(GCM);
        world.identify();
        world.input.extend(length.to_be_bytes());
        world.step(usize::MAX);
        let wanted = world.connection.wanted();
        assert!(wanted <= 35_004, "{wanted}");
    }
}
