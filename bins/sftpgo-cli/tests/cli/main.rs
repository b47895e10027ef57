//! Runs the real binary against a server with canned answers, and looks at what each got.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod accounts;
mod bans;
mod dumps;
mod explain;
mod export;
mod fake;
mod import;
mod managing;
mod passwords;
mod refusals;
mod terminal;
mod usage;
mod users;
