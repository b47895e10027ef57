//! The command line of this process, with the variables of the environment that stand for flags.

use std::{
    any::TypeId,
    env,
    ffi::{OsStr, OsString},
    process::ExitCode,
};

use clap::{
    Arg, ArgMatches, CommandFactory, FromArgMatches, builder::Resettable, error::ErrorKind,
    parser::ValueSource,
};

use super::{Cli, Command};

/// The command line as it was understood.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) command: Command,
    /// A line for each flag: its value and where it comes from.
    pub(crate) flags: String,
}

impl Invocation {
    /// Of this process. Help and complaints have been printed when there is none.
    ///
    /// # Errors
    /// What to exit with: 0 after help, 1 for a bad value, 2 for wrong usage; `portable` knows only 0 and 1.
    pub(crate) fn of_process() -> Result<Self, ExitCode> {
        let is_portable = env::args_os().nth(1).is_some_and(|name| name == "portable");
        let parsed = without_empty_variables(Cli::command(), &|name| env::var_os(name))
            .try_get_matches()
            .and_then(|matches| {
                let flags = flags(&matches);
                let Cli { command } = Cli::from_arg_matches(&matches)?;
                Ok(Self { command, flags })
            });
        parsed.map_err(|error| {
            let _ = error.print();
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::InvalidUtf8 => {
                    ExitCode::FAILURE
                }
                _ if is_portable => ExitCode::FAILURE,
                _ => ExitCode::from(2),
            }
        })
    }
}

/// Empty variables set nothing, as container platforms write those that nobody filled in; but a text may be meant to be empty.
/// `variable` returns the value of the one that has this name.
fn without_empty_variables(
    command: clap::Command,
    variable: &dyn Fn(&OsStr) -> Option<OsString>,
) -> clap::Command {
    let sets_nothing = |arg: &Arg| {
        arg.get_value_parser().type_id() != TypeId::of::<String>()
            && arg
                .get_env()
                .and_then(variable)
                .is_some_and(|value| value.to_string_lossy().trim().is_empty())
    };
    command
        .mut_args(|arg| match sets_nothing(&arg) {
            true => arg.env(Resettable::Reset),
            false => arg,
        })
        .mut_subcommands(|command| without_empty_variables(command, variable))
}

fn flags(matches: &ArgMatches) -> String {
    let Some((_, matches)) = matches.subcommand() else {
        return String::new();
    };
    let line = |id: &clap::Id| {
        let flag = id.as_str().replace('_', "-");
        let value = matches.get_raw(id.as_str())?.next()?.to_string_lossy();
        let source = match matches.value_source(id.as_str())? {
            ValueSource::EnvVariable => {
                format!("SFTPGO_{}", id.as_str().to_ascii_uppercase())
            }
            ValueSource::CommandLine => "command line".to_owned(),
            _ => "default".to_owned(),
        };
        Some(format!("--{flag} = {value:?}  # {source}\n"))
    };
    // The group of all of them has an id too, but no value.
    let mut lines: Vec<_> = matches
        .ids()
        .filter(|id| id.as_str().contains('_'))
        .filter_map(line)
        .collect();
    lines.sort();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn an_empty_variable_of_a_flag_sets_nothing_unless_the_flag_takes_a_text() {
        let heard = |value: &str| -> Vec<String> {
            let command = without_empty_variables(Cli::command(), &|_| Some(value.into()));
            let serve = command.find_subcommand("serve").unwrap();
            let variables = serve.get_arguments().filter_map(Arg::get_env);
            variables
                .map(|name| name.to_string_lossy().into_owned())
                .collect()
        };
        for empty in ["", " "] {
            assert_eq!(heard(empty), ["SFTPGO_CONFIG_FILE", "SFTPGO_LOG_FILE_PATH"]);
        }
        assert_eq!(heard("x").len(), config::FLAG_VARIABLES.len());
    }
}
