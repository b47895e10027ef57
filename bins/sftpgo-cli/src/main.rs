//! Manages an SFTPGo server through its REST API.

#![forbid(unsafe_code)]

mod cli;
mod client;
mod commands;
mod exit;
mod identity;
mod output;
mod profile;
mod prompt;
mod source;
mod values;
mod wire;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // The answer has been printed.
        Err(failure @ (exit::Failure::AnsweredNo | exit::Failure::LeftOut)) => failure.exit_code(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit_code()
        }
    }
}
