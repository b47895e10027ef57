//! Kinds of second factors.

use sftpgo_core::admin::{TotpAlgorithm, TotpConfig};

use super::Check;
use crate::config::keys;

impl Check<'_> {
    pub(super) fn totp(&mut self, keys: &keys::Mfa) -> Vec<TotpConfig> {
        let mut offered: Vec<TotpConfig> = Vec::new();
        for (number, kind) in keys.totp.iter().enumerate() {
            let key = |name: &str| format!("mfa.totp[{number}].{name}");
            for (name, text) in [("name", &kind.name), ("issuer", &kind.issuer)] {
                if text.trim().is_empty() || text.contains(':') {
                    self.problem(&key(name), "must be a text without a colon");
                }
            }
            if offered.iter().any(|other| other.name == kind.name) {
                self.problem(&key("name"), format_args!("{:?} is there twice", kind.name));
            }
            let algorithm = match kind.algo.as_str() {
                "sha1" | "" => TotpAlgorithm::Sha1,
                "sha256" => TotpAlgorithm::Sha256,
                "sha512" => TotpAlgorithm::Sha512,
                other => {
                    self.problem(
                        &key("algo"),
                        format_args!("{other:?} is not one of sha1, sha256, sha512"),
                    );
                    TotpAlgorithm::Sha1
                }
            };
            offered.push(TotpConfig {
                name: kind.name.clone(),
                issuer: kind.issuer.clone(),
                algorithm,
            });
        }
        offered
    }
}
