//! The clients that people use, one file each. OpenSSH has a test of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod asyncssh;
mod curl;
mod lftp;

mod paramiko;

mod putty;
mod rclone;
