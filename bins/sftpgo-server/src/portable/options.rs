//! The flags of `portable`: those of SFTPGo 0.9.4, and those of 2.7 that mean something here.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, ValueEnum, builder::BoolishValueParser};
use log::LevelFilter;

use crate::grace::Grace;

/// What to serve, to whom.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Directory to serve.
    #[arg(long, short = 'd', default_value = ".", value_name = "DIR")]
    pub(super) directory: PathBuf,
    /// TCP port; 0 lets the system choose one that is free.
    #[arg(
        long,
        short = 's',
        default_value_t = 0,
        value_name = "PORT",
        value_parser = clap::value_parser!(u16),
        allow_negative_numbers = true
    )]
    pub(super) sftpd_port: u16,
    /// SSH commands and scp; "*" is all of them.
    #[arg(
        long,
        value_delimiter = ',',
        default_values = ["*"],
        value_name = "NAMES"
    )]
    pub(super) ssh_commands: Vec<String>,
    /// Name of the user.
    #[arg(long, short = 'u', default_value = "user", value_name = "NAME")]
    pub(super) username: String,
    /// Password of the user. Without one, and without a key, one is made up and shown.
    #[arg(
        long,
        short = 'p',
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true,
        value_name = "TEXT"
    )]
    pub(super) password: String,
    /// File whose first line is the password.
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    pub(super) password_file: Option<PathBuf>,
    /// Public key of the user, or a file of them as authorized_keys.
    #[arg(long, short = 'k', value_name = "KEY")]
    pub(super) public_key: Vec<String>,
    /// What the user may do.
    #[arg(
        long,
        short = 'g',
        value_delimiter = ',',
        default_values = ["list", "download"],
        value_name = "NAMES"
    )]
    pub(super) permissions: Vec<String>,
    /// Log file; empty is none.
    #[arg(
        long,
        short = 'l',
        default_value = "",
        hide_default_value = true,
        value_name = "FILE"
    )]
    pub(super) log_file_path: String,
    /// Which lines the log file gets.
    #[arg(long, value_enum, default_value = "debug", value_name = "LEVEL")]
    pub(super) log_level: LogLevel,
    /// Announce the service by multicast DNS (_sftp-ssh._tcp).
    #[arg(
        long,
        short = 'S',
        default_value = "false",
        default_missing_value = "true",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new(),
    )]
    pub(super) advertise_service: bool,
    /// Announce the user's name and password with it: everybody in the network gets them.
    #[arg(
        long,
        short = 'C',
        default_value = "false",
        default_missing_value = "true",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new(),
    )]
    pub(super) advertise_credentials: bool,
    #[command(flatten)]
    pub(super) grace: Grace,
    /// Directory of a configuration file. Without this and the next one none is read.
    #[arg(long, short = 'c', env = "SFTPGO_CONFIG_DIR", value_name = "DIR")]
    pub(super) config_dir: Option<PathBuf>,
    /// Name of the configuration file; .json, .toml, .yaml and .yml are looked for.
    #[arg(long, env = "SFTPGO_CONFIG_FILE", value_name = "NAME")]
    pub(super) config_file: Option<String>,
    #[command(flatten)]
    pub(super) others: Others,
}

/// Flags of SFTPGo that scripts have: at these defaults they ask for nothing, and for anything else they are refused.
#[derive(Debug, Args)]
pub(crate) struct Others {
    #[arg(long, short = 'f', default_value = "osfs", hide = true)]
    pub(super) fs_provider: String,
    #[arg(long, default_value = "/", hide = true)]
    pub(super) start_directory: String,
    #[arg(long, hide = true)]
    pub(super) allowed_patterns: Vec<String>,
    #[arg(long, hide = true)]
    pub(super) denied_patterns: Vec<String>,
    #[arg(long, hide = true)]
    pub(super) allowed_extensions: Vec<String>,
    #[arg(long, hide = true)]
    pub(super) denied_extensions: Vec<String>,
    #[arg(long, default_value_t = -1, hide = true, allow_negative_numbers = true)]
    pub(super) ftpd_port: i32,
    #[arg(long, default_value_t = -1, hide = true, allow_negative_numbers = true)]
    pub(super) webdav_port: i32,
    #[arg(long, default_value_t = -1, hide = true, allow_negative_numbers = true)]
    pub(super) httpd_port: i32,
}

/// As SFTPGo names them.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LogLevel {
    /// Everything.
    Debug,
    /// What happened.
    Info,
    /// What went wrong and was got over.
    Warn,
    /// What went wrong.
    Error,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warn => Self::Warn,
            LogLevel::Error => Self::Error,
        }
    }
}

impl Options {
    /// Returns where a configuration is looked for, and by which name. None where nobody asks for one: a file that happens
    /// to lie in a directory, as somebody else made it, must not have programs run here.
    pub(super) fn configuration(&self) -> Option<(&Path, &str)> {
        let name = self.config_file.as_deref();
        match (&self.config_dir, name) {
            (None, None) => None,
            (Some(directory), _) => Some((directory, name.unwrap_or_default())),
            (None, Some(name)) => Some((Path::new("."), name)),
        }
    }
}

impl Others {
    /// Returns what is asked for and not done: the flag, and why.
    pub(super) fn refused(&self) -> Option<(&'static str, String)> {
        let patterns = "rules by names of files are not offered: serve a directory that has only what may be seen";
        let protocols = "SFTP and scp are all that is offered: leave it out, or say -1";
        for (flag, given) in [
            ("--allowed-patterns", &self.allowed_patterns),
            ("--denied-patterns", &self.denied_patterns),
            ("--allowed-extensions", &self.allowed_extensions),
            ("--denied-extensions", &self.denied_extensions),
        ] {
            if !given.is_empty() {
                return Some((flag, patterns.to_owned()));
            }
        }
        for (flag, port) in [
            ("--ftpd-port", self.ftpd_port),
            ("--webdav-port", self.webdav_port),
            ("--httpd-port", self.httpd_port),
        ] {
            if port >= 0 {
                return Some((flag, protocols.to_owned()));
            }
        }
        if !["osfs", "0"].contains(&self.fs_provider.as_str()) {
            let reason = format!(
                "{:?} is not offered: only directories of this machine are served (osfs)",
                self.fs_provider
            );
            return Some(("--fs-provider", reason));
        }
        (self.start_directory != "/").then(|| {
            let reason = "clients always start at /: serve the directory itself with --directory";
            ("--start-directory", reason.to_owned())
        })
    }
}
