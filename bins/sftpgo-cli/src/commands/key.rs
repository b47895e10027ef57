//! `sftpgo-cli key …`

use serde_json::{Value, json};

use super::admin::shown_time;
use crate::{
    cli::KeyCommand,
    client::Client,
    exit::Result,
    output::{Format, Table},
    values::text::visible,
};

/// The scope of a key of an admin.
const SCOPE: u8 = 1;

pub(super) fn run(client: &Client, format: Format, command: KeyCommand) -> Result<()> {
    match command {
        KeyCommand::Add {
            name,
            admin,
            description,
            expires,
        } => {
            let added = client.add_api_key(&json!({
                "name": name,
                "scope": SCOPE,
                "admin": admin,
                "description": description.unwrap_or_default(),
                "expires_at": expires.unwrap_or(0),
            }))?;
            // Only the key, so that it can be sent to a file.
            format.print(&added, |added| {
                let key = added.get("key").and_then(Value::as_str);
                format!("{}\n", visible(key.unwrap_or_default()))
            })
        }
        KeyCommand::List => format.print(client.api_keys()?.as_slice(), table),
        KeyCommand::Revoke { id } => {
            let answer = client.delete_api_key(&id)?;
            super::done(format, &answer, &format!("API key {id} is revoked."))
        }
    }
}

fn table(keys: &[Value]) -> String {
    if keys.is_empty() {
        return "No API keys.\n".to_owned();
    }
    let mut table = Table::new(["ID", "NAME", "ADMIN", "LAST USE", "EXPIRES", "DESCRIPTION"]);
    for key in keys {
        let text = |name: &str| {
            let value = key.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let time = |name: &str| shown_time(key.get(name).and_then(Value::as_i64).unwrap_or(0));
        table.row([
            text("id"),
            text("name"),
            text("admin"),
            time("last_use_at"),
            time("expires_at"),
            text("description"),
        ]);
    }
    table.render()
}
