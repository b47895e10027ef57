//! A directory of small files, where a round trip and an open file cost more than the bytes.

use std::fs;

use anyhow::{Result, ensure};

use super::{Direction, Reading, measure};
use crate::{
    client::Client,
    scratch::{self, Scratch},
    servers::Server,
};

pub(crate) struct SmallFiles {
    pub(crate) direction: Direction,
    pub(crate) count: usize,
    pub(crate) size: u64,
}

impl SmallFiles {
    pub(crate) fn title(&self) -> String {
        format!(
            "{} files of {} KiB {}",
            self.count,
            self.size / 1024,
            self.direction.title()
        )
    }

    pub(crate) async fn run(&self, server: &mut Server, scratch: &Scratch) -> Result<Vec<Reading>> {
        let source = scratch.small_files(self.count, self.size)?;
        let files = Server::FILES;
        let (target, commands) = match self.direction {
            Direction::Up => {
                let commands = format!("put -r {} {files}/many\n", source.display());
                (server.files.path("many"), commands)
            }
            Direction::Down => {
                let served = server.files.path("served");
                if !served.exists() {
                    scratch::open_directory(&served)?;
                    for file in fs::read_dir(&source)? {
                        let file = file?;
                        fs::copy(file.path(), served.join(file.file_name()))?;
                    }
                }
                let target = scratch.path("many");
                (
                    target.clone(),
                    format!("get -r {files}/served {}\n", target.display()),
                )
            }
        };
        let session = Client::default().log_in(&server.endpoint(false)).await?;
        let (cost, _) = measure(server, session.spent(), session.run(&commands)).await?;
        let arrived = fs::read_dir(&target)?.count();
        ensure!(
            arrived == self.count,
            "{arrived} of {} files arrived",
            self.count
        );
        scratch::remove(&target)?;
        Ok(cost.readings(&self.title(), "ms/file", 1e3, self.count as f64))
    }
}
