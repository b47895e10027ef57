//! The command line.

mod invocation;

use std::{
    env,
    path::{Path, PathBuf},
};

use clap::{
    ArgAction, ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum,
    builder::BoolishValueParser,
};

use clap_complete::Shell;
use log::LevelFilter;

use crate::{
    config,
    grace::{Drain, Grace},
    logging::LogSettings,
    portable::options as portable,
};

pub(crate) use self::invocation::Invocation;

/// A file-transfer server for virtual users: SFTP, managed over a REST API.
#[derive(Debug, Parser)]
#[command(name = "sftpgo-server", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve until SIGTERM or Ctrl-C.
    Serve(Serve),
    /// Serve one directory at once, to one user who is made up for it, until Ctrl-C.
    Portable(Box<portable::Options>),
    /// Say which configuration would be used and where each value comes from; exit with 1 if it is not valid.
    CheckConfig(Options),
    /// Bring the database up to date without serving, look whether it is, or go back a step.
    Migrate(Migrate),
    /// Make the database, or bring it up to date, without serving: the same as migrate --run.
    #[command(name = "initprovider")]
    InitProvider(Options),
    /// Ask the server of this configuration whether it answers; exit with 1 if it does not within 3 seconds.
    Ping(Options),
    /// Give an admin who is locked out a new password, and everything to do; the server may be running.
    ResetAdmin(ResetAdmin),
    /// Look after the audit log.
    #[command(subcommand)]
    Audit(Audit),
    /// Write manual pages, completions or a configuration file, from what the program knows of itself.
    #[command(subcommand)]
    Gen(Gen),
    /// Start programs for a server that has confined itself; started by that one.
    #[command(hide = true)]
    Launcher,
    /// Say which version this is.
    Version,
}

/// Whom to let in again.
#[derive(Debug, Args)]
pub(crate) struct ResetAdmin {
    /// The name of the admin.
    #[arg(value_name = "NAME")]
    pub(crate) username: String,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Say which lines were changed, dropped, moved or added by another hand; exit with 1 if there are any.
    Verify(AuditVerify),
}

/// Which audit log to verify.
#[derive(Debug, Args)]
pub(crate) struct AuditVerify {
    /// The key of common.audit.key_file; the oldest first where there have been several. Without one, only the chain of
    /// hashes is verified.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Vec<PathBuf>,
    /// Files of one audit log, those that were put aside too, also with .gz.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// What to generate.
#[derive(Debug, Subcommand)]
pub(crate) enum Gen {
    /// Write a manual page for each command to a directory, which is made if it is missing.
    Man {
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Print a script that teaches a shell to complete these commands.
    Completion { shell: Shell },
    /// Print a configuration file with every key at its default.
    Config {
        #[arg(long, value_enum, default_value = "json", value_name = "FORMAT")]
        format: ConfigFormat,
    },
}

/// How a configuration file is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ConfigFormat {
    /// As SFTPGo ships it.
    Json,
    /// With sections.
    Toml,
}

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(flatten)]
    pub(crate) grace: Grace,
    #[command(flatten)]
    pub(crate) drain: Drain,
    /// Follow the server that hands its sockets on over standard input; given by that one.
    #[arg(long, hide = true)]
    pub(crate) succeed: bool,
}

