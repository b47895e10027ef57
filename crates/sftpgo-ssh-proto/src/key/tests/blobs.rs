//! Public keys as they come, and as attackers send them.

use super::{
    super::{KeyAlgorithm, KeyKind, PublicKey, SignatureAlgorithm},
    data,
    known_answers::SIGNED,
    public, signed, strings,
};
use crate::{
    BadSignature, Malformed,
    wire::{put_mpint, put_string},
};

#[test]
fn a_blob_is_read_whole_or_not_at_all() {
    for (text, _) in SIGNED {
        let blob = signed(text).key;
        let key = PublicKey::parse(&blob).unwrap();
        assert_eq!(key.blob(), blob);
        assert_eq!(key.plain_blob(), blob);
        assert!(key.certificate().is_none());
        for end in 0..blob.len() {
            assert_eq!(PublicKey::parse(&blob[..end]).err(), Some(Malformed));
        }
        let longer = [&blob[..], &[0]].concat();
        assert_eq!(PublicKey::parse(&longer).err(), Some(Malformed));
    }
}

#[test]
fn a_length_is_believed_no_further_than_there_are_bytes() {
    let name = strings(&[b"ssh-rsa"]);
    for blob in [
        vec![0xff; 4],
        vec![0xff; 40],
        [&name[..], &[0xff; 4]].concat(),
        [&name[..], &[0x7f, 0xff, 0xff, 0xff, 1, 0, 1]].concat(),
    ] {
        assert_eq!(PublicKey::parse(&blob).err(), Some(Malformed));
    }
}

