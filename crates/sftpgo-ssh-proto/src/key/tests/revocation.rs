//! Lists by ssh-keygen, and what attackers and accidents make of them.

use proptest::prelude::*;

use super::{
    super::{BadRevocationList, HostKey, PublicKey, RevocationList, SignatureAlgorithm},
    Draft, data, hex, host, public, signed, strings,
};
use crate::wire::{put_string, put_u32};

/// `ssh-keygen -k -s ca.pub` of the lines `serial: 5`, `7`, `100-200`, `1000`, `1002`, `1003`, `1005`, `1008`, `1009`, `1011` and
/// `id: alice laptop`: a list, a range, a bitmap and a key id. The authority's key is put in.
fn by_ssh_keygen(authority: &[u8]) -> Vec<u8> {
    let sections = hex("22 0000000d 0000000000000005 00000001 05
         21 00000010 0000000000000064 00000000000000c8
         22 0000000e 00000000000003e8 00000002 0b2d
         23 00000010 0000000c 616c696365206c6170746f70");
    let mut about = strings(&[authority, b""]);
    about.extend(sections);
    list(&[(1, about)])
}

fn list(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut list = hex(
        "5353484b524c0a00 00000001 0000000000000003 000000006b0d49dd 0000000000000000 00000000 00000000",
    );
    for (kind, content) in sections {
        list.push(*kind);
        put_string(&mut list, content);
    }
    list
}

/// A certificate of `authority` with this number and key id.
fn certificate(authority: &HostKey, serial: u64, key_id: &[u8]) -> Vec<u8> {
    let draft = Draft {
        serial,
        key_id,
        ..Draft::of(authority)
    };
    draft.signed(authority, SignatureAlgorithm::Ed25519)
}

fn revokes(list: &[u8], blob: &[u8]) -> bool {
    let key = PublicKey::parse(blob).unwrap();
    RevocationList::parse(list).unwrap().revokes(&key)
}

#[test]
fn certificates_are_revoked_by_their_numbers_and_key_ids() {
    let authority = host(data!("ca.key"));
    let list = by_ssh_keygen(authority.public_blob());
    let revoked = [
        5, 7, 100, 150, 200, 1000, 1002, 1003, 1005, 1008, 1009, 1011,
    ];
    for serial in (0..300).chain(990..1030).chain([u64::MAX]) {
        assert_eq!(
            revokes(&list, &certificate(&authority, serial, b"id")),
            revoked.contains(&serial) || (100..=200).contains(&serial),
            "{serial}"
        );
    }
    for (key_id, expected) in [
        (&b"alice laptop"[..], true),
        (b"alice", false),
        (b"alice laptop2", false),
        (b"", false),
    ] {
        assert_eq!(
            revokes(&list, &certificate(&authority, 1, key_id)),
            expected
        );
    }
}

#[test]
fn a_list_is_about_its_authority_or_about_all() {
    let (authority, other) = (host(data!("ca.key")), host(data!("ed25519.key")));
    let of_other = certificate(&other, 5, b"id");
    assert!(!revokes(&by_ssh_keygen(authority.public_blob()), &of_other));
    assert!(revokes(&by_ssh_keygen(b""), &of_other));
    // The number 0 is that of all that have none.
    let zero = [strings(&[b"", b""]), hex("20 00000008 0000000000000000")].concat();
    assert!(!revokes(
        &list(&[(1, zero)]),
        &certificate(&other, 0, b"id")
    ));
}

#[test]
fn keys_are_revoked_alone_in_certificates_and_as_authorities() {
    let authority = host(data!("ca.key"));
    let key = signed(data!("ed25519.sig")).key;
    let certificate_of_key = public(data!("ed25519-cert.pub"));
    let stranger = signed(data!("ecdsa256.sig")).key;
    let hash = |algorithm, blob: &[u8]| ring::digest::digest(algorithm, blob).as_ref().to_vec();
    for (kind, name) in [(2, "blob"), (3, "sha1"), (5, "sha256")] {
        let named = |blob: &[u8]| match kind {
            2 => blob.to_vec(),
            3 => hash(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, blob),
            _ => hash(&ring::digest::SHA256, blob),
        };
        let by_key = list(&[(kind, strings(&[&named(&key)]))]);
        assert!(revokes(&by_key, &key), "{name}");
        assert!(revokes(&by_key, &certificate_of_key), "{name}");
        assert!(!revokes(&by_key, &stranger), "{name}");
        let by_authority = list(&[(kind, strings(&[&named(authority.public_blob())]))]);
        assert!(revokes(&by_authority, &certificate_of_key), "{name}");
        assert!(!revokes(&by_authority, &key), "{name}");
    }
    let fingerprint = hash(&ring::digest::SHA256, &key).try_into().unwrap();
    let listed = RevocationList::of_fingerprints([fingerprint]);
    assert!(listed.revokes(&PublicKey::parse(&certificate_of_key).unwrap()));
    assert!(!listed.revokes(&PublicKey::parse(&stranger).unwrap()));
}

#[test]
fn what_cannot_be_kept_to_is_refused_whole() {
    let problem = |bytes: &[u8]| RevocationList::parse(bytes).unwrap_err();
    assert_eq!(problem(b""), BadRevocationList::NotAList);
    assert_eq!(problem(b"[\"SHA256:\"]"), BadRevocationList::NotAList);
    let good = by_ssh_keygen(b"");
    for end in 8..good.len() {
        let is_whole = end == list(&[]).len();
        assert_eq!(
            RevocationList::parse(&good[..end]).is_ok(),
            is_whole,
            "{end}"
        );
    }
    let extension = |is_critical| {
        let mut content = strings(&[b"new@example.com"]);
        content.push(is_critical);
        put_string(&mut content, b"");
        content
    };
    let of_authority = |content: Vec<u8>| {
        let mut about = strings(&[b"", b""]);
        about.push(0x39);
        put_string(&mut about, &content);
        about
    };
    assert!(RevocationList::parse(&list(&[(255, extension(0))])).is_ok());
    assert!(RevocationList::parse(&list(&[(1, of_authority(extension(0)))])).is_ok());
    for sections in [
        (255, extension(1)),
        (1, of_authority(extension(1))),
        (4, strings(&[b"key", b"signature"])),
    ] {
        assert_eq!(problem(&list(&[sections])), BadRevocationList::Unsupported);
    }
    for sections in [
        (0, Vec::new()),
        (6, Vec::new()),
        (3, strings(&[&[0; 19]])),
        (5, strings(&[&[0; 20]])),
        (2, vec![0, 0, 0, 1]),
        (
            1,
            [strings(&[b"", b""]), hex("20 00000007 00000000000000")].concat(),
        ),
        (1, [strings(&[b"", b""]), hex("24 00000000")].concat()),
        // A bitmap is no negative number.
        (
            1,
            [
                strings(&[b"", b""]),
                hex("22 0000000d 0000000000000001 00000001 80"),
            ]
            .concat(),
        ),
    ] {
        assert_eq!(problem(&list(&[sections])), BadRevocationList::Malformed);
    }
    let mut other_version = Vec::from(&good[..8]);
    put_u32(&mut other_version, 2);
    other_version.extend(&good[12..]);
    assert_eq!(problem(&other_version), BadRevocationList::Malformed);
}

proptest! {
    /// However numbers are written down, those and no others are revoked.
    #[test]
    fn ranges_lists_and_bitmaps_agree(
        ranges in prop::collection::vec((1_u64..200, 0_u64..40), 0..8),
        bits in prop::collection::vec(0_u8..0x80, 0..6),
        first in 0_u64..100,
        asked in 1_u64..260,
    ) {
        let mut about = strings(&[b"", b""]);
        for (from, more) in &ranges {
            about.push(0x21);
            let mut content = from.to_be_bytes().to_vec();
            content.extend((from + more).to_be_bytes());
            put_string(&mut about, &content);
        }
        about.push(0x22);
        let mut content = first.to_be_bytes().to_vec();
        put_string(&mut content, &bits);
        put_string(&mut about, &content);
        let in_range = ranges.iter().any(|(from, more)| (*from..=from + more).contains(&asked));
        let in_bits = bits.iter().rev().enumerate().any(|(byte, value)| {
            (0..8).any(|bit| value >> bit & 1 == 1 && first + 8 * byte as u64 + bit == asked)
        });
        let authority = host(data!("ca.key"));
        let blob = certificate(&authority, asked, b"id");
        prop_assert_eq!(revokes(&list(&[(1, about)]), &blob), in_range || in_bits);
    }

    #[test]
    fn no_damage_makes_reading_panic(at in 0_usize..200, byte: u8, more in prop::collection::vec(0_u8.., 0..20)) {
        let mut bytes = by_ssh_keygen(&[7; 51]);
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.extend(more);
        let _ = RevocationList::parse(&bytes);
    }
}
