//! Accounts of a system, and what of them this server can hold. Nothing here does IO.

pub(crate) mod passwd;
#[cfg(test)]
mod properties;
mod shadow;
