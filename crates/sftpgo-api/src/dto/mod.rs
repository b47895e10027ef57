//! What goes over the wire, parsed at the edge.

pub(crate) mod connection;
pub(crate) mod quota_scan;
pub(crate) mod user;
pub(crate) mod user_query;
