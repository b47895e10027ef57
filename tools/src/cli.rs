//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::RangedU64ValueParser};

use crate::{client::Cipher, scale::Database, servers::peer::Peer, work::Group};

/// Measures the server
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
    /// Measure calls with few and with many users, in each database
    Scale(Scale),
    /// Let sessions come and go for hours, and see whether anything grows
    Soak(Soak),
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
    /// Leave OpenSSH's server out, as with more connections than there is memory for
    #[arg(long)]
    pub(crate) without_openssh: bool,
    /// Where table, JSON and plot are written
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) out: PathBuf,
    /// Count CPU time as a subreaper even where a cgroup can be made
    #[arg(long)]
    pub(crate) no_cgroup: bool,
}

/// Measure calls with few and with many users, in each database
#[derive(Args)]
pub(crate) struct Scale {
    /// Less of everything, to see whether it works
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these databases
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_enum)]
    only: Vec<Database>,
    /// The few users [default: 1000]
    #[arg(long, value_name = "N", value_parser = number_of_users())]
    few: Option<u32>,
    /// The many users [default: 1000000, quick 20000]
    #[arg(long, value_name = "N", value_parser = number_of_users())]
    many: Option<u32>,
    /// How often each call is made with each number of users [default: 500, quick 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..))]
    calls: Option<u32>,
    /// A binary of our server, with these databases built in [default: build it in release mode]
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
    /// Where table and JSON are written
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) out: PathBuf,
}

/// Let sessions come and go for hours, and see whether anything grows
#[derive(Args)]
pub(crate) struct Soak {
    /// How long
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) minutes: u64,
    /// Sessions at once
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) sessions: usize,
    /// A binary of our server [default: build it in release mode]
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
    /// Where table, JSON and plot are written
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) out: PathBuf,
}

impl Scale {
    pub(crate) fn sizes(&self) -> Vec<usize> {
        let many = if self.quick { 20_000 } else { 1_000_000 };
        [self.few.unwrap_or(1000), self.many.unwrap_or(many)]
            .map(|size| size as usize)
            .to_vec()
    }

    pub(crate) fn calls(&self) -> usize {
        let default = if self.quick { 50 } else { 500 };
        self.calls.unwrap_or(default) as usize
    }

    pub(crate) fn databases(&self) -> Vec<Database> {
        if self.only.is_empty() {
            Database::value_variants().to_vec()
        } else {
            self.only.clone()
        }
    }
}

/// A page of them is asked for, and names have seven digits.
fn number_of_users() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(200..=9_999_999)
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE is expected")?;
    Ok((key.to_owned(), value.to_owned()))
}
