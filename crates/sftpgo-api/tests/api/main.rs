//! The API as a client sees it: over a real socket, in front of users in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod admins;
mod client;
mod connections;
mod contract;
mod defender;
mod explain;
mod failing;
mod filters;
mod http;
mod quota_scans;
mod server;
mod users;
mod validation;
