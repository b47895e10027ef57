//! Packets that are not what the client sealed: one end for all of them, whatever is wrong.

use sftpgo_ssh_proto::{DisconnectReason, End};

use crate::{
    client::{CTR, GCM, Offer},
    messages::{data, ping},
    pair::{Pair, Seen},
};

/// A pair with a running program, and the sealed bytes of a packet with data for it.
fn pair(offer: Offer) -> (Pair, Vec<u8>) {
    let mut pair = Pair::new(offer);
    pair.login();
    let (id, _) = pair.start(5, 100, 1000);
    pair.client.send(data(id, "forged data"));
    let packet = std::mem::take(&mut pair.client.out);
    pair.seen.clear();
    (pair, packet)
}

/// The connection ends with the one text for all, and nothing of what came was used.
fn is_refused(pair: &mut Pair) {
    while pair.step(usize::MAX) {}
    let text = "bad packet".to_owned();
    assert_eq!(
        pair.seen,
        [Seen::Ended(End::Here(DisconnectReason::MacError, text))]
    );
    pair.input.clear();
    pair.run();
    pair.ended(DisconnectReason::MacError);
    pair.nothing();
}

#[test]
fn a_bit_that_was_changed_anywhere_ends_the_connection() {
    for offer in [GCM, CTR] {
        let (_, packet) = pair(offer.clone());
        for place in 0..packet.len() {
            for bit in [0, 7] {
                let (mut pair, mut packet) = pair(offer.clone());
                packet[place] ^= 1 << bit;
                pair.input.extend_from_slice(&packet);
                // A length that was made longer waits for more; what comes does not matter.
                pair.input.extend_from_slice(&vec![0x5a; 300_000]);
                is_refused(&mut pair);
            }
        }
    }
}

#[test]
fn a_packet_that_comes_again_or_out_of_turn_ends_the_connection() {
    for offer in [GCM, CTR] {
        let (mut again, packet) = pair(offer.clone());
        again.input.extend_from_slice(&packet);
        again.run();
        assert!(matches!(again.seen.as_slice(), [Seen::Data(..)]));
        again.seen.clear();
        again.client.inbox.clear();
        again.input.extend_from_slice(&packet);
        again.input.extend_from_slice(&[0; 300_000]);
        is_refused(&mut again);

        let (mut lost, _) = pair(offer);
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
            let mut pair = world_without(offer.clone());
            pair.client.send_plain(plain);
            pair.input.append(&mut pair.client.out);
            is_refused(&mut pair);
        }
    }
}

/// A running program, and nothing on its way.
fn world_without(offer: Offer) -> Pair {
    let mut pair = Pair::new(offer);
    pair.login();
    pair.start(5, 100, 1000);
    pair.seen.clear();
    pair
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
            let mut pair = Pair::new(offer.clone());
            match is_logged_in {
                true => pair.login(),
                false => pair.connect(),
            }
            pair.seen.clear();
            pair.client.send(ignore(count));
            pair.input.append(&mut pair.client.out);
            match is_taken {
                true => {
                    pair.run();
                    assert_eq!(pair.seen, []);
                }
                false => is_refused(&mut pair),
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
        let mut pair = Pair::new(GCM);
        pair.identify();
        pair.input.extend(length.to_be_bytes());
        pair.step(usize::MAX);
        let wanted = pair.connection.wanted();
        assert!(wanted <= 35_004, "{wanted}");
    }
}
