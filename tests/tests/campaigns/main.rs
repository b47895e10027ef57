//! Campaigns against the server: kills under a mixed load, what it needs is away for a while, a hostile crowd. Each runs in a short
//! form with the other tests, and longer as `docs/campaigns.md` says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it found"
)]

mod clock;
mod crowd;
mod database_away;
mod descriptors;
mod disk_full;
mod home_gone;
mod io_errors;
mod kill;
mod uploads;

/// How often something is repeated: `SFTPGO_TEST_ROUNDS`, or `default`.
fn rounds(default: usize) -> usize {
    std::env::var("SFTPGO_TEST_ROUNDS").map_or(default, |rounds| rounds.parse().expect("a number"))
}
