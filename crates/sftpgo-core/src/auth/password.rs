//! Stored password hashes.
use crate::error::Result;
/// A stored hash.
#[derive(Debug)]
pub struct PasswordHash;
impl PasswordHash {
    /// Reads a stored hash.
    ///
    /// # Errors
    /// `Invalid` naming `password` when it is not one.
    pub fn parse(_stored: &str) -> Result<Self> {
        Ok(Self)
    }
    /// What to store for a password as sent: argon2id of plain text; a value with a known prefix as it is.
    ///
    /// # Errors
    /// `Invalid` naming `password` when the prefix is known and the rest does not parse.
    pub fn for_storage(sent: &str) -> Result<String> {
        Ok(sent.to_owned())
    }
    /// Does `password` match?
    pub fn verify(&self, _password: &[u8]) -> bool {
        false
    }
    /// Is this anything but argon2id?
    pub fn is_legacy(&self) -> bool {
        false
    }
}
/// Takes as long as checking a password of a user with an argon2id hash, and fails.
pub fn verify_nothing(_password: &[u8]) {}
