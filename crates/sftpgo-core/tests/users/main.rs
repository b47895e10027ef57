//! Login, management and quota of users, through the public interface and over the provider in memory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod accounts;
mod backends;
mod expired;
mod followed;
mod hanging;
mod headroom;
mod login;
mod outage;
mod quota;
mod refusing_ledger;
mod shared;
mod shared_sessions;
mod steps;
mod user_reconcile;
mod write_behind;
