//! `httpd.auth_user_file`: names with passwords that open REST 1.2.0 and the metrics. The file is read again when it
//! changes; one that cannot be used then is told of, and the names that were known before stay.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use sftpgo_core::{credential::htpasswd::Htpasswd, sync::lock};

/// The time and the size of the file, by which a change is seen, as SFTPGo sees it.
type Stamp = Option<(SystemTime, u64)>;

/// The file and what it held last.
pub(crate) struct UserFile {
    path: PathBuf,
    known: Mutex<(Stamp, Arc<Htpasswd>)>,
}

impl UserFile {
    /// Reads the file.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let stamp = stamp(path);
        let names = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            known: Mutex::new((stamp, Arc::new(names))),
        })
    }

    /// The names as the file has them now.
    pub(crate) fn names(&self) -> Arc<Htpasswd> {
        let now = stamp(&self.path);
        let mut known = lock(&self.known);
        if known.0 != now {
            known.0 = now;
            match read(&self.path) {
                Ok(names) => known.1 = Arc::new(names),
                Err(why) => log::error!(
                    "httpd.auth_user_file cannot be read again, and the names that were in it stay: {}: {why}",
                    self.path.display()
                ),
            }
        }
        Arc::clone(&known.1)
    }
}

fn stamp(path: &Path) -> Stamp {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

fn read(path: &Path) -> Result<Htpasswd, String> {
    let text = fs::read_to_string(path).map_err(|error: io::Error| error.to_string())?;
    Htpasswd::parse(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "alice:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00\n";

    #[test]
    fn a_change_counts_at_once_and_a_broken_one_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("htpasswd");
        assert!(UserFile::open(&path).is_err());
        fs::write(&path, ALICE).unwrap();
        let file = UserFile::open(&path).unwrap();
        let has = |name: &str| file.names().hash_of(name).is_some();
        assert!(has("alice") && !has("bob"));
        fs::write(
            &path,
            format!("{ALICE}bob:$1$1234abcd$k941IFPqhCBpKvhOnZqRd/\n"),
        )
        .unwrap();
        assert!(has("alice") && has("bob"));
        fs::write(&path, "broken").unwrap();
        assert!(has("alice") && has("bob"));
        fs::write(&path, ALICE).unwrap();
        assert!(has("alice") && !has("bob"));
    }
}
