//! A file over a long way, where the window decides: in a network namespace whose loopback waits (netem), or, where the
//! kernel has none, through a relay of ours that waits.

use std::time::Duration;

use anyhow::Result;

use super::{Direction, GIB, Reading, namespace, relay, transfer};
use crate::{
    client::{Client, Endpoint},
    scratch::Scratch,
    servers::Server,
};

pub(crate) struct Network {
    pub(crate) direction: Direction,
    pub(crate) round_trip: Duration,
    pub(crate) bytes: u64,
    pub(crate) client: Client,
    /// By the user with limited bandwidth.
    pub(crate) limited: bool,
}

impl Network {
    pub(crate) fn title(&self) -> String {
        let millis = self.round_trip.as_millis();
        let limited = if self.limited {
            ", bandwidth limited"
        } else {
            ""
        };
        format!(
            "{millis} ms round trip {}{}{limited}",
            self.direction.title(),
            self.client.call()
        )
    }

    pub(crate) async fn run(&self, server: &mut Server, scratch: &Scratch) -> Result<Vec<Reading>> {
        let one_way = self.round_trip / 2;
        let endpoint = server.endpoint(self.limited);
        let cost = match &endpoint.namespace {
            Some(path) => {
                namespace::delay(path, one_way)?;
                self.send(server, scratch, &endpoint).await?
            }
            None => {
                let relay = relay::Relay::start(&endpoint.host, endpoint.port, one_way).await?;
                let nearer = Endpoint {
                    host: "127.0.0.1".to_owned(),
                    port: relay.port(),
                    ..endpoint
                };
                self.send(server, scratch, &nearer).await?
            }
        };
        Ok(cost.readings(&self.title(), "s/GiB", 1.0, self.bytes as f64 / GIB))
    }

    async fn send(
        &self,
        server: &mut Server,
        scratch: &Scratch,
        endpoint: &Endpoint,
    ) -> Result<super::Cost> {
        let sent = transfer::send(
            server,
            scratch,
            self.direction,
            self.bytes,
            1,
            self.client,
            endpoint,
        );
        sent.await.map(|(cost, _)| cost)
    }
}
