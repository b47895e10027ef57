//! `sftpgo-cli user export`

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use serde_json::json;
use sftpgo_dump::DumpedUser;
use tempfile::NamedTempFile;

use super::paginate::Paginate;
use crate::{
    cli::Export,
    client::{Client, MAX_PAGE},
    exit::{Failure, Result},
    output::{self, Format},
    values::text::{visible, visible_json},
};

const WITHOUT_PASSWORDS: &str = "the dump holds no passwords, as the server shows none: \
    an import of it adds only users with public keys";

pub(super) fn run(client: &Client, format: Format, export: &Export) -> Result<()> {
    if export.file == Path::new("-") {
        return to_stdout(client);
    }
    let name = export.file.display().to_string();
    let count = to_file(client, &export.file, &name)?;
    output::note(WITHOUT_PASSWORDS);
    format.print(&json!({ "exported": count, "file": name }), |_| {
        format!("{count} users are exported to {}.\n", visible(&name))
    })
}

fn to_stdout(client: &Client) -> Result<()> {
    match dump(client, output::stdout(), Failure::Output) {
        // Whoever reads through `head` has what they wanted.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        done => done?,
    };
    output::note(WITHOUT_PASSWORDS);
    Ok(())
}

/// The file is whole or as it was: until then it has another name. Only its owner may read it.
fn to_file(client: &Client, path: &Path, name: &str) -> Result<usize> {
    let failed = |error: io::Error| Failure::Usage(format!("cannot write {name}: {error}"));
    let path = match fs::metadata(path) {
        // A device or a pipe is written to; a file must not take its place.
        Ok(metadata) if !metadata.is_file() => {
            let there = File::options().write(true).open(path).map_err(failed)?;
            return dump(client, BufWriter::new(there), failed);
        }
        Ok(_) => &fs::canonicalize(path).map_err(failed)?,
        Err(_) => path,
    };
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut file = NamedTempFile::new_in(directory).map_err(failed)?;
    let count = dump(client, BufWriter::new(&mut file), failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(count)
}

/// Writes as it reads, so that no number of users is too large.
fn dump(
    client: &Client,
    mut out: impl Write,
    failed: impl Fn(io::Error) -> Failure + Copy,
) -> Result<usize> {
    let mut users = Paginate::new(client);
    // Nothing is written before the server has answered at all.
    let mut page = users.next_page(MAX_PAGE)?;
    out.write_all(b"{\"users\":[").map_err(failed)?;
    let mut count = 0;
    while let Some(users_here) = page {
        for user in &users_here {
            let json = serde_json::to_string(&DumpedUser::from(user))
                .map_err(|error| failed(error.into()))?;
            let separator = if count == 0 { "\n" } else { ",\n" };
            write!(out, "{separator}{}", visible_json(&json)).map_err(failed)?;
            count += 1;
        }
        page = users.next_page(MAX_PAGE)?;
    }
    out.write_all(b"\n]}\n")
        .and_then(|()| out.flush())
        .map_err(failed)?;
    Ok(count)
}
