//! Usage of every user with a session, counted in one place and written when operations finish: at once, or a
//! little later for all of them together.

mod account;
mod book;
mod count;
mod line;
mod slot;
mod unwritten;
mod writer;
mod writing;

pub use self::{
    account::QuotaAccount,
    book::{QuotaBook, Tracking},
    count::{Count, Counted},
    writer::LedgerWriter,
};
