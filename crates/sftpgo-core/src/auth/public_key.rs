//! authorized_keys lines.
use crate::error::Result;
/// A parsed line.
#[derive(Debug)]
pub struct AuthorizedKey;
impl AuthorizedKey {
    /// Parses a line.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn parse(_line: &str) -> Result<Self> {
        Ok(Self)
    }
    /// The key as on the wire (RFC 4253 section 6.6).
    pub fn blob(&self) -> &[u8] {
        &[]
    }
}
