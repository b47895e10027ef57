//! Texts: quota scans.

pub(in super::super) const HAS_STARTED: &str = "The quota scan has started.";
pub(in super::super) const USERNAME_HINT: &str = "The files of this user are counted again.";
