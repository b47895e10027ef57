//! The exchange hash and the keys.

use super::*;
use crate::test_support::hex;

const EXCHANGE_HASH: &str = "ee40eef61bea3da8c2b1cec40fc4cdac892a2626";
const SESSION_ID: &str = "ca9aad244e24797fd348d1250387c8aa45a0110a";

/// K of the second test of CAVS 14.1, which begins with a high bit.
fn secret() -> Secret {
    Secret::number(&hex("
        ec6f2c5f0517fd92f730567bd783138302917c277552b1b3fdf2b67d6edb6fa81bd17f7ebbe339b54b171341e6522b
        91611f8274cc88652a458f8041261040818a268497e949e12f57271318b2b3194c29760cbb767c0fc8833b272994e1
        8682da807e6c9f235d88ef89c203c6f756d25cc2bea199b02c955b8b40cbc04f9208"))
}

fn key(hash: HashAlgorithm, letter: u8, length: usize) -> Vec<u8> {
    derive(
        hash,
        &secret(),
        &hex(EXCHANGE_HASH),
        &hex(SESSION_ID),
        letter,
        length,
    )
    .to_vec()
}

/// NIST CAVS 14.1, SSH KDF with SHA-1: the keys of 24 bytes need two rounds.
#[test]
fn keys_are_those_of_the_nist_test() {
    let known = [
        (b'A', "55a1015757de84cb"),
        (b'B', "7e57f61d5735f4fb"),
        (b'C', "dd1c24bde1af845e82207541e3e173aec822fb904a94ae3c"),
        (b'D', "cbbfdc9442af6db7f8c4dcaa4b0b5d0163e0e204476aa2a0"),
        (b'E', "e153e04886c0dc446dde9a9b3b13efb77151764d"),
        (b'F', "c8e4f61bd6b5abb2c6e06eca7b302349435e4842"),
    ];
    for (letter, bytes) in known {
        let bytes = hex(bytes);
        assert_eq!(key(HashAlgorithm::Sha1, letter, bytes.len()), bytes);
    }
}

/// Computed with OpenSSL's SSHKDF from the same input, each over more rounds than one.
#[test]
fn long_keys_are_those_of_another_library() {
    let known = [
        (
            HashAlgorithm::Sha1,
            b'F',
            "c8e4f61bd6b5abb2c6e06eca7b302349435e48423c98a41fe1105e86925930da74
             82fcecdd5108b40bddb0591d12588e688bd10089698b050aecd567ac5786b0",
        ),
        (
            HashAlgorithm::Sha256,
            b'D',
            "a0200c5a95382a72422f3adf3746bb425bb8f1815a1989d9aee43ae6d5bb3ea583
             dc1d842c6cd0de211def24b09f5d0adecaaa5443025ff6d9ebc690ca1deb73",
        ),
        (
            HashAlgorithm::Sha384,
            b'E',
            "e7ec37ae0677f61df9b4c2b7a5223f079101e78f027fca6530796b9e6390e910c7
             848b4bcd67018977f1bca3a0bf09880bf471a864651ff3a432f6acfa371552",
        ),
        (
            HashAlgorithm::Sha512,
            b'C',
            "17750ebb597b15193bace172a3b29f4d62ce2e2ef5af862841d5a3f1ba604de0c6
             f8b6e9d4e4af44b07ff136cf4a59fe48307a6af27e489753e492033b8473ddcef4c3e0ecc2",
        ),
    ];
    for (hash, letter, bytes) in known {
        let bytes = hex(bytes);
        for length in 0..=bytes.len() {
            assert_eq!(key(hash, letter, length), bytes[..length], "{hash:?}");
        }
    }
}

/// Computed with Python's `hashlib`.
#[test]
fn the_exchange_hash_has_its_parts_in_order() {
    let transcript = Transcript {
        client_ident: b"SSH-2.0-client",
        server_ident: b"SSH-2.0-server",
        client_kexinit: b"\x14client kexinit",
        server_kexinit: b"\x14server kexinit",
        host_key: b"host key",
        shares: b"\0\0\0\x03Q_C\0\0\0\x03Q_S",
    };
    let number = Secret::number(&[0, 0, 0x80, 1]);
    let string = Secret::bytes(&[0, 0, 0x80, 1]);
    let hash = |hash, secret| exchange_hash(hash, &transcript, secret).as_ref().to_vec();
    assert_eq!(
        hash(HashAlgorithm::Sha256, &number),
        hex("eb27489f95761ea9a43594f615e2398580b2cd5b48ff608f73d32f391c671fa0")
    );
    assert_eq!(
        hash(HashAlgorithm::Sha256, &string),
        hex("cd41de0bb72d9f54eba0ac7f8d918db84d90b182400470a59123684ca2f6dc6a")
    );
    assert_eq!(
        hash(HashAlgorithm::Sha1, &number),
        hex("28a744f7568a32c418112c20c97afb02ce5c077c")
    );
    assert_eq!(
        hash(HashAlgorithm::Sha384, &number),
        hex(
            "84019dd092e8c669c75b51aeb5b147e866200645ebf61e50e3512e405b58e87ac980b9d988ef6f37378ef74c14f01e57"
        )
    );
    assert_eq!(
        hash(HashAlgorithm::Sha512, &number),
        hex(
            "637d6584ab4ec45987a6b29f83ca29dda5bf2d1dc73cf54728e135fa27ad7157a7dc69488ce493481c91deac165a86af5649b204b227c26cedfb34f467cf4b8e"
        )
    );
}
