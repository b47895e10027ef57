//! Where receipts of uploads are kept: `DIRECTORY/<id of the user>/<SHA-256 of the path>`, each a file that has the statement
//! and behind it the signature.
//!
//! A receipt gets its name when it is written, so that a crash leaves it or none; where a power cut leaves its name alone,
//! nothing is found. The next upload to the path replaces it. It stays when the file goes, for it says what came; its age ends
//! it, and a user's oldest go when there are too many (`ends.rs`).

mod ends;

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ring::digest::{SHA256, digest};
use sftpgo_core::{Error, Result, UserId, VirtualPath, hex::hex, random, sync::lock};
use sftpgo_ssh::receipt::{Found, Receipt};

use self::ends::{receipts_in, remove_oldest};
use crate::config::settings::UploadReceipts as Asked;

/// A longer file is none: a path has 4 KiB at the most, which may take six times as much in JSON, and then its bytes in
/// hexadecimal digits.
const LONGEST: u64 = 64 * 1024;
/// What begins the name of a receipt that is being written.
const UNFINISHED: &str = ".new-";

/// The directory of all receipts.
pub(super) struct Directory {
    path: PathBuf,
    /// None: they do not end by their age.
    longest: Option<Duration>,
    most_of_user: usize,
    /// How many each user has at the most, of those for whom any was kept since the start.
    counts: Mutex<HashMap<UserId, usize>>,
    /// What begins the names of what this server is writing. It is random: another server may share the directory, and process
    /// ids repeat in containers.
    unfinished: String,
    written: AtomicU64,
}

impl Directory {
    /// Opens it, or makes it for the server's account alone.
    pub(super) fn open(asked: &Asked) -> io::Result<Self> {
        make(&asked.directory)?;
        fs::read_dir(&asked.directory)?;
        Ok(Self {
            path: asked.directory.clone(),
            longest: asked.longest,
            most_of_user: asked.most_of_user,
            counts: Mutex::default(),
            unfinished: format!("{UNFINISHED}{}", random::hex_id()),
            written: AtomicU64::new(0),
        })
    }

    /// Keeps the receipt of an upload, instead of that of an earlier upload to the same path.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn keep(&self, user: UserId, path: &VirtualPath, receipt: &Receipt) -> Result<()> {
        let of_user = self.of_user(user);
        let is_one_more = self
            .write(&of_user, &name_of(path), receipt)
            .map_err(|error| failed(&of_user, "be written", &error))?;
        if is_one_more {
            self.count(user, &of_user);
        }
        Ok(())
    }

    /// Returns whether there was none of this name.
    fn write(&self, of_user: &Path, name: &str, receipt: &Receipt) -> io::Result<bool> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let unfinished = of_user.join(format!("{}-{number}", self.unfinished));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = match options.open(&unfinished) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make(of_user)?;
                options.open(&unfinished)
            }
            opened => opened,
        };
        let mut file = file?;
        let finished = of_user.join(name);
        let is_one_more = !finished.exists();
        file.write_all(receipt.to_text().as_bytes())
            .and_then(|()| fs::rename(&unfinished, &finished))
            .inspect_err(|_| {
                let _ = fs::remove_file(&unfinished);
            })?;
        Ok(is_one_more)
    }

    /// Counts one more of this user, and removes the oldest tenth where there are too many.
    fn count(&self, user: UserId, of_user: &Path) {
        let mut counts = lock(&self.counts);
        let count = counts
            .entry(user)
            .or_insert_with(|| receipts_in(of_user).count().saturating_sub(1));
        *count += 1;
        if *count <= self.most_of_user {
            return;
        }
        *count = 0;
        drop(counts);
        let left = remove_oldest(of_user, self.most_of_user);
        *lock(&self.counts).entry(user).or_default() += left;
    }

    /// Looks for the receipt of the newest upload of this user to `path`.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn find(&self, user: UserId, username: &str, path: &VirtualPath) -> Result<Found> {
        let of_user = self.of_user(user);
        let text = match read(&of_user.join(name_of(path))) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            read => read.map_err(|error| failed(&of_user, "be read", &error))?,
        };
        Ok(Receipt::of_upload(&text, username, path))
    }

    fn of_user(&self, user: UserId) -> PathBuf {
        self.path.join(user.0.to_string())
    }
}

