//! What each operation does, one file per resource.

pub(crate) mod connection;
pub(crate) mod explain;
pub(crate) mod quota_scan;
pub(crate) mod status;
pub(crate) mod totp;
pub(crate) mod user;
