//! Memory of a server with connections that do nothing, and a transfer beside them. They are opened by this program, for a
//! process for each of a thousand clients would cost more than what is measured.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use russh::{
    Channel, ChannelMsg, Disconnect,
    client::{self, Handle, Msg},
    keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key},
};

use super::{Direction, GIB, Reading, transfer::send};
use crate::{
    client::{Cipher, Client, Endpoint},
    cpu::Memory,
    scratch::Scratch,
    servers::Server,
};

/// Logins under way at once; servers limit them.
const AT_ONCE: usize = 8;
/// For buffers that are given back after the login.
const REST: Duration = Duration::from_secs(2);
/// SFTP's INIT of version 3, with its length.
const INIT: &[u8] = &[0, 0, 0, 5, 1, 0, 0, 0, 3];
const MIB: f64 = (1 << 20) as f64;

pub(crate) struct Idle {
    /// How many to hold, ascending.
    pub(crate) counts: Vec<usize>,
    /// Bytes that are transferred beside the most of them.
    pub(crate) beside: u64,
}

/// A connection, logged in and with an SFTP session.
struct Connection {
    handle: Handle<Trusting>,
    _channel: Channel<Msg>,
}

impl Idle {
    pub(crate) fn title(&self) -> String {
        "idle connections".to_owned()
    }

    pub(crate) async fn run(&self, server: &mut Server, scratch: &Scratch) -> Result<Vec<Reading>> {
        let endpoint = &server.endpoint.clone();
        let key = Arc::new(load_secret_key(&endpoint.key, None)?);
        let config = Arc::new(client::Config {
            inactivity_timeout: None,
            ..client::Config::default()
        });
        let before = server.processes.memory()?;
        let mut open = Vec::new();
        let mut readings = Vec::new();
        for count in &self.counts {
            let more = count.saturating_sub(open.len());
            let new = stream::iter(0..more)
                .map(|_| connect(endpoint, Arc::clone(&key), Arc::clone(&config)));
            let new: Vec<_> = new.buffer_unordered(AT_ONCE).try_collect().await?;
            open.extend(new);
            tokio::time::sleep(REST).await;
            readings.extend(told(*count, before, server.processes.memory()?));
        }
        if !open.is_empty() {
            readings.extend(self.transfer_beside(open.len(), server, scratch).await?);
        }
        for connection in open {
            let left = connection.handle;
            left.disconnect(Disconnect::ByApplication, "", "").await?;
        }
        Ok(readings)
    }

    async fn transfer_beside(
        &self,
        count: usize,
        server: &mut Server,
        scratch: &Scratch,
    ) -> Result<Vec<Reading>> {
        let cipher = Cipher::Aes128Gcm;
        let client = Client {
            cipher: Some(cipher),
            ..Client::default()
        };
        let endpoint = server.endpoint.clone();
        let mut readings = Vec::new();
        for direction in Direction::BOTH {
            let (cost, bytes) = send(
                server,
                scratch,
                direction,
                self.beside,
                1,
                client,
                &endpoint,
            )
            .await?;
            let title = format!(
                "{} {} beside {count} idle connections",
                cipher.title(),
                direction.title()
            );
            readings.extend(cost.readings(&title, "s/GiB", 1.0, bytes as f64 / GIB));
        }
        Ok(readings)
    }
}

fn told(count: usize, before: Memory, now: Memory) -> Vec<Reading> {
    let reading = |figure: &str, unit, value| Reading {
        row: format!("{count} idle connections: {figure}"),
        unit,
        value,
    };
    let mut readings = vec![
        reading("RSS", "MiB", now.rss as f64 / MIB),
        reading("PSS", "MiB", now.pss as f64 / MIB),
    ];
    if count > 0 {
        let each = now.pss.saturating_sub(before.pss) as f64 / 1024.0 / count as f64;
        readings.push(reading("PSS of each", "KiB", each));
    }
    readings
}

async fn connect(
    endpoint: &Endpoint,
    key: Arc<PrivateKey>,
    config: Arc<client::Config>,
) -> Result<Connection> {
    let mut handle =
        client::connect(config, (endpoint.host.as_str(), endpoint.port), Trusting).await?;
    let key = PrivateKeyWithHashAlg::new(key, None);
    let login = handle.authenticate_publickey(&endpoint.user, key).await?;
    if !login.success() {
        bail!("the key is not accepted");
    }
    let mut channel = handle.channel_open_session().await?;
    channel.request_subsystem(true, "sftp").await?;
    channel.data(INIT).await?;
    loop {
        match channel
            .wait()
            .await
            .context("the server closed an idle connection")?
        {
            ChannelMsg::Data { .. } => {
                return Ok(Connection {
                    handle,
                    _channel: channel,
                });
            }
            ChannelMsg::Failure | ChannelMsg::Close => bail!("the server offers no SFTP"),
            _ => {}
        }
    }
}

pub(crate) struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _key: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(true)
    }
}