/// Makes a directory for the server's account alone, if it is not there.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn name_of(path: &VirtualPath) -> String {
    hex(digest(&SHA256, path.as_bytes()).as_ref())
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    // What is no text any more is no receipt either.
    Ok(String::from_utf8(bytes).unwrap_or_default())
}

fn failed(path: &Path, what: &str, error: &io::Error) -> Error {
    let text = format!("the receipt cannot {what} in {}: {error}", path.display());
    Error::new(sftpgo_core::ErrorKind::Internal, text)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::{ends::LEFT_OVER, *};

    fn receipt(path: &str) -> Receipt {
        Receipt {
            statement: format!(
                "{{\"receipt\":1,\"username\":\"bob\",\"path\":\"{path}\",\"upload\":\"whole\"}}\n"
            ),
            signature: "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n".to_owned(),
        }
    }

    fn path(name: &str) -> VirtualPath {
        VirtualPath::parse(name.as_bytes()).unwrap()
    }

    fn directory(at: &Path, most_of_user: usize) -> Directory {
        Directory::open(&Asked {
            directory: at.join("receipts"),
            longest: Some(Duration::from_secs(60)),
            most_of_user,
        })
        .unwrap()
    }

    const BOB: UserId = UserId(7);

    #[test]
    fn what_is_kept_is_found_by_its_user_and_path_and_what_is_torn_is_not() {
        let place = tempfile::tempdir().unwrap();
        let kept = directory(place.path(), 10);
        kept.keep(BOB, &path("/a"), &receipt("/a")).unwrap();
        let found = kept.find(BOB, "bob", &path("/a")).unwrap();
        let expected = Found::Receipt {
            receipt: receipt("/a"),
            is_whole: true,
        };
        assert_eq!(found, expected);
        for (user, name, path) in [
            (BOB, "bob", path("/b")),
            (BOB, "eve", path("/a")),
            (UserId(8), "bob", path("/a")),
        ] {
            assert_eq!(kept.find(user, name, &path).unwrap(), Found::Nothing);
        }
        let file = kept.of_user(BOB).join(name_of(&path("/a")));
        let whole = fs::read(&file).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            let found = kept.find(BOB, "bob", &path("/a")).unwrap();
            assert_eq!(found, Found::Nothing, "{length}");
        }
        fs::write(&file, vec![0; whole.len()]).unwrap();
        let found = kept.find(BOB, "bob", &path("/a")).unwrap();
        assert_eq!(found, Found::Nothing);
    }

    #[test]
    fn the_oldest_of_too_many_go_and_those_of_others_stay() {
        let place = tempfile::tempdir().unwrap();
        let kept = directory(place.path(), 10);
        kept.keep(UserId(8), &path("/a"), &receipt("/a")).unwrap();
        for number in 0..11 {
            let name = format!("/{number}");
            kept.keep(BOB, &path(&name), &receipt(&name)).unwrap();
            let file = File::open(kept.of_user(BOB).join(name_of(&path(&name)))).unwrap();
            let age = Duration::from_secs(100 - number);
            // The last one is the newest, whatever the clock does.
            if number < 10 {
                file.set_modified(SystemTime::now() - age).unwrap();
            }
        }
        let is_there = |number: u64| {
            let name = format!("/{number}");
            kept.find(BOB, "bob", &path(&name)).unwrap() != Found::Nothing
        };
        let left: Vec<_> = (0..11).filter(|number| is_there(*number)).collect();
        assert_eq!(left, (2..11).collect::<Vec<_>>());
        assert_ne!(
            kept.find(UserId(8), "bob", &path("/a")).unwrap(),
            Found::Nothing
        );
    }

    #[test]
    fn what_is_too_old_goes_and_a_directory_that_is_empty() {
        let place = tempfile::tempdir().unwrap();
        let kept = directory(place.path(), 10);
        for name in ["/old", "/new"] {
            kept.keep(BOB, &path(name), &receipt(name)).unwrap();
        }
        let old = kept.of_user(BOB).join(name_of(&path("/old")));
        let long_ago = SystemTime::now() - Duration::from_secs(61);
        File::open(&old).unwrap().set_modified(long_ago).unwrap();
        let left_over = kept.of_user(BOB).join(".new-1-1");
        fs::write(&left_over, "").unwrap();
        kept.remove_old();
        assert!(!old.exists() && left_over.exists());
        let long_ago = SystemTime::now() - LEFT_OVER - Duration::from_secs(1);
        File::open(&left_over)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        fs::remove_file(kept.of_user(BOB).join(name_of(&path("/new")))).unwrap();
        kept.remove_old();
        assert!(!kept.of_user(BOB).exists());
        kept.keep(BOB, &path("/new"), &receipt("/new")).unwrap();
        assert!(kept.of_user(BOB).exists());
    }

    #[test]
    fn what_is_not_of_the_server_stays_however_old_it_is() {
        let place = tempfile::tempdir().unwrap();
        let kept = directory(place.path(), 1);
        let receipt_name = name_of(&path("/a"));
        kept.keep(BOB, &path("/a"), &receipt("/a")).unwrap();
        let of_others = place.path().join("receipts/backup");
        let of_bob = kept.of_user(BOB);
        let mut foreign = vec![of_others.join(&receipt_name), of_others.join(".new-1")];
        for name in [
            "notes.txt",
            &receipt_name[1..],
            &receipt_name.to_uppercase(),
        ] {
            foreign.push(of_bob.join(name));
        }
        fs::create_dir(&of_others).unwrap();
        for file in &foreign {
            fs::write(file, "").unwrap();
        }
        foreign.push(of_bob.join("0".repeat(64)));
        fs::create_dir(foreign.last().unwrap()).unwrap();
        for name in ["empty", "007", "+7"] {
            foreign.push(place.path().join("receipts").join(name));
            fs::create_dir(foreign.last().unwrap()).unwrap();
        }
        foreign.push(place.path().join("receipts/8"));
        fs::write(foreign.last().unwrap(), "").unwrap();
        foreign.push(of_bob.join(&receipt_name));
        let long_ago = SystemTime::now() - Duration::from_secs(100 * 60 * 60);
        for file in &foreign {
            File::open(file).unwrap().set_modified(long_ago).unwrap();
        }
        kept.remove_old();
        let receipt_of_bob = foreign.pop().unwrap();
        assert!(!receipt_of_bob.exists());
        // Nor is it among the oldest of too many.
        for name in ["/b", "/c"] {
            kept.keep(BOB, &path(name), &receipt(name)).unwrap();
        }
        for file in foreign {
            assert!(file.exists(), "{}", file.display());
        }
    }

    #[test]
    fn what_a_server_of_the_same_process_id_has_left_is_in_nobodys_way() {
        let place = tempfile::tempdir().unwrap();
        let of_bob = directory(place.path(), 10).of_user(BOB);
        make(&of_bob).unwrap();
        for number in 0..3 {
            let left = format!("{UNFINISHED}{}-{number}", std::process::id());
            fs::write(of_bob.join(left), "").unwrap();
        }
        directory(place.path(), 10)
            .keep(BOB, &path("/a"), &receipt("/a"))
            .unwrap();
    }

    #[test]
    fn a_receipt_instead_of_an_earlier_one_is_not_one_more() {
        let place = tempfile::tempdir().unwrap();
        let kept = directory(place.path(), 10);
        for name in ["/a", "/b", "/a", "/a", "/b"] {
            kept.keep(BOB, &path(name), &receipt(name)).unwrap();
        }
        assert_eq!(lock(&kept.counts)[&BOB], 2);
    }
}
