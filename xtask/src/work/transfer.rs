//! A large file, up or down, by one client or several at once.

use anyhow::Result;
use futures_util::future::try_join_all;

use super::{Direction, GIB, Reading, measure};
use crate::{
    client::{Cipher, Client, Endpoint},
    scratch::{self, Scratch},
    servers::Server,
};

pub(crate) struct Transfer {
    pub(crate) direction: Direction,
    pub(crate) cipher: Cipher,
    /// How many share the bytes.
    pub(crate) clients: u64,
    pub(crate) large: bool,
    /// By the user with limited bandwidth.
    pub(crate) limited: bool,
    /// All bytes together.
    pub(crate) bytes: u64,
}

impl Transfer {
    pub(crate) fn title(&self) -> String {
        let mut title = format!("{} {}", self.cipher.title(), self.direction.title());
        if self.clients > 1 {
            title += &format!(", {} clients", self.clients);
        }
        if self.large {
            title += ", -B 261120 -R 256";
        }
        if self.limited {
            title += ", bandwidth limited";
        }
        title
    }

    pub(crate) async fn run(&self, server: &mut Server, scratch: &Scratch) -> Result<Vec<Reading>> {
        let client = Client {
            cipher: Some(self.cipher),
            large: self.large,
            same_exchange: false,
        };
        let endpoint = server.endpoint(self.limited);
        let each = self.bytes / self.clients;
        let readings = send(
            server,
            scratch,
            self.direction,
            each,
            self.clients,
            client,
            &endpoint,
        )
        .await?;
        let (cost, bytes) = readings;
        Ok(cost.readings(&self.title(), "s/GiB", 1.0, bytes as f64 / GIB))
    }
}

/// Sends a file of this size for each client, and answers what that took and how many bytes it were.
pub(super) async fn send(
    server: &mut Server,
    scratch: &Scratch,
    direction: Direction,
    each: u64,
    clients: u64,
    client: Client,
    endpoint: &Endpoint,
) -> Result<(super::Cost, u64)> {
    let source = scratch.source(each)?;
    if direction == Direction::Down {
        scratch::place(&source, &server.files.path("source"))?;
    }
    let files = Server::FILES;
    let targets: Vec<_> = (0..clients)
        .map(|number| match direction {
            Direction::Down => scratch.path(&format!("target-{number}")),
            Direction::Up => server.files.path(&format!("target-{number}")),
        })
        .collect();
    let commands: Vec<_> = targets
        .iter()
        .enumerate()
        .map(|(number, target)| match direction {
            Direction::Down => format!("get {files}/source {}\n", target.display()),
            Direction::Up => format!("put {} {files}/target-{number}\n", source.display()),
        })
        .collect();
    let sessions = try_join_all(commands.iter().map(|_| client.log_in(endpoint))).await?;
    let work = sessions
        .into_iter()
        .zip(&commands)
        .map(|(session, commands)| session.run(commands));
    let (cost, _) = measure(server, try_join_all(work)).await?;
    for target in &targets {
        scratch::require_size(target, each)?;
        scratch::remove(target)?;
    }
    scratch::remove(&server.files.path("source"))?;
    Ok((cost, each * clients))
}
