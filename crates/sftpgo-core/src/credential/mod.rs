//! Formats of stored credentials: formats of password hashes, files of `htpasswd`, public keys as lines of
//! `authorized_keys`, and second factors.
//!
//! It parses and verifies, and knows neither users nor logins.

pub mod htpasswd;
pub mod password;
pub mod public_key;
pub mod second_factor;
