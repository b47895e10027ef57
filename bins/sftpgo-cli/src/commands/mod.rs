//! What each command does: asks the server, and hands the answer to the output.

mod connection;
mod credentials;
mod quota;
mod status;
mod user;

use clap::CommandFactory;
use clap_complete::Shell as Completer;

use crate::{
    cli::{Cli, Command, Shell},
    client::Client,
    exit::Result,
    output::{self, Format},
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
        Command::Completions { shell } => completions(shell),
    }
}

fn completions(shell: Shell) -> Result<()> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(
        match shell {
            Shell::Bash => Completer::Bash,
            Shell::Zsh => Completer::Zsh,
            Shell::Fish => Completer::Fish,
        },
        &mut command,
        name,
        &mut script,
    );
    output::raw(&script)
}

/// Says that something was done: in our words, or with the server's answer.
fn done(format: Format, answer: &Answer, words: &str) -> Result<()> {
    format.print(answer, |_| {
        format!("{}\n", crate::values::text::visible(words))
    })
}
