//! `sftpgo-cli user export`

use std::path::PathBuf;

use clap::Args;

/// `sftpgo-cli user export`
#[derive(Debug, Args)]
#[command(after_help = "\
The dump has the form that user import and SFTPGo 1.x read. It holds no passwords, as the server
shows none to anybody: whoever has no public key cannot be added from it, only changed (user import
--update). For a backup, copy the database.

Examples:
  sftpgo-cli user export users.json
  sftpgo-cli user export | jq -r '.users[].username'")]
pub(crate) struct Export {
    /// Where to write it, with mode 0600; - is standard output
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
}
