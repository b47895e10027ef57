//! What holds in every mode, and known answers.

mod packets;
mod primitives;
mod properties;

use super::*;

/// Every cipher with every MAC that it takes.
fn modes() -> Vec<(Cipher, Option<Mac>)> {
    let mut modes = Vec::new();
    for &cipher in Cipher::ALL {
        if cipher.has_own_mac() {
            modes.push((cipher, None));
        } else {
            modes.extend(Mac::ALL.iter().map(|mac| (cipher, Some(*mac))));
        }
    }
    modes
}

fn counting(from: u8, count: usize) -> Vec<u8> {
    (0..count)
        .map(|number| from.wrapping_add(number as u8))
        .collect()
}

fn pair(cipher: Cipher, mac: Option<Mac>) -> (Sealer, Opener) {
    let key = counting(0, cipher.key_len());
    let iv = counting(100, cipher.iv_len());
    let mac_key = counting(0x40, mac.map_or(0, Mac::key_len));
    (
        Sealer::new(cipher, mac, &key, &iv, &mac_key).unwrap(),
        Opener::new(cipher, mac, &key, &iv, &mac_key).unwrap(),
    )
}

/// A packet with padding from 0xf0 on and room for the tag.
fn packet(sealer: &Sealer, payload: &[u8]) -> Vec<u8> {
    let padding = usize::from(sealer.padding_len(payload.len()));
    let length = 1 + payload.len() + padding;
    let mut packet = u32::try_from(length).unwrap().to_be_bytes().to_vec();
    packet.push(u8::try_from(padding).unwrap());
    packet.extend_from_slice(payload);
    packet.extend(counting(0xf0, padding));
    packet.resize(4 + length + sealer.tag_len(), 0);
    packet
}

/// Reads as the engine does: the head, the length, the rest.
fn receive(opener: &mut Opener, seq: u32, packet: &mut [u8]) -> Result<(), Forged> {
    let length = opener.length(seq, &mut packet[..opener.head_len()]);
    let whole = u64::from(length) + 4 + opener.tag_len() as u64;
    if !opener.is_aligned(length) || whole != packet.len() as u64 {
        return Err(Forged);
    }
    opener.open(seq, packet)
}

#[test]
fn names_are_those_of_the_registry() {
    let names: Vec<_> = Cipher::ALL.iter().map(|cipher| cipher.name()).collect();
    assert_eq!(
        names,
        [
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
            "chacha20-poly1305@openssh.com",
            "aes128-ctr",
            "aes192-ctr",
            "aes256-ctr",
            "aes128-cbc",
            "aes192-cbc",
            "aes256-cbc",
        ]
    );
    for cipher in Cipher::ALL {
        assert_eq!(Cipher::from_name(cipher.name()), Some(*cipher));
    }
    let names: Vec<_> = Mac::ALL.iter().map(|mac| mac.name()).collect();
    assert_eq!(
        names,
        [
            "hmac-sha2-256-etm@openssh.com",
            "hmac-sha2-512-etm@openssh.com",
            "hmac-sha2-256",
            "hmac-sha2-512",
            "hmac-sha1-etm@openssh.com",
            "hmac-sha1",
        ]
    );
    for mac in Mac::ALL {
        assert_eq!(Mac::from_name(mac.name()), Some(*mac));
        assert_eq!(mac.is_etm(), mac.name().contains("-etm@"));
    }
    for unknown in ["", "none", "3des-cbc", "AES128-ctr", "hmac-md5"] {
        assert_eq!(Cipher::from_name(unknown), None);
        assert_eq!(Mac::from_name(unknown), None);
    }
}

#[test]
fn what_is_offered_has_neither_cbc_nor_sha1_nor_the_mac_inside() {
    assert!(Cipher::DEFAULT.iter().all(|cipher| !cipher.is_cbc()));
    assert_eq!(Cipher::DEFAULT.len() + 3, Cipher::ALL.len());
    assert!(
        Mac::DEFAULT
            .iter()
            .all(|mac| mac.is_etm() && mac.tag_len() > 20)
    );
    assert!(
        Mac::ON_NEED
            .iter()
            .all(|mac| !mac.is_etm() && mac.tag_len() > 20)
    );
}

#[test]
fn a_key_of_another_length_is_refused() {
    for (cipher, mac) in modes() {
        let key = counting(0, cipher.key_len());
        let iv = counting(0, cipher.iv_len());
        let mac_key = counting(0, mac.map_or(0, Mac::key_len));
        let refused = |key: &[u8], iv: &[u8], mac_key: &[u8]| {
            let opener = Opener::new(cipher, mac, key, iv, mac_key);
            let sealer = Sealer::new(cipher, mac, key, iv, mac_key);
            assert_eq!(opener.map(|_| ()), Err(BadKey), "{cipher:?} {mac:?}");
            assert_eq!(sealer.map(|_| ()), Err(BadKey), "{cipher:?} {mac:?}");
        };
        refused(&key[1..], &iv, &mac_key);
        refused(&[key.as_slice(), &[0]].concat(), &iv, &mac_key);
        if !iv.is_empty() {
            refused(&key, &iv[1..], &mac_key);
            refused(&key, &[iv.as_slice(), &[0]].concat(), &mac_key);
        }
        if mac.is_some() {
            refused(&key, &iv, &mac_key[1..]);
            refused(&key, &iv, &[mac_key.as_slice(), &[0]].concat());
            let without = Opener::new(cipher, None, &key, &iv, &mac_key);
            assert_eq!(without.map(|_| ()), Err(BadKey));
        }
    }
}

