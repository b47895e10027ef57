//! `sftpgo-cli login`, `sftpgo-cli admin …` and `sftpgo-cli key …`

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand, builder::NonEmptyStringValueParser};

use super::PasswordSource;
use crate::values::date;

/// Who logs in.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The name of the admin; asked for otherwise
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    #[command(flatten)]
    pub(crate) password: PasswordSource,
    /// A code of the second factor, or a recovery code; asked for if one is needed
    #[arg(long, value_name = "CODE")]
    pub(crate) otp: Option<String>,
}

/// What there is to do with admins.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Add an admin; the first one with the setup code that the server printed at its start
    #[command(after_help = "\
The first admin may do everything. Its setup code is also in the file setup-code beside the server's
database; without --setup-code-file it is asked for.

Examples:
  sftpgo-cli admin add root --setup-code-file /var/lib/sftpgo/setup-code
  sftpgo-cli admin add helpdesk --permission view_users,edit_users --allow-from 192.0.2.0/24")]
    Add {
        /// The new admin's name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// A file with the setup code, for the first admin
        #[arg(long, value_name = "FILE")]
        setup_code_file: Option<PathBuf>,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        fields: Box<AdminFields>,
    },
    /// List admins by name
    #[command(after_help = "\
Example:
  sftpgo-cli admin list")]
    List,
    /// Show all there is to know of an admin
    #[command(after_help = "\
Example:
  sftpgo-cli admin show helpdesk --output json")]
    Show {
        /// The admin's name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
    },
    /// Change an admin; what is not given stays
    #[command(after_help = "\
Whoever is logged in as this admin has to log in again.

Examples:
  sftpgo-cli admin update helpdesk --permission view_users
  sftpgo-cli admin update helpdesk --disable")]
    Update {
        /// The admin's name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        #[command(flatten)]
        fields: Box<AdminFields>,
    },
    /// Delete an admin, with its API keys
    #[command(after_help = "\
Example:
  sftpgo-cli admin delete helpdesk --yes")]
    Delete {
        /// The admin's name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Give another admin a new password
    #[command(after_help = "\
Whoever is locked out with the last admin uses sftpgo-server reset-admin on the server's machine.

Example:
  sftpgo-cli admin reset-password helpdesk --password-file new.secret")]
    ResetPassword {
        /// The admin's name
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        #[command(flatten)]
        password: PasswordSource,
    },
}

/// Everything else an admin has.
#[derive(Debug, Args)]
pub(crate) struct AdminFields {
    /// What it may do: *, or some of add_users, edit_users, del_users, view_users, view_conns, close_conns, view_status,
    /// quota_scans, view_events, disable_mfa, view_defender, manage_defender
    #[arg(long = "permission", value_name = "NAME", value_delimiter = ',')]
    pub(crate) permissions: Vec<String>,
    /// Its address for mail
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// For people
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Networks that it may come from, such as 192.0.2.0/24; "" for everywhere
    #[arg(long = "allow-from", value_name = "NETWORK", value_delimiter = ',')]
    pub(crate) allow_from: Option<Vec<String>>,
    /// May API keys be used for it?
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub(crate) allow_api_keys: Option<bool>,
    /// Let nobody log in as it
    #[arg(long, conflicts_with = "enable")]
    pub(crate) disable: bool,
    /// Let it log in again
    #[arg(long)]
    pub(crate) enable: bool,
}

/// What there is to do with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key, which is shown this once
    #[command(after_help = "\
Its admin has to allow API keys: sftpgo-cli admin update NAME --allow-api-keys

Example:
  sftpgo-cli key add backup --admin robot --expires 90d > backup.key")]
    Add {
        /// What it is for
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        name: String,
        /// The admin that it is used for
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        admin: String,
        /// For people
        #[arg(long)]
        description: Option<String>,
        /// When it stops working: a date or time, or how long from now, such as 90d
        #[arg(long, value_name = "WHEN", value_parser = date::parse)]
        expires: Option<i64>,
    },
    /// List keys
    #[command(after_help = "\
Example:
  sftpgo-cli key list")]
    List,
    /// Have a key work no more
    #[command(after_help = "\
Example:
  sftpgo-cli key revoke 3f2a…    # the id as `key list` shows it")]
    Revoke {
        /// Its id
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        id: String,
    },
}
