//! Formats of stored credentials: formats of password hashes, and public keys as lines of `authorized_keys`.
//!
//! It parses and verifies, and knows neither users nor logins.

pub mod password;
pub mod public_key;
