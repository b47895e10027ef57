//! `sftpgo-cli user …`

use std::{ffi::OsString, path::PathBuf};

use clap::{
    ArgAction, ArgGroup, Args, Subcommand, ValueEnum,
    builder::{NonEmptyStringValueParser, PossibleValuesParser},
};
use sftpgo_dump::{filters::LOGIN_METHODS, permission};

use super::{user_export::Export, user_import::Import};
use crate::values::{amount, bandwidth, date, size};

/// What a client can ask for.
const OPERATIONS: [&str; 20] = [
    "list",
    "stat",
    "download",
    "upload",
    "overwrite",
    "append",
    "truncate",
    "setstat",
    "chmod",
    "chown",
    "chtimes",
    "mkdir",
    "rmdir",
    "remove",
    "rename",
    "replace",
    "symlink",
    "hardlink",
    "readlink",
    "statvfs",
];

/// Denies no login method.
pub(crate) const NO_METHOD: &str = "none";

/// What there is to do with users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user
    #[command(after_help = "\
A password or a public key is needed: without either of them, the password is asked for.
A password that is already a hash (argon2id, bcrypt, pbkdf2, SHA-512 crypt) is stored as it is.

Examples:
  sftpgo-cli user add alice --home-dir /srv/alice
  sftpgo-cli user add bob --public-key ~/bob.pub --permission list,download
  sftpgo-cli user add guest --password-file guest.secret --quota-size 10GiB --expires 30d
  pwgen 20 1 | sftpgo-cli user add ci --password-stdin --upload-bandwidth 5MB")]
    Add {
        /// The new user's name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        fields: Box<UserFields>,
    },
    /// List users by name
    #[command(after_help = "\
Examples:
  sftpgo-cli user list
  sftpgo-cli user list --order desc --limit 20
  sftpgo-cli user list --output json | jq -r '.[].username'")]
    List {
        /// How many to list; all by default
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
        /// How many to skip
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        offset: u32,
        /// By user name, forwards or backwards
        #[arg(long, value_enum, default_value = "asc")]
        order: Order,
    },
    /// Show all there is to know of a user
    #[command(after_help = "\
Examples:
  sftpgo-cli user show alice
  sftpgo-cli user show --id 3 --output json")]
    Show {
        #[command(flatten)]
        target: Target,
    },
    /// Change a user; what is not named stays as it is
    #[command(after_help = "\
Permissions and public keys that are given replace all that the user had.

Examples:
  sftpgo-cli user update alice --quota-size unlimited --expires never
  sftpgo-cli user update alice --disabled
  sftpgo-cli user update alice --set-password
  sftpgo-cli user update --id 3 --permission list,download,upload --public-key new.pub")]
    Update(Box<UserUpdate>),
    /// Delete a user; the files stay
    #[command(after_help = "\
Examples:
  sftpgo-cli user delete alice
  sftpgo-cli user delete --id 3 --yes    # without asking, as scripts need it")]
    Delete {
        #[command(flatten)]
        target: Target,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Tell whether a user may do something now, and which rule decides
    #[command(after_help = "\
The server's rules answer: login, permissions, names and quota. Nothing is changed. What the disk
would say is not told: that a name is missing or taken, or that permission bits forbid it.

Exits with 0 when it is allowed and with 4 when it is not.

Examples:
  sftpgo-cli user explain alice /reports/may.pdf upload
  sftpgo-cli user explain alice /draft rename --target /final
  sftpgo-cli user explain alice / list --output json | jq -r .rule")]
    Explain(Explain),
    /// Give a user a second factor, or take it away
    #[command(subcommand)]
    Totp(TotpCommand),
    /// Add users of a dump of SFTPGo, or of a system's accounts
    Import(Box<Import>),
    /// Write all users to a dump, without their passwords
    Export(Export),
}

/// `sftpgo-cli user totp`
#[derive(Debug, Subcommand)]
pub(crate) enum TotpCommand {
    /// Make a new secret, and ask the user for its codes from now on
    #[command(after_help = "\
The secret, the link for an authenticator app and the recovery codes are shown once: give them to
the user. From now on a password alone lets the user in no more, and what the user had open ends.
SFTP clients ask for the code by keyboard-interactive.

Examples:
  sftpgo-cli user totp enable alice
  sftpgo-cli user totp enable alice --output json | jq -r .qr_code | base64 -d > alice.png")]
    Enable {
        #[command(flatten)]
        target: Target,
        /// One of the server's mfa.totp; the first by default
        #[arg(long, value_name = "NAME")]
        config: Option<String>,
        /// What the code is needed for; repeat, or separate with commas. This server speaks SSH
        #[arg(
            long = "protocol",
            value_name = "PROTOCOL",
            value_delimiter = ',',
            default_value = "SSH",
            value_parser = PossibleValuesParser::new(["SSH", "FTP", "HTTP"])
        )]
        protocols: Vec<String>,
    },
    /// Let a user log in without codes again
    #[command(after_help = "\
