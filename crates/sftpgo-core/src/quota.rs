//! Usage of every user with a session, counted in one place and written when operations finish: at once, or a
//! little later for all of them together.

mod account;
mod book;
mod count;
mod grant;
mod inodes;
mod limits;
mod line;
mod slot;
mod unwritten;
mod writer;
mod writing;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use self::inodes::{FileFigures, Standing};
pub use self::{
    account::QuotaAccount,
    book::{QuotaBook, Tracking},
    count::{Count, Counted},
    inodes::{CountedInode, FileChange, SharedCount},
    limits::QuotaStatus,
    writer::LedgerWriter,
};

/// A count is as good after a panic as before: whoever panicked left no half-made figure.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
