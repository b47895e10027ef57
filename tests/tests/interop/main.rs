//! SSH clients of many makes and ages: they agree on every algorithm, log in in every way, and move files while keys
//! are exchanged again.
//!
//! A client is a program that is told scenarios by their names, such as `second-password` or `cipher:aes128-ctr`, and
//! prints for each of them `ok NAME`, `failed NAME: why` or, where the client does not have that at all, `unknown NAME`.
//! It finds in its working directory the files `data` and `big`, in `keys` the user's private keys `ed25519`, `ecdsa`
//! and `rsa` and the strangers' `other-ed25519` and so on, and in its environment the server's PORT.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod algorithms;
mod client;
mod erlang;
mod go;
mod java;
mod libssh;
mod messages;
mod node;
mod openssh;
mod php;
mod programs;
mod python;
mod ruby;