/// The MAC that the lists gave is not looked at where the cipher has its own.
#[test]
fn a_cipher_with_a_mac_of_its_own_takes_no_other() {
    for cipher in [
        Cipher::Aes128Gcm,
        Cipher::Aes256Gcm,
        Cipher::ChaCha20Poly1305,
    ] {
        for mac in [Mac::Sha256, Mac::Sha512Etm] {
            let (mut sealer, _) = pair(cipher, Some(mac));
            let (_, mut opener) = pair(cipher, None);
            assert_eq!(sealer.tag_len(), 16);
            let mut sealed = packet(&sealer, b"payload");
            sealer.seal(0, &mut sealed).unwrap();
            receive(&mut opener, 0, &mut sealed).unwrap();
        }
    }
}

#[test]
fn before_the_first_keys_nothing_is_encrypted() {
    let (mut sealer, mut opener) = (Sealer::clear(), Opener::clear());
    let plain = packet(&sealer, b"\x14kexinit");
    assert_eq!(plain.len() % 8, 0);
    let mut sent = plain.clone();
    sealer.seal(0, &mut sent).unwrap();
    assert_eq!(sent, plain);
    receive(&mut opener, 0, &mut sent).unwrap();
    assert_eq!(sent, plain);
    assert_eq!(
        (opener.head_len(), opener.tag_len(), opener.hides_failures()),
        (4, 0, false)
    );
}

/// OpenSSH PROTOCOL 1.5 and 1.6, RFC 4253 section 6.
#[test]
fn the_length_counts_among_the_blocks_where_it_is_encrypted_with_them() {
    for (cipher, mac) in modes() {
        let (_, opener) = pair(cipher, mac);
        let with_length = mac.is_some_and(|mac| !mac.is_etm());
        assert_eq!(opener.head_len(), if with_length { 16 } else { 4 });
        let block = if cipher == Cipher::ChaCha20Poly1305 {
            8
        } else {
            16
        };
        for length in (0..200).chain(u32::MAX - 40..=u32::MAX) {
            let counted = u64::from(length) + if with_length { 4 } else { 0 };
            let aligned = counted.is_multiple_of(block as u64);
            assert_eq!(
                opener.is_aligned(length),
                aligned,
                "{cipher:?} {mac:?} {length}"
            );
        }
    }
    let clear = Opener::clear();
    assert!(clear.is_aligned(12) && clear.is_aligned(4) && !clear.is_aligned(8));
}

/// RFC 4253 section 6: 4 bytes and more, 16 bytes of packet, whole blocks; and no more than that takes.
#[test]
fn padding_is_the_least_that_fills_the_blocks() {
    let mut sealers = vec![Sealer::clear()];
    sealers.extend(modes().into_iter().map(|(cipher, mac)| pair(cipher, mac).0));
    for sealer in &sealers {
        for payload in (0..70).chain([35_000, 262_144]) {
            let padding = usize::from(sealer.padding_len(payload));
            let packet = 5 + payload + padding;
            let counted = packet - sealer.shape.outside();
            assert!(counted.is_multiple_of(sealer.shape.block_len));
            assert!(padding >= 4 && packet >= 16);
            let block = sealer.shape.block_len;
            assert!(padding < 4 + block || packet - block < 16);
        }
    }
    let ends = [0, usize::MAX - 7, usize::MAX].map(|payload| Sealer::clear().padding_len(payload));
    assert!(ends.iter().all(|padding| (4..=18).contains(padding)));
}

#[test]
fn only_cbc_with_the_length_inside_hides_failures() {
    for (cipher, mac) in modes() {
        let (_, opener) = pair(cipher, mac);
        let inside = cipher.is_cbc() && mac.is_some_and(|mac| !mac.is_etm());
        assert_eq!(opener.hides_failures(), inside);
    }
}

#[test]
fn a_key_ends_after_as_many_packets_as_there_are_numbers() {
    for (cipher, mac) in modes() {
        let (mut sealer, mut opener) = pair(cipher, mac);
        sealer.uses = Uses(MAX_PACKETS - 1);
        opener.uses = Uses(MAX_PACKETS - 1);
        let mut last = packet(&sealer, b"payload");
        sealer.seal(7, &mut last).unwrap();
        receive(&mut opener, 7, &mut last).unwrap();
        let mut beyond = packet(&sealer, b"payload");
        assert_eq!(sealer.seal(8, &mut beyond), Err(SealFailed));

        let mut beyond = packet(&sealer, b"payload");
        sealer.uses = Uses(0);
        sealer.seal(8, &mut beyond).unwrap();
        assert_eq!(receive(&mut opener, 8, &mut beyond), Err(Forged));
    }
}
