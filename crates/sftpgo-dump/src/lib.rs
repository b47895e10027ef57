//! Users as dumps of SFTPGo have them: reading one, comparing it with the users of a server, and writing one.
//!
//! Never a user with more rights than before: whoever says what this server cannot enforce is skipped, with the
//! reason. What is left out otherwise gives less, and is noted. Nothing here does IO or knows where users are kept, so that
//! what speaks to a server and the server itself come to the same.

#![forbid(unsafe_code)]

mod candidate;
mod dump_user;
mod export;
pub mod filters;
mod parse;
pub mod password;
pub mod permission;
mod permissions;
mod plan;
mod restriction;
#[cfg(test)]
mod tests;
mod user;

pub use self::{
    candidate::{Candidate, Entry, Skipped, keys_of, once_each},
    export::DumpedUser,
    parse::{Dump, parse},
    plan::{Change, Step, TOTP, Update, step},
    restriction::not_enforced,
    user::{User, UserChange},
};
