//! Receipts of users' files.

use std::{os::unix::ffi::OsStrExt, time::Duration};

use percent_encoding::percent_encode;

use super::{Client, ENCODED, encoded};
use crate::{cli::Receipt, exit::Result, wire::SignedReceipt};

/// The server reads a file of any size for it.
const TIMEOUT: Duration = Duration::from_secs(6 * 60 * 60);

impl Client {
    pub(crate) fn receipt(&self, asked: &Receipt) -> Result<SignedReceipt> {
        let of_what = match (asked.now, asked.upload) {
            (true, _) => "&of=now",
            (_, true) => "&of=upload",
            (false, false) => "",
        };
        self.waiting(TIMEOUT).get(&format!(
            "v2/users/{}/receipt?path={}{of_what}",
            encoded(&asked.name),
            percent_encode(asked.path.as_bytes(), ENCODED)
        ))
    }
}
