//! `gen`: what other programs read about this one, made from the command line and the keys that there are.

use std::{fs, path::Path, process::ExitCode};

use clap_complete::Shell;

use crate::{
    cli::{self, ConfigFormat, Gen},
    config, terminal,
};

/// Writes or prints what is asked for.
pub(crate) fn run(what: &Gen) -> ExitCode {
    let text = match what {
        Gen::Man { directory } => return man(directory),
        Gen::Completion { shell } => completion(*shell),
        Gen::Config { format } => match format {
            ConfigFormat::Json => config::defaults_as_json(),
            ConfigFormat::Toml => config::defaults_as_toml(),
        },
    };
    terminal::say(text.trim_end());
    ExitCode::SUCCESS
}

fn man(directory: &Path) -> ExitCode {
    let written = fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(cli::command(), directory));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let directory = directory.display();
            terminal::complain(&format!("error: {directory} cannot be written: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn completion(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "sftpgo-server", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    // Where a program's name holds a hyphen, clap_complete names its commands in bash in two ways, and nothing after the
    // first command completes (https://github.com/clap-rs/clap/issues/6421).
    script.replace("sftpgo__subcmd__server", "sftpgo__server")
}
