//! Texts: events.

pub(in super::super) const LOG_UNREADABLE: &str = "the log cannot be read";
pub(in super::super) const LOGIN: &str = "Login";
pub(in super::super) const FAILED_LOGIN: &str = "Failed login";
pub(in super::super) const TRANSFER: &str = "Transfer";
pub(in super::super) const FAILED_TRANSFER: &str = "Failed transfer";
pub(in super::super) const COMMAND: &str = "Command";
pub(in super::super) const CHANGE: &str = "Change";
pub(in super::super) const REMOVED_THE_DIRECTORY: &str = "removed the directory";
pub(in super::super) const MADE_THE_DIRECTORY: &str = "made the directory";
