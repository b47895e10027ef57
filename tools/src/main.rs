//! `cargo xtask`: see [`sftpgo_tools::run`].

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    sftpgo_tools::run()
}
