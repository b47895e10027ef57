//! Being one node of several on one database. Who runs one server needs nothing of it.

mod heartbeat;

pub use self::heartbeat::{HEARTBEAT_INTERVAL, Heartbeat, users_to_rescan};
