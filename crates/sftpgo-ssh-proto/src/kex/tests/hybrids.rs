//! ML-KEM with a curve.

use ml_kem::{Decapsulate, DecapsulationKey768, KeyExport, Seed};
use ring::digest::{SHA256, digest};

use super::*;
use crate::test_support::hex;

fn decapsulation_key() -> DecapsulationKey768 {
    let seed: [u8; 64] = std::array::from_fn(|byte| byte as u8);
    DecapsulationKey768::from_seed(Seed::from(seed))
}

pub(super) fn client_key() -> Vec<u8> {
    decapsulation_key().encapsulation_key().to_bytes().to_vec()
}

/// Computed with Go's `crypto/mlkem` from the same seed and the same message.
#[test]
fn the_ciphertext_is_the_one_that_another_library_makes() {
    let key = client_key();
    let message: [u8; 32] = std::array::from_fn(|byte| 0x80 + byte as u8);
    let mut random = Given::new(&message);
    let (ciphertext, secret) = hybrid::encapsulate(&key, &mut random).unwrap();
    assert_eq!(random.drawn, 32);
    assert_eq!(
        digest(&SHA256, &key).as_ref(),
        hex("0b7934c83125c788995e2ba6bd761e33046b3e40571be53e023309a29f398cc9")
    );
    assert_eq!(
        digest(&SHA256, &ciphertext).as_ref(),
        hex("1f16e217ad23771f7f72522c602dcf10cd1e2eea2648e72d29c1255a3949c33e")
    );
    assert_eq!(
        secret.as_slice(),
        hex("ef91db44b6cd5b2c50f483481a3d6e2a08cc149764fcb8dc568851332da45ed9")
    );
}

/// A method, the client's point, and the client's secret with a server's point.
type Method = (Kex, Vec<u8>, fn(&[u8]) -> Vec<u8>);

#[test]
fn the_secret_is_a_string_of_the_hash_of_both() {
    let methods: [Method; 2] = [
        (
            Kex::MlKem768X25519,
            curves::X25519_POINT.to_vec(),
            curves::x25519_secret,
        ),
        (
            Kex::MlKem768NistP256,
            curves::p256_point(),
            curves::p256_secret,
        ),
    ];
    for (kex, point, curve_secret) in methods {
        let share = [client_key(), point].concat();
        let answer = answer(kex, None, &share, &mut Given::new(&[0x33; 32])).unwrap();
        let (ciphertext, server_point) = answer.server_share.split_at(1_088);
        let ciphertext = ciphertext.try_into().unwrap();
        let quantum_secret = decapsulation_key().decapsulate(ciphertext);
        let both = [quantum_secret.as_slice(), &curve_secret(server_point)].concat();
        assert_eq!(both.len(), 64);
        let hash = digest(&SHA256, &both);
        assert_eq!(
            answer.secret.as_ref(),
            [&[0, 0, 0, 32], hash.as_ref()].concat()
        );
    }
}

#[test]
fn a_share_of_another_length_is_refused() {
    let methods = [
        (Kex::MlKem768X25519, curves::X25519_POINT.to_vec()),
        (Kex::MlKem768NistP256, curves::p256_point()),
    ];
    for (kex, point) in methods {
        let share = [client_key(), point].concat();
        assert_refused(kex, &share[..share.len() - 1]);
        assert_refused(kex, &share[1..]);
        assert_refused(kex, &[share.as_slice(), &[0]].concat());
        assert_refused(kex, &client_key());
    }
}

/// FIPS 203 section 7.2: each coefficient is below 3,329.
#[test]
fn a_key_beyond_the_modulus_is_refused() {
    for place in [0, 3, 1_149] {
        let mut share = [client_key().as_slice(), &curves::X25519_POINT].concat();
        share[place..place + 2].copy_from_slice(&[0x01, 0xdd]);
        assert_refused(Kex::MlKem768X25519, &share);
    }
}
