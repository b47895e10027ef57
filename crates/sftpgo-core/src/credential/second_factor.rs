//! Second factors, of admins and of users: codes by time (RFC 6238), each of which passes once, and recovery codes.

mod wrong_codes;

use std::fmt;

use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, Builder, Secret, Totp};

pub use self::wrong_codes::WrongCodes;
use crate::{
    error::{Error, Result},
    random,
};

/// Codes of the step before and of the one after pass too: clocks differ.
const SKEW: u16 = 1;
/// The length of a secret in bytes: as many as SHA-1 has.
const SECRET: usize = 20;
/// The number of recovery codes that are made at a time.
const RECOVERY_CODES: usize = 12;
/// Bits of the spent steps, as they are stored, below the number of the last step that was used: one for it and each before it
/// whose code may still be used.
const STEP_BITS: u32 = 2 * SKEW as u32 + 1;

/// A second factor by time (RFC 6238). The secret is kept as it is, because both sides compute with it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TotpSecret {
    /// The [`TotpConfig`] that it is computed by.
    pub config_name: String,
    /// The secret, in Base32.
    pub secret: String,
}

/// Passes once in the place of the second factor.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode {
    /// The code.
    pub code: String,
    /// It has been used, and passes no more.
    pub used: bool,
}

/// How a code passes, and what has to be stored so that it does not pass again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// It is of a step that was not used yet. These are the spent steps from then on.
    ByStep(i64),
    /// It is the recovery code at this place.
    ByRecoveryCode(usize),
}

/// The hash that codes are computed by. Many apps know SHA-1 only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TotpAlgorithm {
    /// `sha1`.
    #[default]
    Sha1,
    /// `sha256`.
    Sha256,
    /// `sha512`.
    Sha512,
}

/// A kind of second factor that the operator offers: six digits every 30 seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpConfig {
    /// The name by which it is chosen.
    pub name: String,
    /// Shown by the app.
    pub issuer: String,
    /// The hash that codes are computed by.
    pub algorithm: TotpAlgorithm,
}

impl Default for TotpConfig {
    fn default() -> Self {
        Self {
            name: "Default".to_owned(),
            issuer: "SFTPGo".to_owned(),
            algorithm: TotpAlgorithm::default(),
        }
    }
}

/// A new secret, which is nobody's yet.
pub struct GeneratedTotp {
    /// The secret, in Base32.
    pub secret: String,
    /// A link for the app, as in `otpauth://totp/…`.
    pub url: String,
    /// The URL as a picture.
    pub qr_code: Vec<u8>,
}

impl fmt::Debug for GeneratedTotp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GeneratedTotp(…)")
    }
}

impl TotpConfig {
    /// A secret for the account `username`.
    ///
    /// # Errors
    /// The issuer or the name cannot be part of the URL.
    pub fn generate(&self, username: &str) -> Result<GeneratedTotp> {
        let mut bytes = [0; SECRET];
        random::fill(&mut bytes);
        self.shown(Secret::from(bytes), username)
    }

    /// A secret that the account `username` is being given, once more.
    ///
    /// # Errors
    /// It is no secret, or as [`TotpConfig::generate`].
    pub fn show_again(&self, secret: &str, username: &str) -> Result<GeneratedTotp> {
        self.shown(secret_of(secret)?, username)
    }

    fn shown(&self, secret: Secret, username: &str) -> Result<GeneratedTotp> {
        let totp = self
            .builder(secret)
            .with_issuer(Some(self.issuer.as_str()))
            // What the app shows: the colon would end the issuer there.
            .with_account_name(username.replace(':', "_"))
            .build()
            .map_err(|error| Error::invalid("config_name", error))?;
        let failed = |error: totp_rs::TotpError| Error::invalid("config_name", error);
        Ok(GeneratedTotp {
            secret: totp.secret().to_base32(),
            url: totp.to_url().map_err(failed)?,
            qr_code: totp.to_qr_png().map_err(failed)?,
        })
    }

    /// The step whose code this is at `now` (Unix milliseconds).
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid): the secret is none, or the code is wrong.
    pub fn step_of(&self, secret: &str, code: &str, now: i64) -> Result<i64> {
        let step = self.totp(secret)?.check(code.trim(), seconds(now));
        step.and_then(|step| i64::try_from(step).ok())
            .ok_or_else(|| Error::invalid("passcode", "is wrong"))
    }

    /// Is this a secret that codes can be computed from?
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if not.
    pub fn check_secret(&self, secret: &str) -> Result<()> {
        self.totp(secret).map(drop)
    }

    fn totp(&self, secret: &str) -> Result<Totp> {
        self.builder(secret_of(secret)?)
            .build()
            .map_err(|error| Error::invalid("secret", error))
    }

    fn builder(&self, secret: Secret) -> Builder {
        Builder::new()
            .with_algorithm(match self.algorithm {
                TotpAlgorithm::Sha1 => Algorithm::SHA1,
                TotpAlgorithm::Sha256 => Algorithm::SHA256,
                TotpAlgorithm::Sha512 => Algorithm::SHA512,
            })
            .with_skew(SKEW)
            .with_secret(secret)
    }
}

