//! `sftpgo-cli connection …`

use crate::{
    cli::ConnectionCommand,
    client::Client,
    exit::Result,
    output::{Format, Table},
    values::{date, size},
    wire::Connection,
};

pub(super) fn run(client: &Client, format: Format, command: ConnectionCommand) -> Result<()> {
    match command {
        ConnectionCommand::List => format.print(client.connections()?.as_slice(), |connections| {
            tables(connections, date::now())
        }),
        ConnectionCommand::Close { id } => {
            let answer = client.close_connection(&id)?;
            super::done(format, &answer, &format!("Connection {id} is closed."))
        }
    }
}

/// The connections, and below them what they transfer.
fn tables(connections: &[Connection], now: i64) -> String {
    if connections.is_empty() {
        return "No connections.\n".to_owned();
    }
    let mut people = Table::new([
        "CONNECTION",
        "USER",
        "PROTOCOL",
        "FROM",
        "CLIENT",
        "SINCE",
        "IDLE",
        "TRANSFERS",
    ]);
    let mut files = Table::new(["CONNECTION", "TRANSFER", "PATH", "SO FAR", "SINCE"]);
    for connection in connections {
        people.row([
            connection.connection_id.clone(),
            connection.username.clone(),
            connection.protocol.clone(),
            connection.remote_address.clone(),
            connection.client_version.clone(),
            date::show(connection.connection_time),
            date::show_since(connection.last_activity, now),
            connection.transfers().len().to_string(),
        ]);
        for transfer in connection.transfers() {
            files.row([
                connection.connection_id.clone(),
                transfer.operation_type.clone(),
                transfer.path.clone(),
                size::show(transfer.size),
                date::show(transfer.start_time),
            ]);
        }
    }
    if files.is_empty() {
        people.render()
    } else {
        format!("{}\n{}", people.render(), files.render())
    }
}
