//! What the tests of several crates have in common.
//!
//! [`Service`] is a server without a network: users in memory, their homes, their sessions, and what is recorded of them.
//! [`FaultyProvider`] and [`HookedHomes`] are stores and homes that fail or hang when a test says so; [`MemoryHomes`] is a
//! storage that can do as little as a storage may.
//!
//! Core's own tests use it too. Those below `tests/` may use all of it; the unit tests of core only what has no type of
//! core, because for them this crate is compiled with another core.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod faulty_provider;
mod homes;
mod memory_homes;
mod recorder;
mod service;
mod totp;
mod transfers;
mod users;
mod wait;

pub use faulty_provider::{FaultyProvider, LedgerState};
pub use homes::HookedHomes;
pub use memory_homes::{FAILS_AT_ITS_END, FAILS_ON_THE_WAY, MemoryHomes};
pub use recorder::{EndedTransfer, Recorder};
pub use service::{Service, Settings, client_address};
pub use totp::{TOTP_SECRET, code_after, totp_for_ssh};
pub use transfers::{APPEND, LOCK, NEW, PART, READ, begin, kind, path, put};
pub use users::{
    ARGON2ID, BCRYPT, KEY, OTHER_KEY, add, draft, key_blob, permission_names, permissions_without,
};
pub use wait::{PATIENCE, wait_for};