fn seconds(now: i64) -> u64 {
    u64::try_from(now / 1000).unwrap_or(0)
}

/// Returns what the spent steps become when the code of `step` is used; none if it was used, or is too old to tell.
pub fn spend(spent: i64, step: i64) -> Option<i64> {
    let mask = (1 << STEP_BITS) - 1;
    let (last, used) = (spent >> STEP_BITS, spent & mask);
    let used = if step > last {
        let behind = u32::try_from(step - last).unwrap_or(u32::MAX);
        used.checked_shl(behind).unwrap_or(0) & mask | 1
    } else {
        let bit = 1_i64.checked_shl(u32::try_from(last - step).ok()?)? & mask;
        if bit == 0 || used & bit != 0 {
            return None;
        }
        used | bit
    };
    Some((last.max(step) << STEP_BITS) | used)
}

/// Does `code` pass at `now` (Unix milliseconds), as a code of `totp` or as a recovery code? None if not.
pub fn pass(
    totp: &TotpSecret,
    configs: &[TotpConfig],
    recovery_codes: &[RecoveryCode],
    spent_steps: i64,
    code: &str,
    now: i64,
) -> Option<Passed> {
    let config = config_named(configs, &totp.config_name).ok();
    let step = config.and_then(|config| config.step_of(&totp.secret, code, now).ok());
    if let Some(step) = step {
        return spend(spent_steps, step).map(Passed::ByStep);
    }
    let sent = code.trim().as_bytes();
    let mut known = recovery_codes.iter();
    known
        .position(|known| !known.used && bool::from(known.code.as_bytes().ct_eq(sent)))
        .map(Passed::ByRecoveryCode)
}

/// The kind of second factor that has this name.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid): there is none.
pub fn config_named<'a>(configs: &'a [TotpConfig], name: &str) -> Result<&'a TotpConfig> {
    configs
        .iter()
        .find(|config| config.name == name)
        .ok_or_else(|| Error::invalid("config_name", format_args!("there is no {name:?}")))
}

/// Makes new recovery codes.
pub fn recovery_codes() -> Vec<RecoveryCode> {
    let code = || RecoveryCode {
        code: random::hex_id().chars().take(20).collect(),
        used: false,
    };
    std::iter::repeat_with(code).take(RECOVERY_CODES).collect()
}

/// Parses a secret as people type it.
fn secret_of(text: &str) -> Result<Secret> {
    let text: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '=')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    Secret::try_from_base32(text).map_err(|_| Error::invalid("secret", "is not a secret in Base32"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 6238, appendix B: the last six of eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let config = TotpConfig::default();
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (second, code, step) in [
            (59, "287082", 1),
            (1_111_111_109, "081804", 37_037_036),
            (2_000_000_000, "279037", 66_666_666),
        ] {
            let now = second * 1000;
            assert_eq!(config.step_of(secret, code, now).unwrap(), step);
            assert!(config.step_of(secret, code, now + 30_000).is_ok());
            assert!(config.step_of(secret, code, now + 60_000).is_err());
        }
        assert!(config.step_of(secret, "000000", 59_000).is_err());
        assert!(config.step_of("not base32!", "000000", 59_000).is_err());
    }

    #[test]
    fn each_step_is_spent_once_in_any_order() {
        let spent = spend(0, 1000).unwrap();
        assert_eq!(spend(spent, 1000), None);
        let spent = spend(spent, 1001).unwrap();
        let spent = spend(spent, 999).unwrap();
        for step in [999, 1000, 1001, 998, 0] {
            assert_eq!(spend(spent, step), None, "{step}");
        }
        let spent = spend(spent, 1100).unwrap();
        assert_eq!(spend(spent, 1100), None);
        assert!(spend(spent, 1099).is_some());
    }

    #[test]
    fn what_is_generated_can_be_computed_with() {
        let config = TotpConfig::default();
        let made = config.generate("alice").unwrap();
        config.check_secret(&made.secret).unwrap();
        assert!(
            made.url.starts_with("otpauth://totp/SFTPGo:alice?"),
            "{}",
            made.url
        );
        assert_eq!(made.qr_code.get(1..4), Some(&b"PNG"[..]));
        assert_ne!(made.secret, config.generate("alice").unwrap().secret);
    }

    #[test]
    fn a_name_with_a_colon_gets_a_secret_too() {
        let made = TotpConfig::default().generate("ftp:alice").unwrap();
        assert!(
            made.url.starts_with("otpauth://totp/SFTPGo:ftp_alice?"),
            "{}",
            made.url
        );
    }
}
