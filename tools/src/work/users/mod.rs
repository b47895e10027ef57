//! Many users in the database of our server: how soon it answers after a start, what a page of users costs, how soon it
//! comes while files are transferred, and what a storm of logins does to a transfer.

pub(crate) mod place;
mod rest;
mod storm;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use self::{place::Place, rest::Page};
use super::Reading;
use crate::{
    client::{Client, Endpoint},
    scratch::{self, Scratch},
    servers::Server,
};

const STARTS: usize = 3;
/// Transfers that are timed while nobody logs in.
const TRANSFERS: usize = 7;
const REQUESTS: u32 = 2000;

pub(crate) struct Users {
    pub(crate) count: usize,
    /// Of each transfer beside requests and logins.
    pub(crate) bytes: u64,
}

impl Users {
    pub(crate) fn title(&self) -> String {
        format!("{} users", self.count)
    }

    /// Only a server of ours can be filled.
    pub(crate) async fn run(&self, server: &Server, scratch: &Scratch) -> Result<Vec<Reading>> {
        let Some(program) = &server.program else {
            return Ok(Vec::new());
        };
        let mut place = Place::new(program.clone(), scratch)?;
        place.start()?;
        place.fill(self.count).await?;
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            starts.push(place.start()?);
        }
        place.come_to_rest().await?;

        let mut readings = vec![
            self.reading("start", "s", median(starts).as_secs_f64()),
            self.reading(
                "RSS",
                "MiB",
                place.processes()?.memory()?.rss as f64 / (1 << 20) as f64,
            ),
        ];
        readings.extend(self.pages(&mut place).await?);

        let transfer = Beside::new(&place, scratch, self.bytes)?;
        readings.push(self.page_beside(&place, &transfer).await?);
        readings.extend(self.storm(&place, &transfer).await?);
        Ok(readings)
    }

    /// What pages cost when nothing else is asked for.
    async fn pages(&self, place: &mut Place) -> Result<Vec<Reading>> {
        let mut readings = Vec::new();
        for (title, after) in [
            ("first page", None),
            ("last page", self.count.checked_sub(101)),
        ] {
            let page = Page {
                port: place.http_port,
                after,
            };
            let before = place.processes()?.settled_cpu().await?;
            let times = rest::ask(page, REQUESTS).await?;
            let cpu = place.processes()?.settled_cpu().await? - before;
            let each = cpu.total().as_secs_f64() * 1e3 / f64::from(REQUESTS);
            readings.push(self.reading(&format!("{title} of 100, CPU"), "ms", each));
            readings.push(self.reading(&format!("{title} of 100, wall"), "ms", ms(median(times))));
        }
        Ok(readings)
    }

    /// How late the last of a hundred answers is while a file is on its way.
    async fn page_beside(&self, place: &Place, transfer: &Beside) -> Result<Reading> {
        let page = Page {
            port: place.http_port,
            after: None,
        };
        let asking = rest::ask(page, REQUESTS);
        let transfers = async {
            loop {
                transfer.time().await?;
            }
        };
        let mut times = tokio::select! {
            times = asking => times?,
            failed = transfers => return failed,
        };
        times.sort_unstable();
        let late = times
            .get(times.len() * 99 / 100)
            .copied()
            .context("nothing was asked")?;
        Ok(self.reading("page of 100 beside a transfer, p99", "ms", ms(late)))
    }

    async fn storm(&self, place: &Place, transfer: &Beside) -> Result<Vec<Reading>> {
        let mut alone = Vec::new();
        for _ in 0..TRANSFERS {
            alone.push(transfer.time().await?);
        }
        let storm = storm::start(place.port)?;
        let mut beside = Vec::new();
        while !storm.is_over() {
            let took = transfer.time().await?;
            // The first one is counted in any case: logins were under way when it began.
            if beside.is_empty() || !storm.is_over() {
                beside.push(took);
            }
        }
        let logins = storm.end()?;
        let slower = median(beside).as_secs_f64() / median(alone).as_secs_f64();
        Ok(vec![
            self.reading(
                &format!("{} logins at once", storm::LOGINS),
                "s",
                logins.as_secs_f64(),
            ),
            self.reading("a transfer beside them takes", "times as long", slower),
        ])
    }

    fn reading(&self, figure: &str, unit: &'static str, value: f64) -> Reading {
        Reading {
            row: format!("{}: {figure}", self.title()),
            unit,
            value,
        }
    }
}

/// A download that can be timed again and again.
struct Beside {
    endpoint: Endpoint,
    commands: String,
}

impl Beside {
    fn new(place: &Place, scratch: &Scratch, bytes: u64) -> Result<Self> {
        scratch::place(&scratch.source(bytes)?, &place.home.join("source"))?;
        let target = scratch.path("target-beside");
        Ok(Self {
            endpoint: place.endpoint(),
            commands: format!("get source {}\n", target.display()),
        })
    }

    /// The login is not in it.
    async fn time(&self) -> Result<Duration> {
        let session = Client::default().log_in(&self.endpoint).await?;
        let start = Instant::now();
        session.run(&self.commands).await?;
        Ok(start.elapsed())
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