/// What to do to the database.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true)))]
pub(crate) struct Migrate {
    /// Say what a start would change, and change nothing; exit with 3 if there is anything.
    #[arg(long, group = "what")]
    pub(crate) check: bool,
    /// Do what a start would do.
    #[arg(long, group = "what")]
    pub(crate) run: bool,
    /// Take back the last migration. Users, admins, lists of addresses and what restricts the logins of users are not dropped unless
    /// --drop-users, --drop-admins, --drop-ip-lists or --drop-filters is given too.
    #[arg(long, group = "what")]
    pub(crate) revert: bool,
    /// Drop the table users_before_takeover, the copy that the take-over of an SFTPGo 0.9 database left, with the
    /// password hashes in it.
    #[arg(long, group = "what")]
    pub(crate) drop_takeover_copy: bool,
    /// With --revert: drop the table of users, whoever is in it.
    #[arg(long, requires = "revert", conflicts_with_all = ["check", "run"])]
    pub(crate) drop_users: bool,
    /// With --revert: drop the tables of admins and API keys, whoever is in them.
    #[arg(long, requires = "revert", conflicts_with_all = ["check", "run"])]
    pub(crate) drop_admins: bool,
    /// With --revert: drop the lists of addresses, whatever is in them.
    #[arg(long, requires = "revert", conflicts_with_all = ["check", "run"])]
    pub(crate) drop_ip_lists: bool,
    /// With --revert: drop second factors and denied login methods of users, who log in without them then.
    #[arg(long, requires = "revert", conflicts_with_all = ["check", "run"])]
    pub(crate) drop_filters: bool,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Where configuration and log are.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Directory of the configuration file, the database, the host keys and the log.
    #[arg(
        long,
        short = 'c',
        env = "SFTPGO_CONFIG_DIR",
        default_value = ".",
        value_name = "DIR"
    )]
    pub(crate) config_dir: PathBuf,
    /// Name of the configuration file; .json, .toml, .yaml and .yml are looked for.
    #[arg(
        long,
        short = 'f',
        env = "SFTPGO_CONFIG_FILE",
        default_value = config::DEFAULT_NAME,
        value_name = "NAME"
    )]
    pub(crate) config_file: String,
    /// Log file, from the configuration directory; empty is standard error.
    #[arg(
        long,
        short = 'l',
        env = "SFTPGO_LOG_FILE_PATH",
        default_value = "sftpgo.log",
        value_name = "FILE"
    )]
    log_file_path: String,
    /// Megabytes before the log file is put aside; 0 is never.
    #[arg(
        long,
        short = 's',
        env = "SFTPGO_LOG_MAX_SIZE",
        default_value_t = 10,
        value_name = "MB"
    )]
    log_max_size: u64,
    /// Log files put aside that are kept; 0 is all.
    #[arg(
        long,
        short = 'b',
        env = "SFTPGO_LOG_MAX_BACKUPS",
        default_value_t = 5,
        value_name = "NUMBER"
    )]
    log_max_backups: usize,
    /// Days that log files put aside are kept; 0 is for ever.
    #[arg(
        long,
        short = 'a',
        env = "SFTPGO_LOG_MAX_AGE",
        default_value_t = 28,
        value_name = "DAYS"
    )]
    log_max_age: u64,
    /// Compress log files put aside.
    #[arg(
        long,
        short = 'z',
        env = "SFTPGO_LOG_COMPRESS",
        default_value = "false",
        default_missing_value = "true",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new(),
    )]
    log_compress: bool,
    /// Debug lines too; --log-verbose=false leaves them out.
    #[arg(
        long,
        short = 'v',
        env = "SFTPGO_LOG_VERBOSE",
        default_value = "true",
        default_missing_value = "true",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new(),
    )]
    log_verbose: bool,
}

impl Options {
    /// Reads the configuration from the file and the environment; what is wrong with it is in what is returned.
    pub(crate) fn load(&self) -> config::LoadedConfig {
        config::load(&self.config_dir, &self.config_file, env::vars_os())
    }

    /// How to log, with a relative path from `directory`.
    pub(crate) fn log_settings(&self, directory: &Path) -> LogSettings {
        LogSettings {
            file: (!self.log_file_path.is_empty()).then(|| directory.join(&self.log_file_path)),
            max_size: self.log_max_size,
            max_backups: self.log_max_backups,
            max_age: self.log_max_age,
            compress: self.log_compress,
            level: if self.log_verbose {
                LevelFilter::Debug
            } else {
                LevelFilter::Info
            },
        }
    }
}

