//! The command line. What clap accepts is valid as far as it can be known without the server.

mod admin;
mod ban;
mod receipt;
mod user;
mod user_export;
mod user_import;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::NonEmptyStringValueParser};
use clap_complete::Shell;

pub(crate) use admin::{AdminCommand, AdminFields, KeyCommand, Login};
pub(crate) use ban::{BanCommand, IpListCommand, List};
pub(crate) use receipt::Receipt;
pub(crate) use user::{
    Explain, Limits, NO_METHOD, Order, PasswordSource, Target, TotpCommand, UserCommand,
    UserFields, UserUpdate,
};
pub(crate) use user_export::Export;
pub(crate) use user_import::Import;

use crate::{output::Format, values::server::ServerUrl};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused: the server's reason is on stderr
  2  wrong usage
  3  the server cannot be reached
  4  answered, and the answer is no (user explain)
  5  done for all but those that cannot be taken over (user import)

Examples:
  sftpgo-cli user add alice --home-dir /srv/alice
  sftpgo-cli user list
  sftpgo-cli --server http://files.lan:8080 connection list
  SFTPGO_URL=http://files.lan:8080 sftpgo-cli status --output json";

/// Manages an SFTPGo server through its REST API
#[derive(Debug, Parser)]
#[command(name = "sftpgo-cli", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Where the server's REST API is; the profile's, or http://127.0.0.1:8080
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        env = "SFTPGO_URL",
        value_name = "URL"
    )]
    pub(crate) server: Option<ServerUrl>,
    /// Which of the kept logins to use: a server, and who one is there
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        env = "SFTPGO_PROFILE",
        value_name = "NAME",
        default_value = "default"
    )]
    pub(crate) profile: String,
    /// A file with an API key to use instead of a login; SFTPGO_API_KEY may hold the key itself
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        alias = "api-key-file",
        value_name = "FILE"
    )]
    pub(crate) api_key: Option<PathBuf>,
    /// For people, or for scripts
    #[arg(
        long,
        short,
        global = true,
        help_heading = "Global options",
        value_enum,
        value_name = "FORMAT",
        default_value = "table"
    )]
    pub(crate) output: Format,
}

/// The kinds of thing there are to manage.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log in as an admin, for the commands that follow
    #[command(after_help = "\
The token is kept in ~/.config/sftpgo/cli.toml, and passes as long as the server says.

Examples:
  sftpgo-cli login --username root
  sftpgo-cli --profile lan --server https://files.lan:8080 login
  sftpgo-cli --profile lan user list")]
    Login(Login),
    /// Add, list, show, change and delete admins
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Make, list and revoke API keys, by which programs act for an admin
    #[command(subcommand)]
    Key(KeyCommand),
    /// See whom the defender refuses, refuse somebody, and let somebody in again
    #[command(subcommand)]
    Ban(BanCommand),
    /// List, add and remove addresses that are let in, spared or refused
    #[command(subcommand)]
    Iplist(IpListCommand),
    /// Add, list, show, change and delete users, and move them from and to other servers
    #[command(subcommand)]
    User(UserCommand),
    /// Have it signed by the server what it got of a user
    #[command(after_help = "\
Prints what is signed, a line of JSON, and behind it the signature. With --save the line goes to
FILE and the signature to FILE.sig, which are not there yet. A receipt of the last upload to the
path is kept where sftpd.receipts_dir says so; else the file is read as it is. This is an extension
that SFTPGo's REST API does not have.

Examples:
  sftpgo-cli receipt alice /reports/a.csv
  sftpgo-cli receipt alice /reports/a.csv --save a.receipt
  ssh-keygen -Y verify -f signers -I files.example.org -n receipt@sftpgo-rs.github.io \\
    -s a.receipt.sig < a.receipt")]
    Receipt(Receipt),
    /// See who is connected, and end a connection
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Count again what a user's files take up
    #[command(subcommand)]
    Quota(QuotaCommand),
    /// Tell whether the server and its database work, and how busy it is
    #[command(after_help = "\
Examples:
  sftpgo-cli status
  sftpgo-cli status --output json | jq .provider.alive

Exits with 1 when the server answers but its database does not.")]
    Status,
    /// Tell the versions of this program and of the server
    #[command(after_help = "\
Examples:
  sftpgo-cli version
  sftpgo-cli --version    # without asking the server")]
    Version,
    /// Write manual pages, or a script by which a shell completes these commands
    #[command(subcommand)]
    Gen(GenCommand),
    /// Print a completion script: the same as `gen completion`
    #[command(
        hide = true,
        after_help = "\
Example:
  sftpgo-cli completions bash > /etc/bash_completion.d/sftpgo-cli"
    )]
    Completions {
        /// For which shell
        shell: Shell,
    },
}

/// `sftpgo-cli connection …`
#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// List the live connections and the files they transfer
    #[command(after_help = "\
Examples:
  sftpgo-cli connection list
  sftpgo-cli connection list --output json | jq -r '.[].connection_id'")]
    List,
    /// End a connection
    #[command(after_help = "\
Example:
  sftpgo-cli connection close SFTP_4f1c2a    # the id as `connection list` shows it")]
    Close {
        /// Its id
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
}

/// `sftpgo-cli quota …`
#[derive(Debug, Subcommand)]
pub(crate) enum QuotaCommand {
    /// Start to count a user's files; the count goes on in the server
    #[command(after_help = "\
Examples:
  sftpgo-cli quota scan alice
  sftpgo-cli user show alice    # the usage, once the scan is done")]
    Scan {
        /// The user's name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Show how the last scan of a user ended, and which directories it could not read
    #[command(after_help = "\
Exits with 5 when a directory could not be read, with 1 when nothing was counted, and with 4 when
no scan has ended. This is an extension that SFTPGo's REST API 1.2.0 does not have.

Example:
  sftpgo-cli quota last alice")]
    Last {
        /// The user's name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// List the scans that are running
    #[command(after_help = "\
Example:
  sftpgo-cli quota list")]
    List,
}

/// `sftpgo-cli gen …`
#[derive(Debug, Subcommand)]
pub(crate) enum GenCommand {
    /// Write a manual page for each command to a directory, which is made if it is missing
    #[command(after_help = "\
Example:
  sftpgo-cli gen man /usr/local/share/man/man1")]
    Man {
        /// Where the pages go
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Print a script that teaches a shell to complete these commands
    #[command(after_help = "\
Examples:
  sftpgo-cli gen completion bash > /etc/bash_completion.d/sftpgo-cli
  sftpgo-cli gen completion zsh > ~/.zfunc/_sftpgo-cli
  sftpgo-cli gen completion fish > ~/.config/fish/completions/sftpgo-cli.fish")]
    Completion {
        /// For which shell
        shell: Shell,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &clap::Command) {
            if command.has_subcommands() {
                command.get_subcommands().for_each(check);
            } else {
                let help = command.get_after_help().map(ToString::to_string);
                assert!(
                    help.is_some_and(|help| help.contains("sftpgo-cli")),
                    "{}",
                    command.get_name()
                );
            }
        }
        check(&Cli::command());
    }
}
