//! `sftpgo-cli user totp …`

use serde_json::json;
use sftpgo_dump::User;

use crate::{
    cli::TotpCommand,
    client::Client,
    exit::{Failure, Result},
    output::{Format, fields},
    prompt,
    values::text::visible,
    wire::{NewTotp, Totp},
};

pub(super) fn run(client: &Client, format: Format, command: TotpCommand) -> Result<()> {
    match command {
        TotpCommand::Enable {
            target,
            config,
            protocols,
        } => {
            let user = super::user::find(client, &target)?;
            let mut asked = json!({ "protocols": protocols });
            if let (Some(config), Some(asked)) = (config, asked.as_object_mut()) {
                asked.insert("config_name".to_owned(), config.into());
            }
            let made = client.enable_totp(user.id, &asked)?;
            format.print(&made, |made| enabled(&user, made))
        }
        TotpCommand::Disable { target, yes } => {
            if !yes && !prompt::is_interactive() {
                return Err(Failure::Usage(
                    "there is no terminal to ask at: give --yes to disable without being asked"
                        .to_owned(),
                ));
            }
            let user = super::user::find(client, &target)?;
            let name = &user.username;
            let question = format!("Let user {name} log in without a second factor?");
            if !yes && !prompt::confirm(&question)? {
                let kept = format!("user {name} keeps the second factor");
                return Err(Failure::Declined(kept));
            }
            let answer = client.disable_totp(user.id)?;
            let done = format!("User {name} has no second factor any more.");
            super::done(format, &answer, &done)
        }
        TotpCommand::Show { target } => {
            let user = super::user::find(client, &target)?;
            format.print(&client.totp(user.id)?, |totp| shown(&user, totp))
        }
    }
}

/// The secret is shown here and nowhere else.
fn enabled(user: &User, made: &NewTotp) -> String {
    let text = fields([
        ("User", user.username.clone()),
        ("Needed for", made.protocols.join(", ")),
        ("Secret", made.secret.clone()),
        ("Link", made.url.clone()),
        ("Recovery codes", "each passes once".to_owned()),
    ]);
    let codes = made.recovery_codes.iter();
    let text = codes.fold(text, |text, code| format!("{text}  {}\n", visible(code)));
    format!("{text}\nGive these to the user now: nobody is shown them again.\n")
}

fn shown(user: &User, totp: &Totp) -> String {
    fields([
        ("User", user.username.clone()),
        (
            "Second factor",
            if totp.enabled { "yes" } else { "no" }.to_owned(),
        ),
        ("Kind", totp.config_name.clone()),
        ("Needed for", totp.protocols.join(", ")),
        ("Recovery codes left", totp.recovery_codes_left.to_string()),
    ])
}
