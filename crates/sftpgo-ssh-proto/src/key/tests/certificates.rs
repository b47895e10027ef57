//! Certificates by ssh-keygen.

use super::{
    super::{
        CertificateKind, CertificateProblem as Problem, KeyAlgorithm, PublicKey, SignatureAlgorithm,
    },
    data, host, public, signed,
};
use crate::{
    BadSignature, Malformed,
    wire::{Reader, put_string},
};

/// In the year 2026.
const NOW: u64 = 1_780_000_000;
const FROM: u64 = 1_577_836_800;
const UNTIL: u64 = 1_893_456_000;

pub(super) fn check(blob: &[u8], principal: &[u8], now: u64) -> Result<(), Problem> {
    let key = PublicKey::parse(blob).unwrap();
    key.certificate().unwrap().check_user(principal, now)
}

#[test]
fn certificates_of_each_kind_of_key_hold() {
    let authority = host(data!("ca.key"));
    for (line, key, name) in [
        (data!("ed25519-cert.pub"), data!("ed25519.sig"), "ed25519"),
        (
            data!("ecdsa256-cert.pub"),
            data!("ecdsa256.sig"),
            "ecdsa256",
        ),
        (
            data!("ecdsa384-cert.pub"),
            data!("ecdsa384.sig"),
            "ecdsa384",
        ),
        (
            data!("ecdsa521-cert.pub"),
            data!("ecdsa521.sig"),
            "ecdsa521",
        ),
        (data!("rsa2048-cert.pub"), data!("rsa2048.sig"), "rsa2048"),
        (
            data!("ecdsa_sk-cert.pub"),
            data!("ecdsa_sk.sig"),
            "ecdsa_sk",
        ),
    ] {
        let blob = public(line);
        let known = signed(key);
        let key = PublicKey::parse(&blob).unwrap();
        let plain = PublicKey::parse(&known.key).unwrap();
        assert_eq!(key.blob(), blob);
        assert_eq!(key.plain_blob(), known.key, "{name}");
        assert_eq!(key.kind(), plain.kind());
        for algorithm in KeyAlgorithm::USER_ALL {
            let inside = KeyAlgorithm {
                certificate: false,
                ..*algorithm
            };
            assert_eq!(
                key.fits(*algorithm),
                algorithm.certificate && plain.fits(inside),
                "{name} {}",
                algorithm.name()
            );
        }
        let algorithm = KeyAlgorithm::USER_ALL
            .iter()
            .find(|algorithm| key.fits(**algorithm))
            .unwrap();
        assert_eq!(
            key.verify(algorithm.signature, &[&known.message], &known.signature),
            plain.verify(algorithm.signature, &[&known.message], &known.signature)
        );
        assert!(
            key.verify(algorithm.signature, &[&known.message], &known.signature)
                .is_ok()
        );

        let certificate = key.certificate().unwrap();
        assert_eq!(certificate.serial(), 7);
        assert_eq!(certificate.kind(), CertificateKind::User);
        assert_eq!(certificate.key_id(), format!("key of {name}").as_bytes());
        assert!(certificate.principals().eq([&b"alice"[..], b"bob"]));
        assert_eq!(certificate.valid_after(), FROM);
        assert_eq!(certificate.valid_before(), UNTIL);
        assert_eq!(certificate.critical_options().count(), 0);
        assert_eq!(certificate.extensions().count(), 5);
        assert_eq!(certificate.authority(), authority.public_blob());
        assert_eq!(certificate.force_command(), None);
        assert!(certificate.source_address_allows("203.0.113.9".parse().unwrap()));
        assert!(!certificate.requires_verification());
        assert!(!certificate.allows_no_touch());
        for (principal, expected) in [
            ("alice", Ok(())),
            ("bob", Ok(())),
            ("carol", Err(Problem::OtherPrincipal)),
            ("alic", Err(Problem::OtherPrincipal)),
            ("alice2", Err(Problem::OtherPrincipal)),
            ("Alice", Err(Problem::OtherPrincipal)),
            ("alice,bob", Err(Problem::OtherPrincipal)),
            ("a*", Err(Problem::OtherPrincipal)),
            ("", Err(Problem::OtherPrincipal)),
        ] {
            assert_eq!(check(&blob, principal.as_bytes(), NOW), expected, "{name}");
        }
    }
}

#[test]
fn the_second_it_begins_in_is_inside_and_the_one_it_ends_in_is_not() {
    let blob = public(data!("ed25519-cert.pub"));
    for (now, expected) in [
        (0, Err(Problem::NotYetValid)),
        (FROM - 1, Err(Problem::NotYetValid)),
        (FROM, Ok(())),
        (UNTIL - 1, Ok(())),
        (UNTIL, Err(Problem::Expired)),
        (u64::MAX, Err(Problem::Expired)),
    ] {
        assert_eq!(check(&blob, b"alice", now), expected, "{now}");
    }
    let forever = public(data!("forever-cert.pub"));
    assert_eq!(check(&forever, b"alice", 0), Ok(()));
    assert_eq!(check(&forever, b"alice", u64::MAX - 1), Ok(()));
}

