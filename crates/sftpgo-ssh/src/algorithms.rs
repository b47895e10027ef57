//! Names of algorithms: what is offered by default, and what an operator may choose from.

use std::borrow::Cow;

use russh::{
    Preferred, cipher,
    client::GexParams,
    compression,
    kex::{
        self,
        dh::groups::{DH_GROUP14, DH_GROUP15, DhGroup},
    },
    keys, mac,
};
use sftpgo_core::{Error, Result};

use crate::config::ServerConfig;

/// Post-quantum first. The NIST curves are for clients such as JSch 0.1.55 that have nothing else, and so are the finite
/// fields: RFC 9142 asks for group 14, and paramiko 1.x and phpseclib 1 know the group exchange alone. What these cost a
/// server before anybody has logged in grows with the cube of their length, so longer ones are for who asks for them.
const KEX: &[&str] = &[
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group-exchange-sha256",
];
/// May be asked for besides the defaults.
const KEX_MORE: &[&str] = &[
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group17-sha512",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group15-sha512",
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
/// The last two are encrypt-and-MAC, for clients that know neither encrypt-then-MAC nor AEAD ciphers: Apache MINA before
/// 2.4, sshj before 0.27, JSch 0.1.55, libssh2 before 1.11, paramiko before 2.5, Twisted. Who has better chooses better.
const MACS: &[&str] = &[
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
];

/// The names that `kex_algorithms`, `ciphers` and `macs` may hold, defaults first.
pub fn known_names() -> (Vec<&'static str>, Vec<&'static str>, Vec<&'static str>) {
    ([KEX, KEX_MORE].concat(), CIPHERS.to_vec(), MACS.to_vec())
}

/// What the server offers, to everybody alike.
pub(crate) fn preferred(config: &ServerConfig) -> Result<Preferred> {
    let (known_kex, known_ciphers, known_macs) = known_names();
    let kex_names = chosen("kex_algorithms", &config.kex_algorithms, KEX, &known_kex)?;
    let cipher_names = chosen("ciphers", &config.ciphers, CIPHERS, &known_ciphers)?;
    let mac_names = chosen("macs", &config.macs, MACS, &known_macs)?;
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

/// The group of a group exchange (RFC 4419 section 3): the shortest that the client accepts, of 2048 or 3072 bits. What
/// it would prefer costs the server up to sixty times as much; none fits a client that insists on more.
pub(crate) fn exchanged_group(asked: &GexParams) -> Option<DhGroup> {
    let fits = |group: &&DhGroup| {
        (asked.min_group_size()..=asked.max_group_size()).contains(&group.bit_size())
    };
    [&DH_GROUP14, &DH_GROUP15].into_iter().find(fits).cloned()
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
        let error = preferred(&config).unwrap_err().to_string();
        assert!(
            error.contains("ciphers")
                && error.contains("aes128-cbc")
                && error.contains("aes256-ctr"),
            "{error}"
        );
    }

    #[test]
    fn encrypt_and_mac_comes_last_and_not_where_the_operator_leaves_it_out() {
        let offered = |macs: &[&str]| {
            let config = ServerConfig {
                macs: macs.iter().map(|name| (*name).to_owned()).collect(),
                ..ServerConfig::default()
            };
            let offered = preferred(&config).unwrap().mac;
            offered
                .iter()
                .map(|name| name.as_ref().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(offered(&[])[2..], ["hmac-sha2-256", "hmac-sha2-512"]);
        let one = ["hmac-sha2-512-etm@openssh.com"];
        assert_eq!(offered(&one), one);
    }

    #[test]
    fn the_group_of_an_exchange_is_the_shortest_that_the_client_takes() {
        let bits = |min, preferred, max| {
            let asked = GexParams::new(min, preferred, max).unwrap();
            exchanged_group(&asked).map(|group| group.bit_size())
        };
        assert_eq!(bits(2048, 2048, 8192), Some(2048));
        assert_eq!(bits(2048, 8192, 8192), Some(2048));
        assert_eq!(bits(2049, 4096, 8192), Some(3072));
        assert_eq!(bits(4096, 4096, 8192), None);
    }
}
