//! Private keys as programs write them to files: OpenSSH's own format, PuTTY's, and PEM (PKCS#1, SEC1, PKCS#8).

use base64::{Engine, engine::general_purpose::STANDARD};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use rsa::pkcs1::{self, DecodeRsaPrivateKey};
use sec1::EcPrivateKey;
use ssh_key::{
    PrivateKey,
    private::{EcdsaKeypair, Ed25519Keypair, KeypairData, RsaKeypair},
};

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
/// RFC 8410 section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

const PASSPHRASE: &str = "it is under a passphrase";
const DAMAGED: &str = "it does not hold what its first line says";

/// Reads a private key without passphrase.
///
/// # Errors
/// Says what is wrong.
pub(crate) fn read(text: &str) -> Result<PrivateKey, String> {
    if text.trim_start().starts_with("PuTTY-User-Key-File-") {
        return PrivateKey::from_ppk(text, None).map_err(|error| error.to_string());
    }
    let (label, lines) =
        first_block(text).ok_or("it has no line \"-----BEGIN … PRIVATE KEY-----\"")?;
    if label == "OPENSSH PRIVATE KEY" {
        let block = format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            lines.join("\n")
        );
        let key = PrivateKey::from_openssh(block).map_err(|error| error.to_string())?;
        return match key.is_encrypted() {
            true => Err(PASSPHRASE.to_owned()),
            false => Ok(key),
        };
    }
    if label == "ENCRYPTED PRIVATE KEY" || lines.iter().any(|line| line.starts_with("DEK-Info:")) {
        return Err(PASSPHRASE.to_owned());
    }
    let der = STANDARD
        .decode(lines.concat())
        .map_err(|_| "it is not base64".to_owned())?;
    let pair = match label {
        "RSA PRIVATE KEY" => rsa(&der),
        _ => pkcs8(&der).or_else(|| sec1(&der, None)),
    };
    PrivateKey::new(pair.ok_or(DAMAGED)?, "").map_err(|error| error.to_string())
}

/// The label of the first block that holds a private key, and its lines. Before it there may be others: openssl writes the
/// curve of an EC key into one of its own.
fn first_block(text: &str) -> Option<(&str, Vec<&str>)> {
    let mut lines = text.lines().map(str::trim);
    let label = lines.by_ref().find_map(|line| {
        let label = line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
        label.ends_with("PRIVATE KEY").then_some(label)
    })?;
    let lines = lines.take_while(|line| !line.starts_with("-----END "));
    Some((label, lines.collect()))
}

/// PKCS#1 (RFC 8017 appendix A.1.2).
fn rsa(der: &[u8]) -> Option<KeypairData> {
    let key = rsa::RsaPrivateKey::from_pkcs1_der(der).ok()?;
    Some(KeypairData::Rsa(RsaKeypair::try_from(key).ok()?))
}

/// PKCS#8 (RFC 5958).
fn pkcs8(der: &[u8]) -> Option<KeypairData> {
    let info = PrivateKeyInfoRef::try_from(der).ok()?;
    let key = info.private_key.as_bytes();
    match info.algorithm.oid {
        pkcs1::ALGORITHM_OID => rsa(key),
        sec1::ALGORITHM_OID => sec1(key, info.algorithm.parameters_oid().ok()),
        // An OCTET STRING of 32 bytes (RFC 8410 section 7).
        ED25519 => {
            let seed = key.strip_prefix(&[4, 32])?.try_into().ok()?;
            Some(KeypairData::Ed25519(Ed25519Keypair::from_seed(seed)))
        }
        _ => None,
    }
}

/// SEC1 (RFC 5915); the curve may be said around it.
fn sec1(der: &[u8], curve: Option<ObjectIdentifier>) -> Option<KeypairData> {
    let key = EcPrivateKey::try_from(der).ok()?;
    let named = key
        .parameters
        .and_then(|parameters| parameters.named_curve());
    let pair = match curve.or(named)? {
        P256 => {
            let secret = p256::SecretKey::from_sec1_der(der).ok()?;
            EcdsaKeypair::NistP256 {
                public: secret.public_key().into(),
                private: secret.into(),
            }
        }
        P384 => {
            let secret = p384::SecretKey::from_sec1_der(der).ok()?;
            EcdsaKeypair::NistP384 {
                public: secret.public_key().into(),
                private: secret.into(),
            }
        }
        P521 => {
            let secret = p521::SecretKey::from_sec1_der(der).ok()?;
            EcdsaKeypair::NistP521 {
                public: secret.public_key().into(),
                private: secret.into(),
            }
        }
        _ => return None,
    };
    Some(KeypairData::Ecdsa(pair))
}

