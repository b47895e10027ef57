//! What sessions change of a user's usage, in memory: it knows no store, no thread and no clock.

mod file_usage;
mod lease;
mod limits;
mod rescan;
mod user_usage;
mod writers;

pub use self::{
    file_usage::{FileChange, FileUsage, SharedFileUsage},
    limits::QuotaStatus,
    writers::Writers,
};
pub(crate) use self::{
    file_usage::{FileState, FileUsages, Standing},
    lease::{Lease, LedgerState, wanted},
    limits::{Limits, exceeded},
    rescan::Changes,
    user_usage::{Headroom, UsageSnapshot, UserUsage},
    writers::{Watch, Writing},
};
