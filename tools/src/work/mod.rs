//! The work that every server does, and what is told of it.

pub(crate) mod connect;
pub(crate) mod idle;
pub(crate) mod listing;
pub(crate) mod namespace;
pub(crate) mod network;
pub(crate) mod plan;
mod relay;
pub(crate) mod small_files;
pub(crate) mod transfer;
pub(crate) mod users;

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum;

use self::{
    connect::Connect, idle::Idle, listing::Listing, network::Network, small_files::SmallFiles,
    transfer::Transfer, users::Users,
};
use crate::{
    cpu::{self, CpuTime},
    scratch::Scratch,
    servers::Server,
};

const GIB: f64 = (1_u64 << 30) as f64;

/// Kinds of work, as `--only` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Memory with idle connections, and a transfer beside them
    Idle,
    /// One large file, by one client
    Transfer,
    /// One large file each, by 4 and 8 clients at once
    Clients,
    /// The same bytes by up to 64 clients at once, and listings of up to 100,000 names; not in a quick run
    Growth,
    /// A directory of small files
    SmallFiles,
    /// A directory of many names
    Listing,
    /// Connections in turn
    Connect,
    /// Our server alone with many users: its start, its REST API, and a storm of logins beside a transfer
    Users,
    /// A file over a long way
    Network,
}

/// Which way data goes, seen by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Down,
    Up,
}

impl Direction {
    pub(crate) const BOTH: [Self; 2] = [Self::Down, Self::Up];

    fn title(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
        }
    }
}

/// One piece of work.
pub(crate) enum Work {
    Connect(Connect),
    Idle(Idle),
    Listing(Listing),
    Network(Network),
    SmallFiles(SmallFiles),
    Transfer(Transfer),
    Users(Users),
}

/// One figure of one run. Less is better, whatever it is.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// What was measured: the same words for every server and every round.
    pub(crate) row: String,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
}

impl Work {
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Connect(work) => work.title(),
            Self::Idle(work) => work.title(),
            Self::Listing(work) => work.title(),
            Self::Network(work) => work.title(),
            Self::SmallFiles(work) => work.title(),
            Self::Transfer(work) => work.title(),
            Self::Users(work) => work.title(),
        }
    }

    /// Whether the figure depends on what the server did before, so that a second round would be another work, or the
    /// work takes its figures from several rounds of its own.
    pub(crate) fn only_once(&self) -> bool {
        matches!(self, Self::Idle(_) | Self::Users(_))
    }

    /// Lets one server do it once.
    pub(crate) async fn run(&self, server: &mut Server, scratch: &Scratch) -> Result<Vec<Reading>> {
        match self {
            Self::Connect(work) => work.run(server).await,
            Self::Idle(work) => work.run(server, scratch).await,
            Self::Listing(work) => work.run(server).await,
            Self::Network(work) => work.run(server, scratch).await,
            Self::SmallFiles(work) => work.run(server, scratch).await,
            Self::Transfer(work) => work.run(server, scratch).await,
            Self::Users(work) => work.run(server, scratch).await,
        }
    }
}

/// What a piece of work took.
#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu: CpuTime,
    /// What the clients spent.
    clients: CpuTime,
    wall: Duration,
}

impl Cost {
    /// All figures, for each of `count` things; `unit` says seconds or parts of them, `per_second` how many of these
    /// a second has.
    fn readings(
        self,
        title: &str,
        unit: &'static str,
        per_second: f64,
        count: f64,
    ) -> Vec<Reading> {
        let each = |figure: &str, time: Duration| Reading {
            row: format!("{title}: {figure}"),
            unit,
            value: time.as_secs_f64() * per_second / count,
        };
        vec![
            each("CPU", self.cpu.total()),
            each("wall", self.wall),
            each("client CPU", self.clients.total()),
        ]
    }
}

/// Takes the time of the work itself, and the server's CPU time with what it spends on ending its sessions. What the
/// clients spent `already` is not the work's; they end with it.
async fn measure<T>(
    server: &mut Server,
    already: CpuTime,
    work: impl Future<Output = Result<T>>,
) -> Result<(Cost, T)> {
    let before = server.processes.settled_cpu().await?;
    let clients_before = cpu::of_ended_children()? + already;
    let start = Instant::now();
    let done = work.await?;
    let wall = start.elapsed();
    let clients = cpu::of_ended_children()? - clients_before;
    let cpu = server.processes.settled_cpu().await? - before;
    Ok((Cost { cpu, clients, wall }, done))
}
