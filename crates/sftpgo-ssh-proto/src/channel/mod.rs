//! The connection protocol (RFC 4254): session channels, their windows and requests.

mod global;
mod incoming;
mod outgoing;
mod table;

pub(crate) use self::table::Channels;

/// Data of the server in one packet, at most: every client takes packets of 35,000 bytes (RFC 4253 section 6.1).
const LONGEST_DATA: usize = 32 * 1024;
/// Sealed bytes that may wait for the network; beyond this channels wait their turn.
const MOST_WAITING: usize = 256 * 1024;
/// Many clients take a window for a number with a sign.
const MOST_WINDOW: u32 = i32::MAX.unsigned_abs();
/// The least that a client's packets must have room for.
const LEAST_PACKET: u32 = 256;
/// Extended data of this type is standard error (RFC 4254 section 5.2).
const STDERR: u32 = 1;
