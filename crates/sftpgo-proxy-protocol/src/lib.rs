//! HAProxy's PROXY protocol, versions 1 and 2: a proxy says before the first byte of a connection whose it is.
//! Source: <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>.
//!
//! [`parse`] reads a header and does nothing else; [`Policy`] says of whom it is believed; [`receive`] waits for it.

#![forbid(unsafe_code)]

mod header;
mod policy;
mod receive;

pub use header::{Header, MAX_LENGTH, Malformed, Parsed, parse};
pub use policy::{Mode, Policy, Treatment};
pub use receive::{PATIENCE, Received, receive};
