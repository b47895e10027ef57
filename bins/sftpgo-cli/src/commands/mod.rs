//! What each command does: asks the server, and hands the answer to the output.

mod admin;
mod ban;
mod connection;
mod credentials;
mod explain;
mod export;
mod generate;
mod import;
mod ip_list;
mod key;
mod login;
mod paginate;
mod quota;
mod receipt;
mod status;
mod totp;
mod user;

use crate::{
    cli::{Cli, Command},
    client::Client,
    exit::Result,
    identity,
    output::Format,
    values::text::visible,
    wire::Answer,
};

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> Result<()> {
    let format = cli.global.output;
    // What is made of this program alone asks no server.
    let command = match cli.command {
        Command::Gen(command) => return generate::run(command),
        Command::Completions { shell } => return generate::completion(shell),
        command => command,
    };
    let (server, identity) = identity::of(&cli.global)?;
    let client = Client::new(server, identity);
    match command {
        Command::Login(login) => login::run(&client, &cli.global, &login),
        Command::Admin(command) => admin::run(&client, format, command),
        Command::Key(command) => key::run(&client, format, command),
        Command::Ban(command) => ban::run(&client, format, command),
        Command::Iplist(command) => ip_list::run(&client, format, command),
        Command::User(command) => user::run(&client, format, command),
        Command::Receipt(asked) => receipt::run(&client, format, &asked),
        Command::Connection(command) => connection::run(&client, format, command),
        Command::Quota(command) => quota::run(&client, format, command),
        Command::Status => status::status(&client, format),
        Command::Version => status::version(&client, format),
        Command::Gen(_) | Command::Completions { .. } => Ok(()),
    }
}

/// Says that something was done: in our words, or with the server's answer.
fn done(format: Format, answer: &Answer, words: &str) -> Result<()> {
    format.print(answer, |_| format!("{}\n", visible(words)))
}
