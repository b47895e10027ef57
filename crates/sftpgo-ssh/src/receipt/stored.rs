//! Receipts that were made when an upload was done.

use sftpgo_core::{Result, UserId, VirtualPath, content::UploadWitness};

use super::{Receipt, statement::Stated};

/// The last line of a signature.
const END: &str = "-----END SSH SIGNATURE-----\n";

/// The receipt of the newest upload to a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is none.
    Nothing,
    /// It is being made.
    BeingMade,
    /// It is there.
    Receipt {
        /// The receipt.
        receipt: Receipt,
        /// Did all that the file held come by the upload, and nothing by anybody else? Then its uploader may see it.
        is_whole: bool,
    },
}

/// Makes a receipt of each upload that it is told of, and keeps it.
pub trait UploadReceipts: UploadWitness {
    /// Looks for the receipt of the newest upload of this user to `path`. Blocks on a disk, as files do.
    ///
    /// # Errors
    /// The receipts cannot be read.
    fn find(&self, user: UserId, username: &str, path: &VirtualPath) -> Result<Found>;
}

impl Receipt {
    /// Returns what is printed and stored: the statement, and behind it the signature.
    pub fn to_text(&self) -> String {
        format!("{}{}", self.statement, self.signature)
    }

    /// Reads what was stored of an upload of this user to `path`; nothing when it is not whole, or of something else.
    pub fn of_upload(text: &str, username: &str, path: &VirtualPath) -> Found {
        let Some((line, signature)) = text.split_once('\n') else {
            return Found::Nothing;
        };
        let stated = Stated::parse(line).filter(|stated| stated.is_of(username, path.as_bytes()));
        match stated {
            Some(stated) if signature.ends_with(END) => Found::Receipt {
                receipt: Self {
                    statement: format!("{line}\n"),
                    signature: signature.to_owned(),
                },
                is_whole: stated.is_whole(),
            },
            _ => Found::Nothing,
        }
    }
}
