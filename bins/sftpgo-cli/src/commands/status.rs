//! `sftpgo-cli status` and `version`

use serde::Serialize;

use crate::{
    client::Client,
    exit::{Failure, Result},
    output::{Format, fields},
    wire::{Answer, Version},
};

/// How the server is, from its cheapest answers.
#[derive(Serialize)]
struct Status {
    provider: Provider,
    version: Version,
    connections: usize,
    transfers: usize,
}

#[derive(Serialize)]
struct Provider {
    alive: bool,
    detail: String,
}

#[derive(Serialize)]
struct Versions {
    client: &'static str,
    server: Version,
}

/// Shows all it can before it fails for a database that does not answer.
pub(super) fn status(client: &Client, format: Format) -> Result<()> {
    let version = client.version()?;
    let connections = client.connections()?;
    let (provider, refused) = match client.provider_status() {
        Ok(Answer { message, .. }) => (Provider::alive(message.unwrap_or_default()), None),
        Err(Failure::Refused(error) | Failure::NotFound(error)) => {
            (Provider::dead(error.clone()), Some(error))
        }
        Err(failure) => return Err(failure),
    };
    let status = Status {
        provider,
        version,
        connections: connections.len(),
        transfers: connections
            .iter()
            .map(|connection| connection.transfers().len())
            .sum(),
    };
    format.print(&status, table)?;
    refused.map_or(Ok(()), |error| {
        Err(Failure::Refused(format!(
            "the database does not answer: {error}"
        )))
    })
}

impl Provider {
    fn alive(detail: String) -> Self {
        Self {
            alive: true,
            detail,
        }
    }

    fn dead(detail: String) -> Self {
        Self {
            alive: false,
            detail,
        }
    }
}

fn table(status: &Status) -> String {
    fields([
        ("Server version", status.version.version.clone()),
        ("Data provider", status.provider.detail.clone()),
        ("Connections", status.connections.to_string()),
        ("Transfers", status.transfers.to_string()),
    ])
}

pub(super) fn version(client: &Client, format: Format) -> Result<()> {
    let versions = Versions {
        client: env!("CARGO_PKG_VERSION"),
        server: client.version()?,
    };
    format.print(&versions, |Versions { client, server }| {
        fields([
            ("sftpgo-cli", (*client).to_owned()),
            ("Server", server.version.clone()),
            ("Built", server.build_date.clone()),
            ("Commit", server.commit_hash.clone()),
        ])
    })
}
