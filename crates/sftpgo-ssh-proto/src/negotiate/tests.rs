//! What clients of many ages come to use.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::*;
use crate::HostKey;

/// A KEXINIT with these ciphers and MACs for both directions.
fn kexinit(kex: &str, ciphers: &str, macs: &str) -> Vec<u8> {
    let mut out = vec![number::KEXINIT];
    out.extend_from_slice(&[0; 16]);
    for list in [
        kex,
        "ssh-ed25519",
        ciphers,
        ciphers,
        macs,
        macs,
        "none",
        "none",
        "",
        "",
    ] {
        put_name_list(&mut out, [list]);
    }
    put_bool(&mut out, false);
    put_u32(&mut out, 0);
    out
}

/// What a client that sends its KEXINIT first comes to use.
fn chosen(
    config: &Config,
    kex: &str,
    ciphers: &str,
    macs: &str,
) -> Option<(&'static str, &'static str)> {
    let message = kexinit(kex, ciphers, macs);
    let client = ClientOffer::parse(&message).unwrap();
    let offer = ServerOffer::new(config, Some(client.needs(config)), None);
    let (cipher, mac) = offer.protection(client.cipher_in, client.mac_in).ok()?;
    Some((cipher.name(), mac.map_or("", Mac::name)))
}

const STRICT: &str = "curve25519-sha256,kex-strict-c-v00@openssh.com";
const OTHERS: &str = "curve25519-sha256";
const GCM: &str = "aes128-gcm@openssh.com";
const CHACHA: &str = "chacha20-poly1305@openssh.com";

#[test]
fn encrypt_and_mac_is_for_those_who_have_nothing_else_in_common() {
    let config = Config::new(Vec::new());
    for (ciphers, macs, used) in [
        // Twisted, paramiko 2.4.
        (
            "aes128-ctr,aes128-cbc",
            "hmac-sha2-256,hmac-sha1",
            ("aes128-ctr", "hmac-sha2-256"),
        ),
        // Both: what is better is used though it is last.
        (
            "aes128-ctr",
            "hmac-sha2-512,hmac-sha2-512-etm@openssh.com",
            ("aes128-ctr", "hmac-sha2-512-etm@openssh.com"),
        ),
        // An AEAD cipher behind others, and no etm.
        (
            "aes128-ctr,aes128-gcm@openssh.com",
            "hmac-sha2-256",
            (GCM, ""),
        ),
        // Better ones that are not here.
        (
            "aes256-ctr",
            "umac-64-etm@openssh.com,hmac-md5-etm@openssh.com,hmac-sha2-256",
            ("aes256-ctr", "hmac-sha2-256"),
        ),
        (
            "AEAD_AES_128_GCM,aes256-ctr",
            "hmac-sha2-512",
            ("aes256-ctr", "hmac-sha2-512"),
        ),
        // libssh 0.8 has no better cipher than chacha20, and no strict key exchange.
        (
            "chacha20-poly1305@openssh.com,aes256-ctr",
            "hmac-sha2-256",
            ("aes256-ctr", "hmac-sha2-256"),
        ),
    ] {
        assert_eq!(
            chosen(&config, OTHERS, ciphers, macs),
            Some(used),
            "{ciphers} {macs}"
        );
    }
    assert_eq!(chosen(&config, OTHERS, "aes128-ctr", "hmac-md5"), None);
    assert_eq!(chosen(&config, OTHERS, "3des-cbc", "hmac-sha2-256"), None);
}

/// ssh2 0.8 wants a MAC in common whatever the cipher is.
#[test]
fn who_has_an_aead_cipher_and_only_old_macs_finds_one_in_common() {
    let config = Config::new(Vec::new());
    let message = kexinit(OTHERS, GCM, "hmac-sha2-256,hmac-sha1");
    let client = ClientOffer::parse(&message).unwrap();
    let offer = ServerOffer::new(&config, Some(client.needs(&config)), None);
    assert!(offer.has_mac(&client));
    assert!(offer.ciphers.iter().all(|cipher| cipher.has_own_mac()));
}

#[test]
fn what_terrapin_cuts_is_not_offered_to_those_without_strict_key_exchange() {
    let mut config = Config::new(Vec::new());
    config.ciphers.extend_from_slice(&[Cipher::Aes128Cbc]);
    let both = "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com";
    assert_eq!(chosen(&config, STRICT, both, ""), Some((CHACHA, "")));
    assert_eq!(chosen(&config, OTHERS, both, ""), Some((GCM, "")));
    // Who has nothing else gets in.
    assert_eq!(
        chosen(&config, OTHERS, CHACHA, "hmac-sha2-256"),
        Some((CHACHA, ""))
    );
    assert_eq!(
        chosen(
            &config,
            OTHERS,
            "aes128-cbc",
            "hmac-sha2-256-etm@openssh.com"
        ),
        Some(("aes128-cbc", "hmac-sha2-256-etm@openssh.com"))
    );

    let etm = "hmac-sha2-256-etm@openssh.com";
    let cbc = "aes128-cbc,aes128-ctr";
    assert_eq!(chosen(&config, STRICT, cbc, etm), Some(("aes128-cbc", etm)));
    assert_eq!(chosen(&config, OTHERS, cbc, etm), Some(("aes128-ctr", etm)));
    // Without encrypt-then-MAC nothing can be cut off, and who has only CBC gets in.
    assert_eq!(
        chosen(&config, OTHERS, "aes128-cbc", "hmac-sha2-256"),
        Some(("aes128-cbc", "hmac-sha2-256"))
    );
}

#[test]
fn later_exchanges_offer_the_host_key_of_the_first() {
    let rsa = include_str!("../../testdata/keys/rsa2048.key");
    let rsa = HostKey::from_private(&ssh_key::PrivateKey::from_openssh(rsa).unwrap()).unwrap();
    let certified = include_str!("../../testdata/keys/ed25519.key");
    let certified = ssh_key::PrivateKey::from_openssh(certified).unwrap();
    let certificate = include_str!("../../testdata/keys/host-cert.pub");
    let certificate = certificate.split(' ').nth(1).unwrap();
    let certified = HostKey::from_private(&certified)
        .unwrap()
        .with_certificate(BASE64_STANDARD.decode(certificate).unwrap())
        .unwrap();
    let config = Config::new(vec![certified, rsa]);
    let algorithm = |name: &str| KeyAlgorithm::from_name(name.as_bytes()).unwrap();
    let certificate = "ssh-ed25519-cert-v01@openssh.com";
    for (known, offered) in [
        (
            None,
            &[certificate, "ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"][..],
        ),
        (Some("ssh-ed25519"), &["ssh-ed25519"]),
        (Some(certificate), &[certificate]),
        (Some("rsa-sha2-256"), &["rsa-sha2-512", "rsa-sha2-256"]),
    ] {
        let offer = ServerOffer::new(&config, None, known.map(algorithm));
        let names: Vec<_> = offer.host_key.iter().map(|one| one.name()).collect();
        assert_eq!(names, offered);
    }
}
