//! Usage of every user with a session, counted in one place and written when operations finish: at once, or a
//! little later for all of them together.

mod account;
mod ask;
mod flush;
mod manager;
mod rescan;
mod user_state;
mod writer;

pub use self::{
    account::QuotaAccount,
    manager::{Tracking, UsageManager},
    rescan::{Rescan, ScanOutcome},
    writer::LedgerWriter,
};
