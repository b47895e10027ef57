//! `sftpgo-cli receipt`

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, builder::NonEmptyStringValueParser};

#[derive(Debug, Args)]
pub(crate) struct Receipt {
    /// The user's name
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// The path as the user sees it
    pub(crate) path: OsString,
    /// Of the file as it is now, even where the receipt of an upload is kept
    #[arg(long, conflicts_with = "upload")]
    pub(crate) now: bool,
    /// Of the last upload to the path, and of nothing else
    #[arg(long)]
    pub(crate) upload: bool,
    /// Write it to FILE and FILE.sig instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
}
