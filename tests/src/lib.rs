//! The harness of the end-to-end tests: a real server in a directory of its own, and the clients.
//!
//! The binaries are those of the same build profile, next to the test's own executable;
//! `cargo build --workspace --bins` makes them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking and prints what it saw"
)]

mod files;
mod openssh;
mod program;
mod proxy;
mod python;
mod random;
mod restarting;
mod server;
mod tracer;

pub use files::{
    assert_5000_names, assert_same, assert_same_trees, make_5000_names, make_tree, noise, noise_of,
};
pub use openssh::{answer_password, sftp, sftp_with_key, ssh_options};
pub use program::{Outcome, run};
pub use proxy::Proxy;
pub use python::{paramiko, python, python_command};
pub use random::Random;
pub use restarting::{
    Writing, fifty_transfers_run_through_three_restarts,
    sessions_and_quota_hold_in_both_processes_together,
    who_is_closed_or_disabled_is_so_in_both_processes,
};
pub use server::{Server, make_key, send};
pub use sftpgo_test_support::{permission_names, permissions_without, wait_for};
pub use tracer::{Tracer, may_trace};

use std::path::PathBuf;

/// A binary of this workspace, as built with the tests, or what lies below them.
pub fn binary(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.push(name);
    assert!(
        path.exists(),
        "{} is missing: run ./test, or `cargo build --workspace --bins --examples`",
        path.display()
    );
    path
}