#[test]
fn what_ssh_keygen_writes_for_others_lets_nobody_in() {
    for (line, expected) in [
        (data!("host-cert.pub"), Err(Problem::NotOfAUser)),
        (data!("nobody-cert.pub"), Err(Problem::NoPrincipal)),
        (
            data!("unknown_option-cert.pub"),
            Err(Problem::UnknownOption),
        ),
        (
            data!("by_rsa_sha1-cert.pub"),
            Err(Problem::SignatureAlgorithm),
        ),
        (data!("by_rsa_sha256-cert.pub"), Ok(())),
        (data!("by_rsa_sha512-cert.pub"), Ok(())),
        (data!("by_ecdsa256-cert.pub"), Ok(())),
        (data!("by_ecdsa384-cert.pub"), Ok(())),
        (data!("by_ecdsa521-cert.pub"), Ok(())),
    ] {
        assert_eq!(check(&public(line), b"alice", NOW), expected, "{line}");
    }
    let nobody = public(data!("nobody-cert.pub"));
    assert_eq!(check(&nobody, b"", NOW), Err(Problem::NoPrincipal));
}

#[test]
fn restrictions_are_told() {
    let blob = public(data!("ed25519_sk-cert.pub"));
    let key = PublicKey::parse(&blob).unwrap();
    let certificate = key.certificate().unwrap();
    assert_eq!(certificate.check_user(b"alice", NOW), Ok(()));
    assert_eq!(certificate.force_command(), Some(&b"internal-sftp"[..]));
    let list = &b"192.0.2.0/24,2001:db8::/32"[..];
    assert_eq!(certificate.source_address(), Some(list));
    for (address, allowed) in [
        ("192.0.2.77", true),
        ("::ffff:192.0.2.77", true),
        ("2001:db8::1", true),
        ("192.0.3.1", false),
        ("::1", false),
    ] {
        let address = address.parse().unwrap();
        assert_eq!(certificate.source_address_allows(address), allowed);
    }
    assert!(certificate.requires_verification());
    assert!(certificate.allows_no_touch());
    let names = certificate.critical_options().map(|(name, _)| name);
    assert!(names.eq([&b"force-command"[..], b"source-address", b"verify-required"]));
}

#[test]
fn no_bit_of_a_certificate_can_change() {
    let blob = public(data!("ed25519-cert.pub"));
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1 << (at % 8);
        let good = PublicKey::parse(&changed).is_ok_and(|key| {
            key.certificate()
                .is_some_and(|certificate| certificate.check_user(b"alice", NOW).is_ok())
        });
        assert!(!good, "{at}");
        assert_eq!(PublicKey::parse(&blob[..at]).err(), Some(Malformed), "{at}");
    }
    let longer = [&blob[..], &[0]].concat();
    assert_eq!(PublicKey::parse(&longer).err(), Some(Malformed));
}

/// CVE-2023-2283: no error on the way is taken for a good signature, and the authority's key signs no login.
#[test]
fn the_key_inside_signs_and_not_its_authority() {
    let ca = host(data!("ca.key"));
    let blob = public(data!("ed25519-cert.pub"));
    let key = PublicKey::parse(&blob).unwrap();
    let made = ca.sign(SignatureAlgorithm::Ed25519, &[b"login"]).unwrap();
    let verified = key.verify(SignatureAlgorithm::Ed25519, &[b"login"], &made);
    assert_eq!(verified, Err(BadSignature));
    let own = host(data!("ed25519.key"));
    let made = own.sign(SignatureAlgorithm::Ed25519, &[b"login"]).unwrap();
    let verified = key.verify(SignatureAlgorithm::Ed25519, &[b"login"], &made);
    assert!(verified.is_ok());
}

/// The length of a string, and nothing behind it, is no principal and not the end of a list either.
#[test]
fn a_list_of_principals_ends_with_a_whole_one() {
    let blob = public(data!("ed25519-cert.pub"));
    let mut reader = Reader::new(&blob);
    for _ in ["type", "nonce", "key"] {
        reader.string().unwrap();
    }
    reader.u64().unwrap();
    reader.u32().unwrap();
    reader.string().unwrap();
    let before = &blob[..blob.len() - reader.rest().len()];
    let principals = reader.string().unwrap();
    for more in [&[0, 0, 0, 1][..], &[0, 0], &[0, 0, 0, 2, b'x']] {
        let mut changed = before.to_vec();
        put_string(&mut changed, &[principals, more].concat());
        changed.extend_from_slice(reader.rest());
        assert_eq!(
            PublicKey::parse(&changed).err(),
            Some(Malformed),
            "{more:?}"
        );
    }
}
