//! Texts: events.

pub(in super::super) const LOG_UNREADABLE: &str = "the log cannot be read";
