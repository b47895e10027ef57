//! What holds in every mode: what is sealed opens, and nothing else does.

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

fn pair(cipher: Cipher, mac: Option<Mac>) -> (Sealer, Opener) {
    let key: Vec<u8> = (0..).take(cipher.key_len()).collect();
    let iv: Vec<u8> = (100..).take(cipher.iv_len()).collect();
    let mac_key: Vec<u8> = (200..=255)
        .cycle()
        .take(mac.map_or(0, Mac::key_len))
        .collect();
    (
        Sealer::new(cipher, mac, &key, &iv, &mac_key).unwrap(),
        Opener::new(cipher, mac, &key, &iv, &mac_key).unwrap(),
    )
}

fn packet(sealer: &Sealer, payload: &[u8]) -> Vec<u8> {
    let padding = usize::from(sealer.padding_len(payload.len()));
    let length = 1 + payload.len() + padding;
    let mut packet = u32::try_from(length).unwrap().to_be_bytes().to_vec();
    packet.push(u8::try_from(padding).unwrap());
    packet.extend_from_slice(payload);
    packet.resize(4 + length, 0xaa);
    packet.resize(4 + length + sealer.tag_len(), 0);
    packet
}

/// Reads as the engine does: the head, the length, the rest.
fn receive(opener: &mut Opener, seq: u32, packet: &mut [u8]) -> Result<(), Forged> {
    let length = opener.length(seq, &mut packet[..opener.head_len()]);
    let whole = usize::try_from(length).unwrap() + 4 + opener.tag_len();
    if !opener.is_aligned(length) || whole != packet.len() {
        return Err(Forged);
    }
    opener.open(seq, packet)
}

#[test]
fn what_is_sealed_opens_packet_after_packet() {
    for (cipher, mac) in modes() {
        let (mut sealer, mut opener) = pair(cipher, mac);
        for (seq, len) in (u32::MAX - 40..=u32::MAX).chain(0..300).zip(1..) {
            let payload: Vec<u8> = (0..len).map(|byte| (byte % 251) as u8).collect();
            let plain = packet(&sealer, &payload);
            let mut sealed = plain.clone();
            sealer.seal(seq, &mut sealed).unwrap();
            receive(&mut opener, seq, &mut sealed).unwrap();
            let text = 4..plain.len() - sealer.tag_len();
            assert_eq!(sealed[text.clone()], plain[text], "{cipher:?} {mac:?}");
        }
    }
}
