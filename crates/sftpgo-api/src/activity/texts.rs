//! The texts of events, beside those of the pages in `web/texts/`.

pub(super) const LOGIN: &str = "Login";
pub(super) const FAILED_LOGIN: &str = "Failed login";
pub(super) const TRANSFER: &str = "Transfer";
pub(super) const FAILED_TRANSFER: &str = "Failed transfer";
pub(super) const COMMAND: &str = "Command";
pub(super) const CHANGE: &str = "Change";
pub(super) const REMOVED_THE_DIRECTORY: &str = "removed the directory";
pub(super) const MADE_THE_DIRECTORY: &str = "made the directory";