/// The whole command line, for what is generated from it.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::error::ErrorKind;

    use super::*;
    use crate::grace::EndTimes;

    fn options(arguments: &[&str]) -> Options {
        match Cli::try_parse_from(["sftpgo-server", "serve"].iter().chain(arguments))
            .unwrap()
            .command
        {
            Command::Serve(serve) => serve.options,
            other => panic!("{other:?}"),
        }
    }

    /// As the unit files and scripts of SFTPGo 0.9 have them.
    #[test]
    fn every_flag_of_serve_has_the_short_form_that_operators_know() {
        let short = "-c /srv -f other -l a.log -s 1 -b 2 -a 3 -z=true -v=false";
        let long = "--config-dir /srv --config-file other --log-file-path a.log --log-max-size 1 --log-max-backups 2 \
                    --log-max-age 3 --log-compress=true --log-verbose=false";
        let [short, long] =
            [short, long].map(|line| options(&line.split_whitespace().collect::<Vec<_>>()));
        assert_eq!(format!("{short:?}"), format!("{long:?}"));
        assert_ne!(format!("{short:?}"), format!("{:?}", options(&[])));
        assert!(options(&["-z"]).log_compress);
    }

    #[test]
    fn a_grace_time_is_in_seconds_and_never_negative() {
        let parsed = |value| Cli::try_parse_from(["sftpgo-server", "serve", "--grace-time", value]);
        let Command::Serve(serve) = parsed("90").unwrap().command else {
            panic!("serve was asked for");
        };
        assert_eq!(serve.grace.time(), Duration::from_secs(90));
        for refused in ["-1", "1.5", "10s", ""] {
            let kind = parsed(refused).unwrap_err().kind();
            assert_eq!(kind, ErrorKind::ValueValidation, "{refused}");
        }
    }

    #[test]
    fn a_drain_time_is_the_grace_time_unless_it_is_given() {
        let times = |arguments: &[&str]| {
            let cli = Cli::try_parse_from([&["sftpgo-server", "serve"], arguments].concat());
            let Command::Serve(serve) = cli.unwrap().command else {
                panic!("serve was asked for");
            };
            let EndTimes { stop, drain } = EndTimes::of(&serve.grace, &serve.drain);
            (stop.as_secs(), drain.map(|drain| drain.as_secs()))
        };
        assert_eq!(times(&[]), (0, None));
        assert_eq!(times(&["--grace-time", "30"]), (30, Some(30)));
        assert_eq!(times(&["--drain-time", "60"]), (0, Some(60)));
        assert_eq!(
            times(&["--grace-time", "30", "--drain-time", "0"]),
            (30, None)
        );
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_serve_is_documented_with_its_default() {
        let documentation = include_str!("../../../docs/configuration.md").replace('`', "");
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        for flag in serve
            .get_arguments()
            .filter(|flag| flag.get_env().is_some())
        {
            let short = flag.get_short().map(|short| format!("-{short}, "));
            let default = match flag.get_default_values() {
                [default] => default.display().to_string(),
                // Then it is as another flag says.
                _ => "as --grace-time".to_owned(),
            };
            let row = format!(
                "\n| {}--{} | {} | {} | ",
                short.unwrap_or_default(),
                flag.get_long().unwrap(),
                flag.get_env().unwrap().display(),
                default,
            );
            assert!(documentation.contains(&row), "{row}");
        }
    }

    /// The configuration passes these over when it looks for keys in the environment.
    #[test]
    fn the_configuration_knows_the_variables_of_all_flags() {
        let mut variables: Vec<_> = Cli::command()
            .get_subcommands()
            .flat_map(|command| command.get_arguments())
            .filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned()))
            .collect();
        variables.sort();
        variables.dedup();
        let mut known = config::FLAG_VARIABLES.to_vec();
        known.sort_unstable();
        assert_eq!(variables, known);
    }
}
