//! Names of algorithms: what is offered by default, and what an operator may choose from.

use sftpgo_core::{Error, Result};
use sftpgo_ssh_proto::{Cipher, Config, Kex, KeyAlgorithm, Mac};

use crate::config::ServerConfig;

/// The names that keys of the configuration may hold, best first.
#[derive(Debug)]
pub struct KnownNames {
    /// The names for `kex_algorithms`.
    pub kex: Vec<&'static str>,
    /// The names for `ciphers`.
    pub ciphers: Vec<&'static str>,
    /// The names for `macs`.
    pub macs: Vec<&'static str>,
    /// The names for `host_key_algorithms`.
    pub host_keys: Vec<&'static str>,
    /// The names for `public_key_algorithms`.
    pub public_keys: Vec<&'static str>,
}

/// Returns all names there are.
pub fn known_names() -> KnownNames {
    KnownNames {
        kex: names(Kex::ALL, Kex::name),
        ciphers: names(Cipher::ALL, Cipher::name),
        macs: names(Mac::ALL, Mac::name),
        host_keys: names(KeyAlgorithm::HOST_ALL, KeyAlgorithm::name),
        public_keys: names(KeyAlgorithm::USER_ALL, KeyAlgorithm::name),
    }
}

/// Has the engine offer what `config` names; where it names nothing the defaults stay.
///
/// # Errors
/// A name that is not known, with the key and the names that are.
pub(crate) fn choose(config: &ServerConfig, engine: &mut Config) -> Result<()> {
    let kex = chosen(
        "kex_algorithms",
        &config.kex_algorithms,
        Kex::ALL,
        Kex::name,
    )?;
    let ciphers = chosen("ciphers", &config.ciphers, Cipher::ALL, Cipher::name)?;
    let macs = chosen("macs", &config.macs, Mac::ALL, Mac::name)?;
    let host_keys = chosen(
        "host_key_algorithms",
        &config.host_key_algorithms,
        KeyAlgorithm::HOST_ALL,
        KeyAlgorithm::name,
    )?;
    let public_keys = chosen(
        "public_key_algorithms",
        &config.public_key_algorithms,
        KeyAlgorithm::USER_ALL,
        KeyAlgorithm::name,
    )?;
    if let Some(kex) = kex {
        engine.kex = kex;
    }
    if let Some(ciphers) = ciphers {
        engine.ciphers = ciphers;
    }
    if let Some(macs) = macs {
        // Who names some is taken at the word: nothing is offered besides, and what is named to everybody.
        engine.macs = macs;
        engine.macs_on_need = Vec::new();
    }
    if let Some(host_keys) = host_keys {
        engine.host_key_algorithms = host_keys;
        let has_key = |it: &KeyAlgorithm| engine.host_keys.iter().any(|key| key.signs_by(*it));
        if !engine.host_keys.is_empty() && !engine.host_key_algorithms.iter().any(has_key) {
            return Err(Error::invalid(
                "host_key_algorithms",
                "none of the host keys can sign by one of these",
            ));
        }
    }
    if let Some(public_keys) = public_keys {
        engine.public_key_algorithms = public_keys;
    }
    Ok(())
}

fn names<T: Copy>(known: &[T], name_of: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    known.iter().map(|known| name_of(*known)).collect()
}

/// The algorithms of these names; none where there are no names.
fn chosen<T: Copy>(
    key: &str,
    asked: &[String],
    known: &[T],
    name_of: impl Fn(T) -> &'static str,
) -> Result<Option<Vec<T>>> {
    if asked.is_empty() {
        return Ok(None);
    }
    let find = |name: &String| {
        let found = known.iter().copied().find(|known| name_of(*known) == name);
        found.ok_or_else(|| {
            let names = names(known, &name_of).join(", ");
            Error::invalid(key, format_args!("{name:?} is not one of {names}"))
        })
    };
    asked.iter().map(find).collect::<Result<_>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen_by(config: &ServerConfig) -> Result<Config> {
        let mut engine = Config::new(Vec::new());
        choose(config, &mut engine).map(|()| engine)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_key_and_the_choices() {
        let of = |key: &str, name: &str| {
            let mut config = ServerConfig::default();
            let list = match key {
                "kex_algorithms" => &mut config.kex_algorithms,
                "ciphers" => &mut config.ciphers,
                "macs" => &mut config.macs,
                "host_key_algorithms" => &mut config.host_key_algorithms,
                _ => &mut config.public_key_algorithms,
            };
            list.push(name.to_owned());
            chosen_by(&config).unwrap_err().to_string()
        };
        for (key, name, known) in [
            ("kex_algorithms", "x", "curve25519-sha256"),
            ("ciphers", "3des-cbc", "aes256-ctr"),
            ("macs", "hmac-md5", "hmac-sha2-256"),
            ("host_key_algorithms", "ssh-dss", "rsa-sha2-512"),
            ("public_key_algorithms", "ssh-dss", "ssh-ed25519"),
        ] {
            let error = of(key, name);
            assert!(
                error.contains(key) && error.contains(name) && error.contains(known),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_named_is_offered_in_this_order_and_nothing_else() {
        let config = ServerConfig {
            kex_algorithms: names(&["ecdh-sha2-nistp256", "curve25519-sha256"]),
            ciphers: names(&["aes256-ctr"]),
            host_key_algorithms: names(&["rsa-sha2-256", "ssh-ed25519"]),
            public_key_algorithms: names(&["ssh-rsa"]),
            ..ServerConfig::default()
        };
        let engine = chosen_by(&config).unwrap();
        assert_eq!(engine.kex, [Kex::EcdhNistP256, Kex::Curve25519]);
        assert_eq!(engine.ciphers, [Cipher::Aes256Ctr]);
        assert_eq!(engine.macs, Mac::DEFAULT);
        let host_keys = engine.host_key_algorithms.iter().map(|it| it.name());
        assert!(host_keys.eq(["rsa-sha2-256", "ssh-ed25519"]));
        let public_keys = engine.public_key_algorithms.iter().map(|it| it.name());
        assert!(public_keys.eq(["ssh-rsa"]));
    }

    #[test]
    fn encrypt_and_mac_is_for_who_needs_it_and_for_all_where_the_operator_names_it() {
        let macs = |asked: &[&str]| {
            let config = ServerConfig {
                macs: names(asked),
                ..ServerConfig::default()
            };
            let engine = chosen_by(&config).unwrap();
            (engine.macs, engine.macs_on_need)
        };
        assert_eq!(macs(&[]), (Mac::DEFAULT.to_vec(), Mac::ON_NEED.to_vec()));
        let one = ["hmac-sha2-512-etm@openssh.com"];
        assert_eq!(macs(&one), (vec![Mac::Sha512Etm], Vec::new()));
        let old = ["hmac-sha2-256"];
        assert_eq!(macs(&old), (vec![Mac::Sha256], Vec::new()));
    }
}
