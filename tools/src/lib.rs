//! What measures the server, and is never shipped. `cargo xtask bench` does the same work on our server, on a private
//! OpenSSH server and on any other that is named, and tells what each server spent. `cargo xtask scale` tells what calls
//! cost with few and with many users, and `cargo xtask soak` whether anything grows with time. `docs/performance.md` says how to read them.

#![forbid(unsafe_code)]

mod bench;
mod cli;
mod client;
pub mod cpu;
mod machine;
mod report;
mod scale;
mod scratch;
mod servers;
mod soak;
mod work;
mod wrap;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

/// Does what the command line asks for.
pub fn run() -> ExitCode {
    let done = match cli::Cli::parse().command {
        cli::Task::Bench(options) => bench::run(&options),
        cli::Task::Scale(options) => scale::run(&options),
        cli::Task::Soak(options) => soak::run(&options),
        cli::Task::Keep { program, arguments } => {
            cpu::keep(&program, &arguments).map(|()| ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| {
        say(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

/// Tells the person who waits how it goes; results go to standard output instead.
fn say(line: &str) {
    // Nobody may be there any more.
    let _ = writeln!(io::stderr(), "{line}");
}
