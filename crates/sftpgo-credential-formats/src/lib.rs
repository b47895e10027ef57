//! Password hashes and public keys as they are written: which of them the server takes, and why it does not take another.
//!
//! Nothing here computes a hash or decodes a key. The server does that with what is recognised here, and what prepares
//! credentials for a server needs no more than this.

#![forbid(unsafe_code)]

pub mod password_hash;
pub mod public_key;
