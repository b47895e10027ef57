//! A database with a number of users, and our server on it.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use sftpgo_databases::{Kind, Server};

use super::fill;
use crate::{
    client::Endpoint,
    cpu::{CpuTime, Processes},
    scratch::Scratch,
    servers::ours::Program,
    work::users::place::Place,
};

/// Where users are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    /// SQLite, in our server
    Sqlite,
    /// PostgreSQL, started for this on a port of its own
    Postgres,
    /// MariaDB, started for this on a port of its own
    Mariadb,
}

impl Database {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Mariadb => "MariaDB",
        }
    }

    /// Starts its server, if it has one.
    pub(super) fn start(self) -> Result<Site> {
        let kind = match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Kind::Postgres),
            Self::Mariadb => Some(Kind::Mariadb),
        };
        Ok(Site {
            database: self,
            server: kind.map(Server::start),
        })
    }
}

/// A database server where there is one.
pub(super) struct Site {
    database: Database,
    server: Option<Server>,
}

/// What was spent until now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) server: CpuTime,
    pub(super) database: CpuTime,
}

impl std::ops::Sub for Spent {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            server: self.server - earlier.server,
            database: self.database - earlier.database,
        }
    }
}

pub(super) struct Store {
    pub(super) count: usize,
    place: Place,
    database: Option<Processes>,
}

impl Store {
    /// Makes a database with so many users and starts our server on it.
    pub(super) async fn start(
        site: &Site,
        count: usize,
        binary: &Path,
        scratch: &Scratch,
    ) -> Result<Self> {
        let name = site.server.as_ref().map(Server::make_database);
        let settings = site.server.as_ref().zip(name.as_ref());
        let settings = settings.map(|(server, name)| server.settings(name));
        // A line for each call would be measured too, and is the same for few and many.
        let mut settings = settings.unwrap_or_default();
        settings.push(("SFTPGO_LOG_VERBOSE".to_owned(), "false".to_owned()));
        let mut place = Place::new(Program::new(binary, &settings), scratch)?;
        // It makes its tables.
        place.start()?;
        place.stop();
        let home = place.home.to_str().context("a home has a strange name")?;
        let sql = fill::users(site.database, count, place.public_key(), home);
        match site.server.as_ref().zip(name.as_ref()) {
            Some((server, name)) => drop(server.sql(name, &sql)),
            None => run_sqlite(&place.database(), &sql)?,
        }
        place.start()?;
        place.come_to_rest().await?;
        let pid = site.server.as_ref().map(Server::pid);
        let pid = pid.map(i32::try_from).transpose()?;
        Ok(Self {
            count,
            place,
            database: pid.map(Processes::attach).transpose()?,
        })
    }

    pub(super) fn http_port(&self) -> u16 {
        self.place.http_port
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        self.place.endpoint()
    }

    /// What our server and the database's spent until now, once they are at rest.
    pub(super) async fn spent(&mut self) -> Result<Spent> {
        let database = match &mut self.database {
            Some(processes) => processes.settled_cpu().await?,
            None => CpuTime::default(),
        };
        Ok(Spent {
            server: self.place.processes()?.settled_cpu().await?,
            database,
        })
    }
}

fn run_sqlite(file: &Path, sql: &str) -> Result<()> {
    let mut shell = Command::new("sqlite3")
        .arg("-bail")
        .arg(file)
        .stdin(Stdio::piped())
        .spawn()
        .context("SQLite's shell sqlite3 cannot be started")?;
    let mut input = shell.stdin.take().context("no input")?;
    input.write_all(sql.as_bytes())?;
    drop(input);
    ensure!(shell.wait()?.success(), "sqlite3 did not add the users");
    Ok(())
}
