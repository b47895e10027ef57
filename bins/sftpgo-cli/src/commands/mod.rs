//! What each command does: asks the server, and hands the answer to the output.

mod connection;
mod credentials;
mod explain;
mod export;
mod import;
mod paginate;
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
        Command::Completions { shell } => completions(shell),
    }
}

fn completions(shell: Shell) -> Result<()> {
    let script = match shell {
        // Where a program's name holds a hyphen, clap_complete names its commands in two ways, and
        // nothing after the first command completes (https://github.com/clap-rs/clap/issues/6421).
        Shell::Bash => generated(Completer::Bash).replace("sftpgo__subcmd__cli", "sftpgo__cli"),
        Shell::Zsh => generated(Completer::Zsh),
        Shell::Fish => generated(Completer::Fish),
    };
    output::raw(script.as_bytes())
}

fn generated(completer: Completer) -> String {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(completer, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Says that something was done: in our words, or with the server's answer.
fn done(format: Format, answer: &Answer, words: &str) -> Result<()> {
    format.print(answer, |_| format!("{}\n", visible(words)))
}
