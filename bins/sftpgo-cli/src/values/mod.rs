//! What people type and read, and what the wire carries instead. Nothing here does IO.

pub(crate) mod amount;
pub(crate) mod bandwidth;
pub(crate) mod date;
pub(crate) mod public_keys;
pub(crate) mod server;
pub(crate) mod size;
pub(crate) mod text;
