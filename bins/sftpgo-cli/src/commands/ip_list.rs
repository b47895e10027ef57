//! `sftpgo-cli iplist …`

use serde_json::Value;

use crate::{
    cli::IpListCommand,
    client::Client,
    exit::Result,
    output::{Format, Table},
};

pub(super) fn run(client: &Client, format: Format, command: IpListCommand) -> Result<()> {
    match command {
        IpListCommand::List { list } => format.print(client.list_entries(list)?.as_slice(), table),
        IpListCommand::Add {
            list,
            network,
            deny,
            description,
        } => {
            let answer = client.add_list_entry(list, &network, deny, &description)?;
            super::done(format, &answer, &format!("{network} is in the list."))
        }
        IpListCommand::Remove { list, network } => {
            let answer = client.delete_list_entry(list, &network)?;
            super::done(format, &answer, &format!("{network} is not in the list."))
        }
    }
}

fn table(entries: &[Value]) -> String {
    if entries.is_empty() {
        return "No entries.\n".to_owned();
    }
    let mut table = Table::new(["NETWORK", "SAYS", "PROTOCOLS", "DESCRIPTION"]);
    for entry in entries {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| entry.get(name).and_then(Value::as_i64).unwrap_or(0);
        let says = match number("mode") {
            1 => "allow",
            2 => "deny",
            _ => "?",
        };
        table.row([
            text("ipornet").to_owned(),
            says.to_owned(),
            protocols(number("protocols")),
            text("description").to_owned(),
        ]);
    }
    table.render()
}

fn protocols(bits: i64) -> String {
    let named = [(1, "SSH"), (2, "FTP"), (4, "DAV"), (8, "HTTP")];
    let names: Vec<_> = named
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    if names.is_empty() {
        "all".to_owned()
    } else {
        names.join(",")
    }
}
