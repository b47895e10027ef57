//! One look at the server.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::doors::Http;
use crate::work::users::place::Place;

/// How names begin that the server gives to uploads until they are whole.
const TEMPORARY: &str = ".sftpgo-upload.";
const MIB: f64 = (1 << 20) as f64;

/// What the server holds at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sample {
    /// Since the start.
    pub(super) at: Duration,
    /// Connections that the server lists.
    pub(super) connections: usize,
    /// PSS of all its processes, in bytes.
    pub(super) memory: u64,
    pub(super) descriptors: usize,
    pub(super) threads: usize,
    /// Unfinished uploads in the homes.
    pub(super) temporaries: usize,
    /// Of the database and what SQLite keeps beside it, in bytes.
    pub(super) database: u64,
}

/// One figure of samples.
#[derive(Clone, Copy)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) of: fn(&Sample) -> f64,
    /// Each connection takes some of it: more of it is no growth where there are more connections.
    pub(super) is_of_connections: bool,
}

const fn figure(name: &'static str, of: fn(&Sample) -> f64, is_of_connections: bool) -> Figure {
    Figure {
        name,
        of,
        is_of_connections,
    }
}

/// In the order of tables and plots.
pub(super) const FIGURES: [Figure; 6] = [
    figure("connections", |sample| sample.connections as f64, true),
    figure(
        "memory (PSS), MiB",
        |sample| sample.memory as f64 / MIB,
        false,
    ),
    figure("descriptors", |sample| sample.descriptors as f64, true),
    figure("threads", |sample| sample.threads as f64, true),
    figure("temporaries", |sample| sample.temporaries as f64, false),
    figure(
        "database, MiB",
        |sample| sample.database as f64 / MIB,
        false,
    ),
];

impl Sample {
    /// For the person who waits.
    pub(super) fn line(&self) -> String {
        let figures = FIGURES.map(|figure| format!("{} {:.1}", figure.name, (figure.of)(self)));
        format!("{:>5} s: {}", self.at.as_secs(), figures.join(", "))
    }
}

pub(super) struct Sampler {
    homes: PathBuf,
    database: PathBuf,
    http: Http,
}

impl Sampler {
    pub(super) fn new(homes: PathBuf, database: PathBuf, http: Http) -> Self {
        Self {
            homes,
            database,
            http,
        }
    }

    pub(super) fn look(&self, start: Instant, place: &mut Place) -> Result<Sample> {
        let processes = place.processes()?;
        let alive = processes.alive()?;
        ensure!(!alive.is_empty(), "the server has ended");
        let in_proc = |of: &str| alive.iter().map(|pid| entries(pid, of)).sum();
        Ok(Sample {
            at: start.elapsed(),
            connections: self.http.connections()?,
            memory: processes.memory()?.pss,
            descriptors: in_proc("fd"),
            threads: in_proc("task"),
            temporaries: temporaries(&self.homes)?,
            database: ["", "-wal", "-shm"]
                .iter()
                .map(|end| size(&self.database, end))
                .sum(),
        })
    }
}

/// Of a directory of a process; none if that has ended meanwhile.
fn entries(pid: &i32, directory: &str) -> usize {
    fs::read_dir(format!("/proc/{pid}/{directory}")).map_or(0, Iterator::count)
}

fn size(path: &Path, end: &str) -> u64 {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    fs::metadata(name).map_or(0, |metadata| metadata.len())
}

fn temporaries(homes: &Path) -> Result<usize> {
    let mut count = 0;
    for home in fs::read_dir(homes).context("the homes are gone")? {
        let names = fs::read_dir(home?.path())?.flatten();
        count += names
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(TEMPORARY))
            .count();
    }
    Ok(count)
}
