//! `sftpgo-cli receipt`

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use crate::{
    cli::Receipt,
    client::Client,
    exit::{Failure, Result},
    output::Format,
    wire::SignedReceipt,
};

/// What ssh-keygen puts behind the name of a file that it signs.
const OF_SIGNATURE: &str = ".sig";

pub(super) fn run(client: &Client, format: Format, asked: &Receipt) -> Result<()> {
    let receipt = client.receipt(asked)?;
    match &asked.save {
        Some(file) => {
            save(file, &receipt)?;
            format.print(&receipt, |_| saved(file))
        }
        // Byte for byte: the line is what is signed.
        None => format.print(&receipt, |receipt| {
            format!("{}{}", receipt.statement, receipt.signature)
        }),
    }
}

/// Writes both files, or none.
fn save(file: &Path, receipt: &SignedReceipt) -> Result<()> {
    let signature = of_signature(file);
    write(file, &receipt.statement)?;
    write(&signature, &receipt.signature).inspect_err(|_| {
        let _ = fs::remove_file(file);
    })
}

fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |error| Failure::Usage(format!("cannot write {}: {error}", path.display()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(|error| {
        let _ = fs::remove_file(path);
        failed(error)
    })
}

fn of_signature(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(OF_SIGNATURE);
    name.into()
}

fn saved(file: &Path) -> String {
    format!(
        "The statement is in {}, and its signature in {}.\n",
        file.display(),
        of_signature(file).display()
    )
}
