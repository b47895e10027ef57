//! Codes of second factors, as an app on a phone shows them.

use sftpgo_core::{
    credential::second_factor::TotpSecret,
    user::{TotpDraft, now_ms},
};
use totp_rs::{Builder, Secret};

/// A secret in Base32, of RFC 6238.
pub const TOTP_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A second factor by [`TOTP_SECRET`] for SSH.
pub fn totp_for_ssh() -> TotpDraft {
    TotpDraft {
        secret: TotpSecret {
            config_name: "Default".to_owned(),
            secret: TOTP_SECRET.to_owned(),
        },
        protocols: vec!["SSH".to_owned()],
    }
}

/// The code of a secret, so many steps after the one of now.
pub fn code_after(secret: &str, steps: i64) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    let seconds = now_ms() / 1000 + steps * 30;
    totp.generate(seconds.try_into().unwrap()).to_string()
}
