//! Files beside the audit log: made for its owner alone, and whole when they get their name.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::Path,
};

use rustix::{fs::OFlags, process::geteuid};

/// Opens a file to read it and to write at its end, or makes it. Root follows no link in a directory of somebody else: an
/// operator's command must not write to a file that the service chose.
pub(super) fn open_to_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600);
    let owner = fs::metadata(directory_of(path))?.uid();
    if !geteuid().is_root() || owner == geteuid().as_raw() {
        return options.create(true).open(path);
    }
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    loop {
        match options.open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        match options.clone().create_new(true).open(path) {
            // Another process made it meanwhile.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => {
                let file = made?;
                give_to_owner(&file, path)?;
                return Ok(file);
            }
        }
    }
}

/// Has `bytes` in the file at `path`: it has the old ones or the new ones, whenever a crash comes.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    match fs::remove_file(&name) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
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
    let owner = fs::metadata(directory_of(path))?;
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    #[test]
    fn a_link_at_the_name_of_a_new_head_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (head, other) = (
            directory.path().join("head"),
            directory.path().join("other"),
        );
        fs::write(&other, "other").unwrap();
        symlink(&other, directory.path().join("head.new")).unwrap();
        replace(&head, b"new").unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"other");
        assert_eq!(fs::read(&head).unwrap(), b"new");
        assert!(!fs::symlink_metadata(&head).unwrap().is_symlink());
    }

    #[test]
    fn root_follows_no_link_that_the_service_made() {
        if !geteuid().is_root() {
            return;
        }
        let (service, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        chown(service.path(), Some(65534), Some(65534)).unwrap();
        let (path, other) = (
            service.path().join("audit.log"),
            outside.path().join("other"),
        );
        symlink(&other, &path).unwrap();
        // To nothing, and to an empty file.
        open_to_append(&path).unwrap_err();
        assert!(!other.exists());
        fs::write(&other, "").unwrap();
        open_to_append(&path).unwrap_err();
        assert_eq!(fs::metadata(&other).unwrap().uid(), 0);
        fs::remove_file(&path).unwrap();
        let made = open_to_append(&path).unwrap();
        assert_eq!(made.metadata().unwrap().uid(), 65534);
    }
}
