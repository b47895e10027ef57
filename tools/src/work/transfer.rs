//! A large file, up or down, by one client or several at once.

use anyhow::Result;
use futures_util::future::try_join_all;

use super::{Direction, GIB, Reading, measure};
use crate::{
    client::{Cipher, Client, Endpoint, Session},
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
        title += self.client().call();
        if self.limited {
            title += ", bandwidth limited";
        }
        title
    }

    pub(crate) async fn run(&self, server: &mut Server, scratch: &Scratch) -> Result<Vec<Reading>> {
        let endpoint = server.endpoint(self.limited);
        let each = self.bytes / self.clients;
        let sent = send(
            server,
            scratch,
            self.direction,
            each,
            self.clients,
            self.client(),
            &endpoint,
        );
        let (cost, bytes) = sent.await?;
        Ok(cost.readings(&self.title(), "s/GiB", 1.0, bytes as f64 / GIB))
    }

    fn client(&self) -> Client {
        Client {
            cipher: Some(self.cipher),
            large: self.large,
            same_exchange: false,
        }
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
    let already = sessions.iter().map(Session::spent).sum();
    let work = sessions
        .into_iter()
        .zip(&commands)
        .map(|(session, commands)| session.run(commands));
    let (cost, _) = measure(server, already, try_join_all(work)).await?;
    for target in &targets {
        scratch::require_size(target, each)?;
        scratch::remove(target)?;
    }
    scratch::remove(&server.files.path("source"))?;
    Ok((cost, each * clients))
}
