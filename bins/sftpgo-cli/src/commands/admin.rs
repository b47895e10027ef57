//! `sftpgo-cli admin …`

use std::path::Path;

use serde_json::{Value, json};

use super::credentials;
use crate::{
    cli::{AdminCommand, AdminFields, PasswordSource},
    client::Client,
    exit::{Failure, Result},
    identity::Identity,
    output::{Format, Table},
    prompt,
    values::{date, text::visible},
};

pub(super) fn run(client: &Client, format: Format, command: AdminCommand) -> Result<()> {
    match command {
        AdminCommand::Add {
            name,
            setup_code_file,
            password,
            fields,
        } => add(
            client,
            format,
            &name,
            setup_code_file.as_deref(),
            &password,
            &fields,
        ),
        AdminCommand::List => format.print(client.admins()?.as_slice(), table),
        AdminCommand::Show { name } => format.print(&client.admin(&name)?, |admin| {
            let pretty = serde_json::to_string_pretty(admin).unwrap_or_default();
            format!("{pretty}\n")
        }),
        AdminCommand::Update { name, fields } => {
            let mut admin = client.admin(&name)?;
            apply(&mut admin, &fields);
            let answer = client.replace_admin(&name, &admin)?;
            super::done(format, &answer, &format!("Admin {name} is changed."))
        }
        AdminCommand::Delete { name, yes } => delete(client, format, &name, yes),
        AdminCommand::ResetPassword { name, password } => {
            let mut admin = client.admin(&name)?;
            set(
                &mut admin,
                "password",
                new_password(client, &name, &password)?,
            );
            let answer = client.replace_admin(&name, &admin)?;
            let words = format!("Admin {name} has a new password.");
            super::done(format, &answer, &words)
        }
    }
}

/// Adds an admin; without a login it is the first one.
fn add(
    client: &Client,
    format: Format,
    name: &str,
    setup_code_file: Option<&Path>,
    password: &PasswordSource,
    fields: &AdminFields,
) -> Result<()> {
    let as_first;
    let client = if setup_code_file.is_some() || client.is_nobody() {
        let code = match setup_code_file {
            Some(file) => credentials::line_of(file, "setup code")?,
            None => prompt::secret("Setup code: ")?,
        };
        as_first = client.with_identity(Identity::SetupCode(code));
        &as_first
    } else {
        client
    };
    let mut admin = json!({"username": name, "status": 1, "permissions": ["*"]});
    apply(&mut admin, fields);
    set(
        &mut admin,
        "password",
        new_password(client, name, password)?,
    );
    let added = client.add_admin(&admin)?;
    format.print(&added, |_| {
        format!("{}\n", visible(&format!("Admin {name} is added.")))
    })
}

fn delete(client: &Client, format: Format, name: &str, yes: bool) -> Result<()> {
    if !yes {
        if !prompt::is_interactive() {
            return Err(Failure::Usage(
                "there is no terminal to ask at: give --yes".to_owned(),
            ));
        }
        let question = format!("Delete the admin {}, with its API keys?", visible(name));
        if !prompt::confirm(&question)? {
            return Err(Failure::Declined("nothing is deleted".to_owned()));
        }
    }
    let answer = client.delete_admin(name)?;
    super::done(format, &answer, &format!("Admin {name} is deleted."))
}

fn new_password(client: &Client, name: &str, source: &PasswordSource) -> Result<String> {
    client.warn_before_a_password();
    match credentials::password(source)? {
        Some(password) => Ok(password),
        None if prompt::is_interactive() => prompt::new_password(name),
        None => Err(Failure::Usage(
            "a password is needed and there is no terminal to ask at: give --password-stdin or --password-file"
                .to_owned(),
        )),
    }
}

/// Changes an admin: what was given replaces what is there.
fn apply(admin: &mut Value, fields: &AdminFields) {
    if !fields.permissions.is_empty() {
        set(admin, "permissions", fields.permissions.clone());
    }
    for (name, given) in [
        ("email", &fields.email),
        ("description", &fields.description),
    ] {
        if let Some(text) = given {
            set(admin, name, text.clone());
        }
    }
    if fields.enable || fields.disable {
        set(admin, "status", u8::from(fields.enable));
    }
    let mut filters = admin
        .get("filters")
        .cloned()
        .unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    if let Some(networks) = &fields.allow_from {
        let networks: Vec<_> = networks.iter().filter(|text| !text.is_empty()).collect();
        set(&mut filters, "allow_list", networks);
    }
    if let Some(allowed) = fields.allow_api_keys {
        set(&mut filters, "allow_api_key_auth", allowed);
    }
    set(admin, "filters", filters);
}

fn set(object: &mut Value, name: &str, value: impl serde::Serialize) {
    if let (Some(object), Ok(value)) = (object.as_object_mut(), serde_json::to_value(value)) {
        object.insert(name.to_owned(), value);
    }
}

fn table(admins: &[Value]) -> String {
    if admins.is_empty() {
        return "No admins.\n".to_owned();
    }
    let mut table = Table::new([
        "NAME",
        "STATUS",
        "PERMISSIONS",
        "SECOND FACTOR",
        "LAST LOGIN",
        "DESCRIPTION",
    ]);
    for admin in admins {
        let text = |name: &str| {
            let value = admin.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let has_second_factor = admin.pointer("/filters/totp_config/enabled") == Some(&json!(true));
        let permissions = admin.get("permissions").and_then(Value::as_array);
        let permissions = permissions.into_iter().flatten().filter_map(Value::as_str);
        let last_login = admin.get("last_login").and_then(Value::as_i64).unwrap_or(0);
        table.row([
            text("username"),
            if admin.get("status") == Some(&json!(1)) {
                "enabled".to_owned()
            } else {
                "disabled".to_owned()
            },
            permissions.collect::<Vec<_>>().join(","),
            if has_second_factor { "yes" } else { "no" }.to_owned(),
            shown_time(last_login),
            text("description"),
        ]);
    }
    table.render()
}

/// 0 is never.
pub(super) fn shown_time(millis: i64) -> String {
    if millis == 0 {
        "never".to_owned()
    } else {
        date::show(millis)
    }
}
