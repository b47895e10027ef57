//! What is made from the command line's definition: manual pages and completions.

use std::{fs, path::Path};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{
    cli::{Cli, GenCommand},
    exit::{Failure, Result},
    output,
};

pub(super) fn run(command: GenCommand) -> Result<()> {
    match command {
        GenCommand::Man { directory } => man(&directory),
        GenCommand::Completion { shell } => completion(shell),
    }
}

fn man(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory))
        .map_err(|error| Failure::Usage(format!("cannot write {}: {error}", directory.display())))
}

pub(super) fn completion(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sftpgo-cli", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    // Where a program's name holds a hyphen, clap_complete names its commands in bash in two ways, and nothing after the
    // first command completes (https://github.com/clap-rs/clap/issues/6421).
    output::raw(
        script
            .replace("sftpgo__subcmd__cli", "sftpgo__cli")
            .as_bytes(),
    )
}
