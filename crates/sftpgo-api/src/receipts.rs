//! Signed statements of what users' files hold, from wherever the program makes them.

use sftpgo_core::{Result, StoredUser, VirtualPath};

/// Of what a receipt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OfWhat {
    /// Of the last upload to the path where one is kept, else of the file as it is.
    #[default]
    Any,
    /// Of the last upload to the path.
    Upload,
    /// Of the file as it is.
    Now,
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptText {
    /// Is it of an upload? Else it is of the file as it is.
    pub is_of_upload: bool,
    /// The statement, which is what is signed: a line with its end.
    pub statement: String,
    /// The signature, as `ssh-keygen -Y verify` reads it.
    pub signature: String,
}

/// Gives receipts.
pub trait Receipts: Send + Sync {
    /// Returns a receipt of a user's file, which is read for it as long as it `is_awaited`.
    ///
    /// # Errors
    /// There is no such file, it cannot be read or changes meanwhile, or there is no receipt of an upload.
    fn receipt(
        &self,
        user: &StoredUser,
        path: &VirtualPath,
        of_what: OfWhat,
        is_awaited: &dyn Fn() -> bool,
    ) -> Result<ReceiptText>;
}
