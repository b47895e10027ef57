//! The web admin as a browser without script sees it: over a real socket, in front of users in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod accounts;
mod activity;
mod browser;
mod caching;
mod connections;
mod maintenance;
mod sessions;
mod user_list;
mod users;
