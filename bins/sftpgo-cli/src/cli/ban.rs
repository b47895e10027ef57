//! `sftpgo-cli ban …` and `sftpgo-cli iplist …`

use clap::{Subcommand, ValueEnum, builder::NonEmptyStringValueParser};

/// What there is to do with addresses that are refused.
#[derive(Debug, Subcommand)]
pub(crate) enum BanCommand {
    /// List who is refused, and whose failed logins are counted
    #[command(after_help = "\
Examples:
  sftpgo-cli ban list
  sftpgo-cli ban list --output json | jq -r '.[].ip'")]
    List,
    /// Refuse an address or a network until it is removed
    #[command(after_help = "\
It becomes an entry of the list `defender`, which every server on this database reads.

Example:
  sftpgo-cli ban add 203.0.113.0/24 --description 'guesses since May'")]
    Add {
        /// An address, or a network such as 203.0.113.0/24
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        network: String,
        /// For people
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
    },
    /// Let an address connect again: takes back its ban, its score, and the entry that refuses it
    #[command(after_help = "\
Example:
  sftpgo-cli ban remove 203.0.113.9")]
    Remove {
        /// The address, or the network as `ban list` shows it
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        network: String,
    },
}

/// Lists of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum List {
    /// Who may connect at all, where common.allowlist_status is 1
    Allow,
    /// Whom the defender never bans, and whom it always refuses
    Defender,
}

impl List {
    /// Its number in the REST API.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Allow => 1,
            Self::Defender => 2,
        }
    }
}

/// What there is to do with lists of addresses.
#[derive(Debug, Subcommand)]
pub(crate) enum IpListCommand {
    /// List the entries of a list
    #[command(after_help = "\
Example:
  sftpgo-cli iplist list defender")]
    List {
        /// The list
        list: List,
    },
    /// Add an address or a network
    #[command(after_help = "\
Of several entries that an address is in, the one with the longest prefix decides.

Examples:
  sftpgo-cli iplist add defender 192.0.2.0/24 --description office
  sftpgo-cli iplist add defender 203.0.113.9 --deny")]
    Add {
        /// The list
        list: List,
        /// An address, or a network such as 192.0.2.0/24
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        network: String,
        /// Refuse it; only in the list `defender`
        #[arg(long)]
        deny: bool,
        /// For people
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
    },
    /// Remove an address or a network
    #[command(after_help = "\
Example:
  sftpgo-cli iplist remove defender 127.0.0.0/8")]
    Remove {
        /// The list
        list: List,
        /// As `iplist list` shows it
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        network: String,
    },
}
