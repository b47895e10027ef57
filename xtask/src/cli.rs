//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{client::Cipher, servers::peer::Peer, work::Group};

/// Chores of the project
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Task,
}

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Measure the server beside OpenSSH's in one run
    Bench(Bench),
    /// Run a server as its subreaper and tell what its process tree spends (bench calls this itself)
    #[command(hide = true)]
    Keep {
        program: OsString,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Measure the server beside OpenSSH's in one run
#[derive(Args)]
pub(crate) struct Bench {
    /// Less of everything: under five minutes on two cores
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only this work
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_enum)]
    pub(crate) only: Vec<Group>,
    /// Only these ciphers in the work `transfer` and `clients`
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_enum)]
    pub(crate) cipher: Vec<Cipher>,
    /// How often each server does each work, in turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// MiB to transfer, in memory-backed files [default: 1024, quick 256]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(8..=65536))]
    pub(crate) size: Option<u64>,
    /// Numbers of idle connections to hold, ascending [default: 0,100,1000, quick 0,100]
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub(crate) idle: Vec<usize>,
    /// A binary of our server; several are measured beside each other [default: build it in release mode]
    #[arg(long, value_name = "[NAME=]PATH")]
    pub(crate) binary: Vec<String>,
    /// A setting of our server, such as SFTPGO_SFTPD__UPLOAD_MODE=1
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
    /// Another running server, that lets USER log in with KEY and shows HOME; PID is its main process
    #[arg(long, value_name = "NAME=HOST:PORT,USER,KEY,HOME,PID")]
    pub(crate) peer: Vec<Peer>,
    /// Where table, JSON and plot are written
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) out: PathBuf,
    /// Count CPU time as a subreaper even where a cgroup can be made
    #[arg(long)]
    pub(crate) no_cgroup: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE is expected")?;
    Ok((key.to_owned(), value.to_owned()))
}
