//! `sftpgo-cli user import`

use std::path::PathBuf;

use clap::{ArgGroup, Args, builder::NonEmptyStringValueParser};

use super::Limits;

const PASSWD: &str = "With --passwd";

/// `sftpgo-cli user import`
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("source").required(true).args(["file", "passwd"]),
    after_help = "\
Nobody gets more rights than before: whoever says what this server cannot enforce (filters,
virtual folders, other storages, permissions that differ between directories) is skipped, and so
is who would have neither a password nor a public key. A hash that the server does not read is
never sent.

Exits with 0 when all users are there, with 5 when some were skipped for another reason than that
they exist, and with 1 when the server refused some.

Examples:
  sftpgo-cli user import dump.json --dry-run
  sftpgo-cli user import dump.json --update
  sudo sftpgo-cli user import --passwd /etc/passwd --shadow /etc/shadow --authorized-keys
  sftpgo-cli user import --passwd passwd --shadow shadow --home-base /srv/sftpgo --quota-size 1GiB"
)]
pub(crate) struct Import {
    /// A dump of SFTPGo (dumpdata), what user export wrote, or a list of users as user list prints it as
    /// JSON; - is standard input
    pub(crate) file: Option<PathBuf>,
    /// Take over a system's accounts, from a file such as /etc/passwd
    #[arg(long, value_name = "FILE")]
    pub(crate) passwd: Option<PathBuf>,
    /// The accounts' passwords and expiry, from a file such as /etc/shadow
    #[arg(
        long,
        value_name = "FILE",
        help_heading = PASSWD,
        requires = "passwd",
        conflicts_with = "file"
    )]
    pub(crate) shadow: Option<PathBuf>,
    /// Take over .ssh/authorized_keys of the accounts' homes on this machine, where it can be read
    #[arg(long, help_heading = PASSWD, requires = "passwd", conflicts_with = "file")]
    pub(crate) authorized_keys: bool,
    /// Leave out accounts below this uid, which are the system's own; nobody (65534) is left out too
    #[arg(
        long,
        value_name = "UID",
        help_heading = PASSWD,
        requires = "passwd",
        conflicts_with = "file",
        default_value_t = 1000
    )]
    pub(crate) min_uid: u32,
    /// Homes are DIR/NAME on the server, instead of where the accounts have theirs
    #[arg(
        long,
        value_name = "DIR",
        help_heading = PASSWD,
        requires = "passwd",
        conflicts_with = "file",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) home_base: Option<String>,
    /// Change users that exist, where they differ; passwords stay as they are
    #[arg(long)]
    pub(crate) update: bool,
    /// Set the passwords of users that exist too: whether they differ cannot be seen
    #[arg(long, requires = "update")]
    pub(crate) update_passwords: bool,
    /// Show what would be done, and do nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    #[command(flatten, next_help_heading = PASSWD)]
    pub(crate) limits: Limits,
}
