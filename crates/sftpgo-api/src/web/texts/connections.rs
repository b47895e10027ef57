//! Texts: connections.

pub(in super::super) const CLOSED: &str = "Closed.";
pub(in super::super) const TOO_MANY_PAGES: &str = "Too many pages are being kept up to date.";
pub(in super::super) const UPLOAD: &str = "Upload";
pub(in super::super) const DOWNLOAD: &str = "Download";
