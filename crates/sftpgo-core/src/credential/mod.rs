//! Formats of stored credentials: formats of password hashes, files of `htpasswd`, and public keys as lines of
//! `authorized_keys`.
//!
//! It parses and verifies, and knows neither users nor logins.

pub mod htpasswd;
pub mod password;
pub mod public_key;