#[test]
fn each_key_fits_its_own_algorithms() {
    for (text, _) in SIGNED {
        let blob = signed(text).key;
        let key = PublicKey::parse(&blob).unwrap();
        let fitting: Vec<_> = KeyAlgorithm::USER_ALL
            .iter()
            .filter(|algorithm| key.fits(**algorithm))
            .map(|algorithm| algorithm.name())
            .collect();
        let expected: &[&str] = match key.kind() {
            KeyKind::Ed25519 => &["ssh-ed25519"],
            KeyKind::EcdsaNistP256 => &["ecdsa-sha2-nistp256"],
            KeyKind::EcdsaNistP384 => &["ecdsa-sha2-nistp384"],
            KeyKind::EcdsaNistP521 => &["ecdsa-sha2-nistp521"],
            KeyKind::Rsa => &["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
            KeyKind::SkEd25519 => &["sk-ssh-ed25519@openssh.com"],
            KeyKind::SkEcdsaNistP256 => &[
                "sk-ecdsa-sha2-nistp256@openssh.com",
                "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
            ],
        };
        assert_eq!(fitting, expected);
    }
}

/// CVE-2026-35387: to allow one curve is not to allow all.
#[test]
fn a_curve_is_the_types() {
    let point = |size: usize| [&[4][..], &vec![1; 2 * size]].concat();
    let curves = [("nistp256", 32), ("nistp384", 48), ("nistp521", 66)];
    for (of_type, own) in curves {
        for (of_blob, size) in curves {
            let name = format!("ecdsa-sha2-{of_type}");
            let blob = strings(&[name.as_bytes(), of_blob.as_bytes(), &point(size)]);
            let parsed = PublicKey::parse(&blob).map(|key| key.kind().name());
            let expected = (of_type == of_blob).then_some(&name[..]).ok_or(Malformed);
            assert_eq!(parsed.ok(), expected.ok(), "{of_type} {of_blob}");
        }
        let other = if of_type == "nistp256" { 48 } else { 32 };
        let name = format!("ecdsa-sha2-{of_type}");
        for curve in ["", "nistp521", "NISTP256", "nistp256\0", "1.3.132.0.34"] {
            let blob = strings(&[name.as_bytes(), curve.as_bytes(), &point(own)]);
            let parsed = PublicKey::parse(&blob);
            assert_eq!(parsed.is_ok(), curve == of_type, "{of_type} {curve}");
        }
        let blob = strings(&[name.as_bytes(), of_type.as_bytes(), &point(other)]);
        assert_eq!(PublicKey::parse(&blob).err(), Some(Malformed));
    }
    let sk = "sk-ecdsa-sha2-nistp256@openssh.com".as_bytes();
    assert!(PublicKey::parse(&strings(&[sk, b"nistp256", &point(32), b"ssh:"])).is_ok());
    let blob = strings(&[sk, b"nistp384", &point(48), b"ssh:"]);
    assert_eq!(PublicKey::parse(&blob).err(), Some(Malformed));
}

#[test]
fn points_are_whole_and_uncompressed() {
    for point in [
        vec![],
        vec![0],
        [&[2][..], &[1; 32]].concat(),
        [&[3][..], &[1; 32]].concat(),
        [&[6][..], &[1; 64]].concat(),
        [&[4][..], &[1; 63]].concat(),
        [&[4][..], &[1; 65]].concat(),
    ] {
        let blob = strings(&[b"ecdsa-sha2-nistp256", b"nistp256", &point]);
        assert_eq!(PublicKey::parse(&blob).err(), Some(Malformed));
    }
    for length in [0, 1, 31, 33, 64] {
        let blob = strings(&[b"ssh-ed25519", &vec![1; length]]);
        assert_eq!(PublicKey::parse(&blob).err(), Some(Malformed), "{length}");
        let sk = strings(&[b"sk-ssh-ed25519@openssh.com", &vec![1; length], b"ssh:"]);
        assert_eq!(PublicKey::parse(&sk).err(), Some(Malformed), "{length}");
    }
}

/// A point that is on no curve has the right shape, and verifies nothing.
#[test]
fn points_beside_the_curve_sign_nothing() {
    for (text, algorithm) in SIGNED {
        let signed = signed(text);
        let kind = PublicKey::parse(&signed.key).unwrap().kind();
        let mut blob = signed.key.clone();
        let last = match kind {
            KeyKind::EcdsaNistP256 | KeyKind::EcdsaNistP384 | KeyKind::EcdsaNistP521 => {
                blob.len() - 1
            }
            _ => continue,
        };
        blob[last] ^= 1;
        let key = PublicKey::parse(&blob).unwrap();
        let verified = key.verify(algorithm, &[&signed.message], &signed.signature);
        assert_eq!(verified, Err(BadSignature), "{algorithm:?}");
    }
}

fn rsa(exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    let mut blob = strings(&[b"ssh-rsa"]);
    put_mpint(&mut blob, exponent);
    put_mpint(&mut blob, modulus);
    blob
}

/// A number of so many bits, the highest and the lowest set.
fn number(bits: usize) -> Vec<u8> {
    let mut number = vec![0; bits.div_ceil(8)];
    number[0] |= 1 << ((bits - 1) % 8);
    *number.last_mut().unwrap() |= 1;
    number
}

/// CVE-2026-39829: what is too large is refused before anybody computes with it; what is too small is broken.
#[test]
fn rsa_keys_are_measured_in_bits() {
    let usual = [1, 0, 1];
    for bits in [2048, 2049, 3072, 8192, 8193, 16_383, 16_384] {
        assert!(
            PublicKey::parse(&rsa(&usual, &number(bits))).is_ok(),
            "{bits}"
        );
    }
    for bits in [1, 512, 1024, 2040, 2047, 16_385, 32_768, 200_000] {
        let blob = rsa(&usual, &number(bits));
        assert_eq!(PublicKey::parse(&blob).err(), Some(Malformed), "{bits}");
    }
    let short = public(data!("rsa2047.pub"));
    assert_eq!(PublicKey::parse(&short).err(), Some(Malformed));
    let mut even = number(2048);
    *even.last_mut().unwrap() = 2;
    assert_eq!(PublicKey::parse(&rsa(&usual, &even)).err(), Some(Malformed));
    assert_eq!(PublicKey::parse(&rsa(&usual, &[])).err(), Some(Malformed));
    for exponent in [
        vec![3],
        vec![37],
        vec![1, 0, 1],
        vec![1, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert!(PublicKey::parse(&rsa(&exponent, &number(2048))).is_ok());
    }
    for exponent in [
        vec![],
        vec![1],
        vec![2],
        vec![1, 0, 0],
        vec![2, 0, 0, 0, 1],
        number(2048),
    ] {
        let blob = rsa(&exponent, &number(2048));
        assert_eq!(
            PublicKey::parse(&blob).err(),
            Some(Malformed),
            "{exponent:?}"
        );
    }
    let mut negative = strings(&[b"ssh-rsa"]);
    put_mpint(&mut negative, &usual);
    put_string(&mut negative, &[0xff; 256]);
    assert_eq!(PublicKey::parse(&negative).err(), Some(Malformed));
}

/// Two spellings of a key are one key, so that it counts once.
#[test]
fn zeros_before_a_number_change_no_key() {
    let signed = signed(data!("rsa2048.sig"));
    let usual = PublicKey::parse(&signed.key).unwrap();
    let modulus = &signed.key[4 + 7 + 4 + 3 + 4..];
    let padded = [&[0; 9][..], modulus].concat();
    let blob = strings(&[b"ssh-rsa", &[0, 0, 1, 0, 1], &padded]);
    let key = PublicKey::parse(&blob).unwrap();
    assert_eq!(key.blob(), blob);
    assert_eq!(key.plain_blob(), usual.plain_blob());
    let algorithm = SignatureAlgorithm::RsaSha512;
    assert!(
        key.verify(algorithm, &[&signed.message], &signed.signature)
            .is_ok()
    );
}

#[test]
fn types_that_are_none_of_ours_are_refused() {
    for name in [
        "",
        "ssh-dss",
        "ssh-rsa1",
        "rsa-sha2-256",
        "rsa-sha2-512",
        "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
        "ssh-ed448",
        "ssh-ed25519\0",
        "ssh-rsa-cert-v00@openssh.com",
    ] {
        let mut blob = signed(data!("rsa2048.sig")).key;
        blob.splice(..11, strings(&[name.as_bytes()]));
        assert_eq!(PublicKey::parse(&blob).err(), Some(Malformed), "{name}");
    }
}
