//! Usage of every user with a session, counted in one place and written once per finished operation.

mod account;
mod amount;
mod book;
mod count;
mod inodes;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use self::inodes::signed;
pub use self::{
    account::QuotaAccount,
    amount::QuotaStatus,
    book::{QuotaBook, Tracking},
    count::Count,
    inodes::{CountedInode, FileChange, SharedCount},
};

/// A count is as good after a panic as before: whoever panicked left no half-made figure.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
