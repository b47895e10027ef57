//! Known answers and refusals.

mod curves;
mod fields;
mod hashes;
mod hybrids;

use super::*;
use crate::test_support::Given;

/// What a client sends that every method refuses, whatever its lengths.
fn assert_refused(kex: Kex, share: &[u8]) {
    let bytes = [0x5a; 64 + 66];
    let group = Some(Group::G14);
    let answer = answer(kex, group, share, &mut Given::new(&bytes));
    assert_eq!(
        answer.map(|_| ()),
        Err(BadShare),
        "{} took {share:02x?}",
        kex.name()
    );
}

#[test]
fn names_are_those_of_the_registry() {
    let names: Vec<_> = Kex::ALL.iter().map(|kex| kex.name()).collect();
    assert_eq!(
        names,
        [
            "mlkem768x25519-sha256",
            "mlkem768nistp256-sha256",
            "curve25519-sha256",
            "curve25519-sha256@libssh.org",
            "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp384",
            "ecdh-sha2-nistp521",
            "diffie-hellman-group14-sha256",
            "diffie-hellman-group16-sha512",
            "diffie-hellman-group-exchange-sha256",
            "diffie-hellman-group15-sha512",
            "diffie-hellman-group17-sha512",
            "diffie-hellman-group18-sha512",
            "diffie-hellman-group14-sha1",
            "diffie-hellman-group-exchange-sha1",
        ]
    );
    for kex in Kex::ALL {
        assert_eq!(Kex::from_name(kex.name()), Some(*kex));
    }
    for unknown in [
        "",
        "diffie-hellman-group1-sha1",
        "Curve25519-sha256",
        "ext-info-c",
    ] {
        assert_eq!(Kex::from_name(unknown), None);
    }
}

#[test]
fn what_is_offered_has_no_sha1_and_nothing_of_the_largest_groups() {
    assert!(Kex::DEFAULT.iter().all(|kex| Kex::ALL.contains(kex)));
    assert!(
        Kex::DEFAULT
            .iter()
            .all(|kex| kex.hash() != HashAlgorithm::Sha1)
    );
    assert!(!Kex::DEFAULT.contains(&Kex::Group18Sha512));
    let dear: Vec<_> = Kex::DEFAULT
        .iter()
        .copied()
        .filter(|kex| kex.is_dear())
        .collect();
    assert_eq!(
        dear,
        [Kex::Group14Sha256, Kex::Group16Sha512, Kex::GexSha256]
    );
}

#[test]
fn the_hash_is_the_one_in_the_name_and_of_a_curve_the_one_for_its_size() {
    for &kex in Kex::ALL {
        let hash = match kex.name() {
            // RFC 5656 section 6.2.1.
            "ecdh-sha2-nistp256" => HashAlgorithm::Sha256,
            "ecdh-sha2-nistp384" => HashAlgorithm::Sha384,
            "ecdh-sha2-nistp521" => HashAlgorithm::Sha512,
            name if name.contains("-sha256") => HashAlgorithm::Sha256,
            name if name.contains("-sha512") => HashAlgorithm::Sha512,
            name if name.ends_with("-sha1") => HashAlgorithm::Sha1,
            name => panic!("{name}"),
        };
        assert_eq!(kex.hash(), hash, "{}", kex.name());
    }
}

#[test]
fn shares_of_no_length_and_of_absurd_ones_are_refused() {
    for &kex in Kex::ALL {
        for len in [0, 1, 2_000, 35_000] {
            let share = vec![0xff; len];
            // A single byte is a number like any other in a finite field.
            if len != 1 || !kex.is_finite_field() {
                assert_refused(kex, &share);
            }
        }
    }
}

#[test]
fn without_random_bytes_there_is_no_answer() {
    let key = hybrids::client_key();
    let shares = [
        (
            Kex::MlKem768X25519,
            [key.as_slice(), &curves::X25519_POINT].concat(),
        ),
        (Kex::EcdhNistP521, curves::p521_point()),
        (Kex::Group14Sha256, vec![2]),
    ];
    for (kex, share) in shares {
        assert!(answer(kex, None, &share, &mut Given::new(&[0x11; 66])).is_ok());
        let without = answer(kex, None, &share, &mut Given::new(&[0x11; 31]));
        assert_eq!(without.map(|_| ()), Err(BadShare));
    }
}

#[test]
fn a_secret_is_not_shown() {
    assert_eq!(format!("{:?}", Secret::bytes(b"hidden")), "Secret { .. }");
}
