//! What each command does: asks the server, and hands the answer to the output.

mod connection;
mod credentials;
mod explain;
mod export;
mod generate;
mod import;
mod paginate;
mod quota;
mod status;
mod user;

use crate::{
    cli::{Cli, Command},
    client::Client,
    exit::Result,
    output::Format,
    values::text::visible,
    wire::Answer,
};

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> Result<()> {
    let client = Client::new(cli.global.server);
    let format = cli.global.output;
    match cli.command {
        Command::User(command) => user::run(&client, format, command),
        Command::Connection(command) => connection::run(&client, format, command),
        Command::Quota(command) => quota::run(&client, format, command),
        Command::Status => status::status(&client, format),
        Command::Version => status::version(&client, format),
        Command::Gen(command) => generate::run(command),
        Command::Completions { shell } => generate::completion(shell),
    }
}

/// Says that something was done: in our words, or with the server's answer.
fn done(format: Format, answer: &Answer, words: &str) -> Result<()> {
    format.print(answer, |_| format!("{}\n", visible(words)))
}