Examples:
  sftpgo-cli user totp disable alice
  sftpgo-cli user totp disable --id 3 --yes    # without asking, as scripts need it")]
    Disable {
        #[command(flatten)]
        target: Target,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Show whether a user has a second factor; never its secret
    #[command(after_help = "\
Examples:
  sftpgo-cli user totp show alice
  sftpgo-cli user totp show alice --output json | jq .recovery_codes_left")]
    Show {
        #[command(flatten)]
        target: Target,
    },
}

/// `sftpgo-cli user explain`
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The user's name
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// The path as the client sees it; for symlink, what the link is to point to
    pub(crate) path: OsString,
    /// What the user would do
    #[arg(value_parser = PossibleValuesParser::new(OPERATIONS))]
    pub(crate) operation: String,
    /// The new name, for rename, replace, symlink and hardlink
    #[arg(long, value_name = "PATH")]
    pub(crate) target: Option<OsString>,
}

/// `sftpgo-cli user update`
#[derive(Debug, Args)]
pub(crate) struct UserUpdate {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) password: PasswordSource,
    /// Ask for a new password
    #[arg(long, group = "password_source")]
    pub(crate) set_password: bool,
    #[command(flatten)]
    pub(crate) fields: UserFields,
    /// Take all public keys away
    #[arg(long, conflicts_with = "public_key")]
    pub(crate) no_public_keys: bool,
}

/// Which user.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true).args(["name", "id"]))]
pub(crate) struct Target {
    /// The user's name
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: Option<String>,
    /// The user's id, instead of the name
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) id: Option<i32>,
}

/// Where a password comes from; there is no way to give one where `ps` or a shell's history shows it.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("password_source"))]
pub(crate) struct PasswordSource {
    /// Read the password from standard input
    #[arg(long, group = "password_source")]
    pub(crate) password_stdin: bool,
    /// Read the password from a file
    #[arg(long, value_name = "FILE", group = "password_source")]
    pub(crate) password_file: Option<PathBuf>,
}

/// Everything else a user has.
#[derive(Debug, Args)]
pub(crate) struct UserFields {
    /// A file with public keys, one a line as in authorized_keys; repeat for more files
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Vec<PathBuf>,
    /// Absolute path on the server; by default below its users_base_dir, if that is set
    #[arg(long, value_name = "DIR")]
    pub(crate) home_dir: Option<String>,
    #[command(flatten)]
    pub(crate) limits: Limits,
    /// Owner of new files when the server runs as root; 0 leaves it
    #[arg(long)]
    pub(crate) uid: Option<u16>,
    /// Group of new files when the server runs as root; 0 leaves it
    #[arg(long)]
    pub(crate) gid: Option<u16>,
    /// How the user may not log in; repeat, or separate with commas. What is given replaces all that
    /// was denied, and none denies nothing
    #[arg(
        long,
        value_name = "METHOD",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(LOGIN_METHODS.into_iter().chain([NO_METHOD]))
    )]
    pub(crate) deny_login: Vec<String>,
    /// When logins end: 2027-01-01 (as that day begins in UTC), 2027-01-01T18:00:00+01:00, 12h, 30d
    /// or 4w from now, or never
    #[arg(long, value_name = "DATE", value_parser = date::parse)]
    pub(crate) expires: Option<i64>,
    /// Let the user log in; a new user may
    #[arg(long, action = ArgAction::SetTrue)]
    pub(crate) enabled: bool,
    /// Keep the user, without login
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "enabled")]
    pub(crate) disabled: bool,
}

/// What a user may do, and how much of it.
#[derive(Debug, Default, PartialEq, Args)]
pub(crate) struct Limits {
    /// What the user may do; repeat, or separate with commas. A new user may do all (*)
    #[arg(
        long,
        visible_alias = "permissions",
        value_name = "PERMISSION",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(permission::NAMES)
    )]
    pub(crate) permission: Vec<String>,
    /// Sessions at once, or unlimited
    #[arg(long, value_name = "NUMBER", value_parser = amount::parse)]
    pub(crate) max_sessions: Option<i32>,
    /// Bytes in all files, as 1024, 500MB (millions), 10GiB or 10G (powers of 1024), or unlimited
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub(crate) quota_size: Option<i64>,
    /// Number of files, or unlimited
    #[arg(long, value_name = "NUMBER", value_parser = amount::parse)]
    pub(crate) quota_files: Option<i32>,
    /// KB a second, or with a unit as 5MB; or unlimited
    #[arg(long, value_name = "RATE", value_parser = bandwidth::parse)]
    pub(crate) upload_bandwidth: Option<i32>,
    /// KB a second, or with a unit as 5MB; or unlimited
    #[arg(long, value_name = "RATE", value_parser = bandwidth::parse)]
    pub(crate) download_bandwidth: Option<i32>,
}

/// How users are sorted.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Order {
    Asc,
    Desc,
}
