//! The one-time code by which the first admin is made.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::random;

/// Known to who can read the server's output or its files. It passes as long as there is no admin.
#[derive(Clone)]
pub struct SetupCode(String);

impl SetupCode {
    /// A new one of 128 random bits.
    pub fn generate() -> Self {
        Self(random::hex_id())
    }

    /// Is it this one?
    pub fn is(&self, sent: &str) -> bool {
        self.0.as_bytes().ct_eq(sent.trim().as_bytes()).into()
    }

    /// Returns the code, which is to be shown to the operator alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SetupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupCode(…)")
    }
}
