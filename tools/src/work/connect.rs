//! Connections in turn: key exchange, login, the subsystem, and the end of it all.

use anyhow::Result;

use super::{Reading, measure};
use crate::{client::Client, cpu::CpuTime, servers::Server};

pub(crate) struct Connect {
    pub(crate) times: u32,
    /// One key exchange for all, instead of what client and server prefer.
    pub(crate) same_exchange: bool,
}

impl Connect {
    pub(crate) fn title(&self) -> String {
        let exchange = if self.same_exchange {
            "curve25519"
        } else {
            "preferred key exchange"
        };
        format!("connect, {exchange}")
    }

    pub(crate) async fn run(&self, server: &mut Server) -> Result<Vec<Reading>> {
        let client = Client {
            same_exchange: self.same_exchange,
            ..Client::default()
        };
        let endpoint = server.endpoint(false);
        let work = async {
            for _ in 0..self.times {
                client.log_in(&endpoint).await?.run("bye\n").await?;
            }
            Ok(())
        };
        let (cost, ()) = measure(server, CpuTime::default(), work).await?;
        Ok(cost.readings(&self.title(), "ms", 1e3, f64::from(self.times)))
    }
}
