//! Sessions over a real home: permissions, the wall, quota and upload modes.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod counting;
mod crashes;
mod durable;
mod links;
mod permissions;
mod quota;
mod races;
mod random;
mod recorded;
mod refusals;
mod restart;
mod two_writers;
mod unreadable;
mod upload_ends;
mod uploads;
mod vouching;
