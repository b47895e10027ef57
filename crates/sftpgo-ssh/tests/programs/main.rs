//! The programs of exec requests, spoken to in bytes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod connection;
mod digest;
mod sink;
mod source;
