//! Receipts: what a file holds, said by the server and signed with its host key.
//!
//! The statement is a line of JSON. The signature is a file of OpenSSH's format for signatures of files (PROTOCOL.sshsig), which
//! `ssh-keygen -Y verify` reads. What it signs begins with `SSHSIG`, so it cannot stand for a signature of a key exchange.
//!
//! A receipt is of what a file holds when it is asked for, or of an upload when that is done: the file is read to its end, and
//! if it changes meanwhile there is no receipt.

pub(crate) mod asked;
mod command;
mod reading;
mod sshsig;
mod statement;
mod stored;

pub use self::{
    asked::Terms,
    command::ReceiptCommand,
    reading::{Progress, Reading},
    stored::{Found, UploadReceipts},
};

/// What the signature is for; it is good for nothing else.
pub const NAMESPACE: &str = "receipt@sftpgo-rs.github.io";

/// The extended request of SFTP for them: name and revision.
pub(crate) const EXTENSION: (&str, &str) = (NAMESPACE, "1");

/// A statement and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// A line, with its end.
    pub statement: String,
    /// Several lines, with their ends.
    pub signature: String,
}
