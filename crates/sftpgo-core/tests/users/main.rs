//! Login, management and quota of users, through the public interface and over the provider in memory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod accounts;
mod backends;
mod dead;
mod hanging;
mod login;
mod outage;
mod put_off;
mod quota;
mod room;
mod shared;
mod shared_sessions;
mod unwritten;
mod user_reconcile;
