//! A directory of many names, listed over and over in one session.

use std::fs::File;

use anyhow::{Result, ensure};

use super::{Reading, measure};
use crate::{client::Client, scratch, servers::Server};

pub(crate) struct Listing {
    pub(crate) names: usize,
    pub(crate) times: usize,
}

impl Listing {
    pub(crate) fn title(&self) -> String {
        format!("list {} names {} times", self.names, self.times)
    }

    pub(crate) async fn run(&self, server: &mut Server) -> Result<Vec<Reading>> {
        let name = format!("names-{}", self.names);
        let directory = server.files.path(&name);
        if !directory.exists() {
            scratch::open_directory(&directory)?;
            for number in 0..self.names {
                File::create(directory.join(format!("name-{number:06}")))?;
            }
        }
        let commands = format!("ls -1 {}/{name}\n", Server::FILES).repeat(self.times);
        let session = Client::default().log_in(&server.endpoint(false)).await?;
        let (cost, output) = measure(server, session.spent(), session.run(&commands)).await?;
        let listed = output
            .lines()
            .filter(|line| line.contains("/name-"))
            .count();
        let expected = self.names * self.times;
        ensure!(
            listed == expected,
            "{listed} of {expected} names were listed"
        );
        Ok(cost.readings(&self.title(), "µs/name", 1e6, expected as f64))
    }
}
