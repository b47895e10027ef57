//! `sftpgo-cli user export`

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use serde::Serialize;
use serde_json::json;
use tempfile::NamedTempFile;

use super::paginate::Paginate;
use crate::{
    cli::Export,
    client::{Client, MAX_PAGE},
    exit::{Failure, Result},
    output::{self, Format},
    values::text::{visible, visible_json},
    wire::User,
};

const WITHOUT_PASSWORDS: &str = "the dump holds no passwords, as the server shows none: \
    an import of it adds only users with public keys";

/// A user as SFTPGo 1.x dumps it.
#[derive(Serialize)]
struct Dumped<'a> {
    id: i64,
    status: i64,
    username: &'a str,
    expiration_date: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_keys: Option<&'a [String]>,
    home_dir: &'a str,
    uid: i64,
    gid: i64,
    max_sessions: i64,
    quota_size: i64,
    quota_files: i64,
    permissions: Permissions<'a>,
    used_quota_size: i64,
    used_quota_files: i64,
    last_quota_update: i64,
    upload_bandwidth: i64,
    download_bandwidth: i64,
    last_login: i64,
}

/// By directory, of which there is one here.
#[derive(Serialize)]
struct Permissions<'a> {
    #[serde(rename = "/")]
    root: &'a [String],
}

impl<'a> From<&'a User> for Dumped<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id,
            status: user.status,
            username: &user.username,
            expiration_date: user.expiration_date,
            public_keys: user.public_keys.as_deref(),
            home_dir: &user.home_dir,
            uid: user.uid,
            gid: user.gid,
            max_sessions: user.max_sessions,
            quota_size: user.quota_size,
            quota_files: user.quota_files,
            permissions: Permissions {
                root: &user.permissions,
            },
            used_quota_size: user.used_quota_size,
            used_quota_files: user.used_quota_files,
            last_quota_update: user.last_quota_update,
            upload_bandwidth: user.upload_bandwidth,
            download_bandwidth: user.download_bandwidth,
            last_login: user.last_login,
        }
    }
}

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
            let json =
                serde_json::to_string(&Dumped::from(user)).map_err(|error| failed(error.into()))?;
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
