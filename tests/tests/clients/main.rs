//! The clients that people use, one file each. OpenSSH has a test of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skips"
)]

mod asyncssh;
mod curl;
mod lftp;
mod links;
mod node;
mod paramiko;
mod perl;
mod putty;
mod rclone;
mod restic;
mod sshfs;
