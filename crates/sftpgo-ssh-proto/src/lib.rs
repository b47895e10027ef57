//! An SSH-2 server without IO, clock, users or files: bytes and decisions in, bytes and events out.

#![forbid(unsafe_code)]

mod cipher;
mod key;
mod kex;
mod random;
mod wire;

pub use self::{
    random::{NoRandomBytes, Random},
    wire::Malformed,
};
