//! Names of algorithms: what is offered by default, and what an operator may choose from.

use std::borrow::Cow;

use russh::{Preferred, cipher, compression, kex, keys, mac};
use sftpgo_core::{Error, Result};

use crate::config::ServerConfig;

/// Post-quantum first; the NIST curves are for clients such as JSch 0.1.55 that have nothing else.
const KEX: &[&str] = &[
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group16-sha512",
];
/// May be asked for besides the defaults.
const KEX_MORE: &[&str] = &[
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group17-sha512",
    "diffie-hellman-group15-sha512",
    "diffie-hellman-group14-sha256",
];
/// Strict key exchange (Terrapin) and extension negotiation, always on.
const KEX_EXTENSIONS: &[kex::Name] = &[
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];
const CIPHERS: &[&str] = &[
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
];
const MACS: &[&str] = &[
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
];
/// Encrypt-and-MAC, offered besides the defaults to clients that have nothing better.
const MACS_FOR_OLD_CLIENTS: &[&str] = &["hmac-sha2-256", "hmac-sha2-512"];

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everybody.
    All,
    /// Clients that know neither encrypt-then-MAC nor AEAD ciphers.
    OnlyEncryptAndMac,
}

/// The names that `kex_algorithms`, `ciphers` and `macs` may hold, defaults first.
pub fn known_names() -> (Vec<&'static str>, Vec<&'static str>, Vec<&'static str>) {
    (
        [KEX, KEX_MORE].concat(),
        CIPHERS.to_vec(),
        [MACS, MACS_FOR_OLD_CLIENTS].concat(),
    )
}

/// What the server offers; what the operator chose is for everybody.
pub(crate) fn preferred(config: &ServerConfig, audience: Audience) -> Result<Preferred> {
    let (known_kex, known_ciphers, known_macs) = known_names();
    let kex_names = chosen("kex_algorithms", &config.kex_algorithms, KEX, &known_kex)?;
    let cipher_names = chosen("ciphers", &config.ciphers, CIPHERS, &known_ciphers)?;
    let default_macs = match audience {
        Audience::All => MACS,
        Audience::OnlyEncryptAndMac => &known_macs,
    };
    let mac_names = chosen("macs", &config.macs, default_macs, &known_macs)?;
    let mut kex: Vec<kex::Name> = kex_names
        .iter()
        .filter_map(|name| kex::Name::try_from(*name).ok())
        .collect();
    kex.extend_from_slice(KEX_EXTENSIONS);
    Ok(Preferred {
        kex: Cow::Owned(kex),
        key: Cow::Owned(signature_algorithms()),
        cipher: Cow::Owned(
            cipher_names
                .iter()
                .filter_map(|name| cipher::Name::try_from(*name).ok())
                .collect(),
        ),
        mac: Cow::Owned(
            mac_names
                .iter()
                .filter_map(|name| mac::Name::try_from(*name).ok())
                .collect(),
        ),
        compression: Cow::Borrowed(&[compression::NONE, compression::ZLIB_LEGACY]),
        ..Preferred::DEFAULT
    })
}

/// Signatures by host keys, as far as there are such keys, and by users' keys. No SHA-1.
fn signature_algorithms() -> Vec<keys::Algorithm> {
    use keys::{Algorithm, EcdsaCurve, HashAlg};
    vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP256,
        },
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP384,
        },
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP521,
        },
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha512),
        },
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha256),
        },
        // No host has these; some clients use a security key only when they are told (RFC 8308, server-sig-algs).
        Algorithm::SkEd25519,
        Algorithm::SkEcdsaSha2NistP256,
    ]
}

fn chosen<'a>(
    key: &str,
    asked: &'a [String],
    default: &[&'a str],
    known: &[&'a str],
) -> Result<Vec<&'a str>> {
    if asked.is_empty() {
        return Ok(default.to_vec());
    }
    let find = |name: &String| known.iter().copied().find(|known| known == name);
    asked
        .iter()
        .map(|name| {
            find(name).ok_or_else(|| {
                Error::invalid(
                    key,
                    format_args!("{name:?} is not one of {}", known.join(", ")),
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_one_of_the_librarys() {
        let (kex_names, cipher_names, mac_names) = known_names();
        assert!(
            kex_names
                .iter()
                .all(|name| kex::Name::try_from(*name).is_ok()),
            "{kex_names:?}"
        );
        assert!(
            cipher_names
                .iter()
                .all(|name| cipher::Name::try_from(*name).is_ok()),
            "{cipher_names:?}"
        );
        assert!(
            mac_names
                .iter()
                .all(|name| mac::Name::try_from(*name).is_ok()),
            "{mac_names:?}"
        );
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_key_and_the_choices() {
        let config = ServerConfig {
            ciphers: vec!["aes128-cbc".to_owned()],
            ..ServerConfig::default()
        };
        let error = preferred(&config, Audience::All).unwrap_err().to_string();
        assert!(
            error.contains("ciphers")
                && error.contains("aes128-cbc")
                && error.contains("aes256-ctr"),
            "{error}"
        );
    }

    #[test]
    fn encrypt_and_mac_is_offered_to_who_has_nothing_better_and_where_the_operator_says_so() {
        let offers = |macs: &[&str], audience| {
            let config = ServerConfig {
                macs: macs.iter().map(|name| (*name).to_owned()).collect(),
                ..ServerConfig::default()
            };
            let offered = preferred(&config, audience).unwrap().mac;
            offered.iter().any(|name| name.as_ref() == "hmac-sha2-256")
        };
        assert!(!offers(&[], Audience::All));
        assert!(offers(&[], Audience::OnlyEncryptAndMac));
        assert!(offers(&["hmac-sha2-256"], Audience::All));
        assert!(!offers(
            &["hmac-sha2-512-etm@openssh.com"],
            Audience::OnlyEncryptAndMac
        ));
    }
}
