//! A whole server and a client of the same SSH library: channels and limits as seen from outside.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod channels;
mod limits;
mod logins;
mod storage;
mod test_server;
