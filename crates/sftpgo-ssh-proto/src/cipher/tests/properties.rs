//! Whatever is sealed opens, and nothing else does.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

proptest! {
    #[test]
    fn what_is_sealed_opens_packet_after_packet(
        payloads in vec(vec(any::<u8>(), 1..600), 1..5),
        first: u32,
    ) {
        for (cipher, mac) in modes() {
            let (mut sealer, mut opener) = pair(cipher, mac);
            for (number, payload) in (0..).zip(&payloads) {
                let seq = first.wrapping_add(number);
                let plain = packet(&sealer, payload);
                let mut sealed = plain.clone();
                sealer.seal(seq, &mut sealed).unwrap();
                let text = 4..plain.len() - sealer.tag_len();
                prop_assert_ne!(&sealed[text.clone()], &plain[text.clone()]);
                prop_assert_eq!(receive(&mut opener, seq, &mut sealed), Ok(()));
                prop_assert_eq!(&sealed[text.clone()], &plain[text]);
            }
        }
    }

    /// The first packet goes well, so that the state of both sides is one of a connection.
    #[test]
    fn a_changed_bit_is_refused(
        payload in vec(any::<u8>(), 1..300),
        seq: u32,
        byte: Index,
        bit in 0..8_u32,
    ) {
        for (cipher, mac) in modes() {
            let (mut sealer, mut opener) = pair(cipher, mac);
            let mut before = packet(&sealer, b"before");
            sealer.seal(seq.wrapping_sub(1), &mut before).unwrap();
            receive(&mut opener, seq.wrapping_sub(1), &mut before).unwrap();
            let mut sealed = packet(&sealer, &payload);
            sealer.seal(seq, &mut sealed).unwrap();
            let byte = byte.index(sealed.len());
            sealed[byte] ^= 1 << bit;
            let refused = receive(&mut opener, seq, &mut sealed);
            prop_assert_eq!(refused, Err(Forged), "{:?} {:?} byte {}", cipher, mac, byte);
        }
    }

    /// No bytes of any length make it panic, or pass.
    #[test]
    fn what_nobody_sealed_is_refused(mut bytes in vec(any::<u8>(), 0..200), seq: u32) {
        for (cipher, mac) in modes() {
            let (mut sealer, mut opener) = pair(cipher, mac);
            let head = opener.head_len().min(bytes.len());
            opener.length(seq, &mut bytes[..head]);
            prop_assert_eq!(opener.open(seq, &mut bytes), Err(Forged));
            // A length that does not fit is no packet either.
            let cut = sealer.tag_len() + if sealer.shape.with_length { 0 } else { 4 };
            let fits = bytes.len() > cut && (bytes.len() - cut).is_multiple_of(sealer.shape.block_len);
            prop_assert_eq!(sealer.seal(seq, &mut bytes).is_ok(), fits);
        }
    }
}

/// Each bit of one packet in each mode, which samples might miss.
#[test]
fn each_changed_bit_of_a_packet_is_refused() {
    for (cipher, mac) in modes() {
        let (mut sealer, _) = pair(cipher, mac);
        let mut sealed = packet(&sealer, b"payload");
        sealer.seal(3, &mut sealed).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let (_, mut opener) = pair(cipher, mac);
            let refused = receive(&mut opener, 3, &mut changed);
            assert_eq!(refused, Err(Forged), "{cipher:?} {mac:?} bit {bit}");
        }
    }
}

#[test]
fn a_packet_out_of_order_is_refused() {
    for (cipher, mac) in modes() {
        let (mut sealer, _) = pair(cipher, mac);
        let mut first = packet(&sealer, b"payload");
        let mut second = first.clone();
        sealer.seal(0, &mut first).unwrap();
        sealer.seal(1, &mut second).unwrap();
        assert_ne!(first, second, "{cipher:?}");

        // The second one in the place of the first, and the first one again in the place of the second.
        let (_, mut opener) = pair(cipher, mac);
        assert_eq!(receive(&mut opener, 0, &mut second.clone()), Err(Forged));
        let (_, mut opener) = pair(cipher, mac);
        receive(&mut opener, 0, &mut first.clone()).unwrap();
        assert_eq!(receive(&mut opener, 1, &mut first), Err(Forged));
    }
}

/// AES-GCM counts its packets itself (RFC 5647 section 7.1); all others are bound to their number.
#[test]
fn a_packet_under_another_number_is_refused() {
    for (cipher, mac) in modes() {
        let (mut sealer, mut opener) = pair(cipher, mac);
        let mut sealed = packet(&sealer, b"payload");
        sealer.seal(5, &mut sealed).unwrap();
        let opened = receive(&mut opener, 6, &mut sealed);
        let by_itself = matches!(cipher, Cipher::Aes128Gcm | Cipher::Aes256Gcm);
        assert_eq!(opened.is_ok(), by_itself, "{cipher:?} {mac:?}");
    }
}

#[test]
fn a_packet_without_room_for_its_tag_or_not_of_whole_blocks_is_not_sealed() {
    for (cipher, mac) in modes() {
        let (mut sealer, _) = pair(cipher, mac);
        let whole = packet(&sealer, b"payload");
        for cut in 1..sealer.shape.block_len {
            let mut short = whole[cut..].to_vec();
            assert_eq!(sealer.seal(0, &mut short), Err(SealFailed));
        }
        assert_eq!(sealer.seal(0, &mut []), Err(SealFailed));
        assert_eq!(sealer.seal(0, &mut whole.clone()), Ok(()));
    }
}