#[cfg(test)]
mod tests {
    use ssh_key::HashAlg;

    use super::*;

    /// What OpenSSH 9.2, OpenSSL 3.0 and PuTTY 0.78 wrote, with the fingerprints that ssh-keygen shows.
    const KEYS: [(&str, &str); 11] = [
        (
            include_str!("../testdata/host_keys/ed25519.openssh"),
            "9gtuKMFIhWpwskz9gGp8g93rkKXKJKCBuYU20IJ0T3k",
        ),
        (
            include_str!("../testdata/host_keys/ed25519.ppk"),
            "9gtuKMFIhWpwskz9gGp8g93rkKXKJKCBuYU20IJ0T3k",
        ),
        (
            include_str!("../testdata/host_keys/ed25519.pkcs8"),
            "LY17h68rGJbQDEBegZ8ZxCOVcYX8nOTq8fUlNG7MmD4",
        ),
        (
            include_str!("../testdata/host_keys/p256.pkcs8"),
            "Hv28/J4BZwPYSSyh5LNtrhXW9kOh+yd+sokX1xxsxB0",
        ),
        // With a block for the curve in front.
        (
            include_str!("../testdata/host_keys/p256.sec1"),
            "JrxsPTP82ZqhmN5r8nNKAWJWjUwtlOhTxDm9SU7l1ig",
        ),
        (
            include_str!("../testdata/host_keys/p384.openssh"),
            "bIzbYYwRz3N0jyWyGKmYSEmrj12E/LorVj3+J9GppeQ",
        ),
        (
            include_str!("../testdata/host_keys/p384.sec1"),
            "SUgloyVInmkpDSvwEMcjuW6l4ejwhaZKU0YwEUkR2O8",
        ),
        (
            include_str!("../testdata/host_keys/p521.sec1"),
            "8SF5YhIttwDNNGwnCG74nIpEcpExG+CNgfLyaPGUtXM",
        ),
        (
            include_str!("../testdata/host_keys/rsa.openssh"),
            "rS6bE+rhq2GYRXhTvWkbWFMYB4YWGum6PE26z0h+Scw",
        ),
        (
            include_str!("../testdata/host_keys/rsa.pkcs1"),
            "m2WlXYvTO8cFaD0Ynuqx8TQItitZIxLifPlMvZl8JzI",
        ),
        (
            include_str!("../testdata/host_keys/rsa.pkcs8"),
            "5jt/O7zamPgUsR8EJ8nR7dgx20SHq5TksdJBZA3dKho",
        ),
    ];

    #[test]
    fn every_format_is_read_and_can_be_a_host_key() {
        for (text, fingerprint) in KEYS {
            let kind = text.lines().next().unwrap();
            let key = read(text).unwrap_or_else(|error| panic!("{kind}: {error}"));
            let found = key.public_key().fingerprint(HashAlg::Sha256).to_string();
            assert_eq!(found, format!("SHA256:{fingerprint}"), "{kind}");
            sftpgo_ssh_proto::HostKey::from_private(&key).unwrap();
            // As editors of other systems leave it.
            let other = format!("a comment\r\n{}", text.replace('\n', "\r\n"));
            if !text.starts_with("PuTTY") {
                assert_eq!(
                    read(&other).unwrap().public_key(),
                    key.public_key(),
                    "{kind}"
                );
            }
        }
    }

    #[test]
    fn what_is_under_a_passphrase_says_so() {
        for text in [
            include_str!("../testdata/host_keys/passphrase.openssh"),
            include_str!("../testdata/host_keys/p256_passphrase.sec1"),
            include_str!("../testdata/host_keys/p256_passphrase.pkcs8"),
        ] {
            assert_eq!(read(text).unwrap_err(), PASSPHRASE);
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let p256 = include_str!("../testdata/host_keys/p256.sec1");
        for text in [
            "",
            "not a key",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\n?\n-----END RSA PRIVATE KEY-----\n",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            "PuTTY-User-Key-File-3: x",
            include_str!("../testdata/host_keys/secp256k1.sec1"),
            &p256.replace("MHcCAQEEIEVf", "MHcCAQEEIEVg"),
            &p256.replace("EC PRIVATE", "RSA PRIVATE"),
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
