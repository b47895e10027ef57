//! `sftpgo-cli ban …`: whom the defender refuses.

use serde_json::{Value, json};

use crate::{
    cli::{BanCommand, List},
    client::Client,
    exit::{Failure, Result},
    output::{Format, Table},
    values::text::visible,
};

/// The mode of an entry that refuses.
const DENY: i64 = 2;

pub(super) fn run(client: &Client, format: Format, command: BanCommand) -> Result<()> {
    match command {
        BanCommand::List => {
            let mut all = client.defender_hosts()?;
            let entries = client.list_entries(List::Defender)?;
            all.extend(entries.iter().filter(|entry| refuses(entry)).map(as_host));
            format.print(all.as_slice(), table)
        }
        BanCommand::Add {
            network,
            description,
        } => {
            let answer = client.add_list_entry(List::Defender, &network, true, &description)?;
            super::done(format, &answer, &format!("{network} is refused."))
        }
        BanCommand::Remove { network } => remove(client, format, &network),
    }
}

/// A network is an entry's, an address may have a ban or a score besides.
fn remove(client: &Client, format: Format, network: &str) -> Result<()> {
    let mut done = None;
    if !network.contains('/') {
        done = client.forget_host(network)?;
    }
    let entry = client.list_entry(List::Defender, network)?;
    if entry.is_some_and(|entry| refuses(&entry)) {
        done = Some(client.delete_list_entry(List::Defender, network)?);
    }
    match done {
        Some(answer) => super::done(format, &answer, &format!("{network} is not refused.")),
        None => Err(Failure::Refused(format!(
            "nothing refuses {network}, unless it is in a network that `ban list` shows"
        ))),
    }
}

fn refuses(entry: &Value) -> bool {
    entry.get("mode").and_then(Value::as_i64) == Some(DENY)
}

fn as_host(entry: &Value) -> Value {
    json!({
        "ip": entry.get("ipornet"),
        "description": entry.get("description"),
    })
}

fn table(hosts: &[Value]) -> String {
    if hosts.is_empty() {
        return "Nobody is refused, and no failed logins are counted.\n".to_owned();
    }
    let mut table = Table::new(["ADDRESS", "REFUSED", "SCORE", "DESCRIPTION"]);
    for host in hosts {
        let text = |name: &str| host.get(name).and_then(Value::as_str).unwrap_or_default();
        let score = host.get("score").and_then(Value::as_i64);
        let refused = match (text("ban_time"), score) {
            ("", None) => "always".to_owned(),
            ("", Some(_)) => "no".to_owned(),
            (until, _) => format!("until {until}"),
        };
        table.row([
            text("ip").to_owned(),
            refused,
            score.map(|score| score.to_string()).unwrap_or_default(),
            visible(text("description")),
        ]);
    }
    table.render()
}
