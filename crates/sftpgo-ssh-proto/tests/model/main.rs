//! A client by the RFCs, which shares no code with the engine, against the engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod channels;
mod client;
mod crypto;
mod forged;
mod line;
mod login;
mod login_keys;
mod messages;
mod offers;
mod pair;
mod phases;
mod play;
mod random;
mod rekey;
mod ssh_net;
mod strict;
mod user_key;
mod windows;
mod wire;
mod zlib;
