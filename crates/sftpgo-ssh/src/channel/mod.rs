//! A session channel: what arrived and is not done yet, and the task that does it.
//!
//! Reading the network never waits for replies to be written: a client may ask for a whole file
//! before it reads the first byte. What waits is bounded for all channels of a connection together:
//! above [`Limits::queued_bytes`] the reader waits for the sessions. Those that themselves wait for the
//! client to read are left out of this: their queues may grow until all together hold
//! [`Limits::queued_bytes_unread`], and past that the connection ends.
//!
//! [`Limits::queued_bytes`]: crate::Limits::queued_bytes
//! [`Limits::queued_bytes_unread`]: crate::Limits::queued_bytes_unread

mod budget;
mod inbox;
mod run;

pub(crate) use budget::Budget;
pub(crate) use inbox::{Brought, Inbox, Overflow};
pub(crate) use run::{Running, run_program, run_sftp};
