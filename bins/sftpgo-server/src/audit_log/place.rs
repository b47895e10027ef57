//! Files beside the audit log: made for its owner alone, and whole when they get their name.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::Path,
};

use rustix::process::geteuid;

/// Opens a file to read it and to write at its end, or makes it.
pub(super) fn open_to_append(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    let found = file.metadata()?;
    if found.is_file() && found.len() == 0 {
        give_to_owner(&file, path)?;
    }
    Ok(file)
}

/// Has `bytes` in the file at `path`: it has the old ones or the new ones, whenever a crash comes.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&name)?;
    give_to_owner(&file, path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&name, path)
}

/// What root makes belongs to the owner of the directory: a command that an operator runs as root must not keep the server
/// out of its own log.
fn give_to_owner(file: &File, path: &Path) -> io::Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let directory = match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    };
    let owner = fs::metadata(directory)?;
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}
