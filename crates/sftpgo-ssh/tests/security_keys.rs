//! FIDO keys: the engine's verification against signatures that another implementation made.
//!
//! The signed bytes are SHA-256 of the application, flags, counter and SHA-256 of the message (OpenSSH's PROTOCOL.u2f).
//! The vectors are of python-cryptography, with the private key 0102…1f20, the application `ssh:`, the flag of
//! a touch and the counter 7.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use sftpgo_ssh_proto::{PublicKey, SignatureAlgorithm};

const MESSAGE: &[u8] = b"what a login signs";
const ED25519_KEY: &str = "0000001a736b2d7373682d65643235353139406f70656e7373682e636f6d0000002079b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664000000047373683a";
const ED25519_SIGNATURE: &str = "0000001a736b2d7373682d65643235353139406f70656e7373682e636f6d00000040061c35c82249407d70296b19dfecf63e0bebe11cd3385e1c06674b1d8d9c3b87939317691e5b7a474f4d91b83e4eac2726edde7ebb679a767775b0f463377c050100000007";
const P256_KEY: &str = "00000022736b2d65636473612d736861322d6e69737470323536406f70656e7373682e636f6d000000086e697374703235360000004104515c3d6eb9e396b904d3feca7f54fdcd0cc1e997bf375dca515ad0a6c3b4035f4536be3a50f318fbf9a5475902a221502bef0d57e08c53b2cc0a56f17d9f9354000000047373683a";
const P256_SIGNATURE: &str = "00000022736b2d65636473612d736861322d6e69737470323536406f70656e7373682e636f6d0000004800000020585529f123ed26d0a463f04984a26ddc6465d3c5d4d038a5ba21019d2dad6d07000000201399d42b3b610d7a56036df3bf42249edba1418ffeafcaa295986a67c86fdc500100000007";

const VECTORS: [(&str, &str); 2] = [(ED25519_KEY, ED25519_SIGNATURE), (P256_KEY, P256_SIGNATURE)];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn verifies(key: &[u8], signature: &[u8], message: &[u8]) -> bool {
    let Ok(key) = PublicKey::parse(key) else {
        return false;
    };
    let algorithm = SignatureAlgorithm::from_name(key.kind().name().as_bytes()).unwrap();
    let verified = key.verify(algorithm, &[message], signature);
    // A flag that is off makes the signature no less valid: whoever lets the user in looks at it.
    verified.is_ok_and(|presence| presence.is_security_key && presence.user_present)
}

#[test]
fn a_signature_of_the_token_is_accepted() {
    for (key, signature) in VECTORS {
        assert!(verifies(&bytes(key), &bytes(signature), MESSAGE), "{key}");
    }
}

#[test]
fn nothing_can_be_changed_about_it() {
    for (key, signature) in VECTORS {
        let (key, signature) = (bytes(key), bytes(signature));
        assert!(!verifies(&key, &signature, b"what another login signs"));
        // Every bit of signature, flags and counter.
        for bit in 0..signature.len() * 8 {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!verifies(&key, &changed, MESSAGE), "bit {bit}");
        }
        let mut application = key.clone();
        *application.last_mut().unwrap() ^= 1;
        assert!(!verifies(&application, &signature, MESSAGE));
        for length in 0..signature.len() {
            assert!(!verifies(&key, &signature[..length], MESSAGE), "{length}");
        }
    }
}
