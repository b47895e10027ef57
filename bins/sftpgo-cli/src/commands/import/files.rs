//! The files that users are imported from.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use sftpgo_dump::Entry;

use super::Source;
use crate::{
    cli::{Import, Limits},
    commands::user::limits_given,
    exit::{Failure, Result},
    source::passwd::{self, Account, Settings},
    values::date,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The most bytes that are read of a file of keys. None that sshd reads is near it.
const MAX_KEYS: u64 = 1 << 20;
/// The mode bits by which the file's group, and all others, may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

pub(super) fn read(import: Import) -> Result<Source> {
    match &import.file {
        Some(_) if import.limits != Limits::default() => Err(Failure::Usage(
            "permissions and limits are given with --passwd only: a dump has its own".to_owned(),
        )),
        Some(path) => dumped(path),
        None => accounts(import),
    }
}

fn dumped(path: &Path) -> Result<Source> {
    let (name, text) = if path == Path::new("-") {
        ("standard input".to_owned(), contents(io::stdin().lock()))
    } else {
        (
            path.display().to_string(),
            File::open(path).and_then(contents),
        )
    };
    let text = text.map_err(|error| cannot_read(&name, &error))?;
    let dump =
        sftpgo_dump::parse(&text).map_err(|problem| Failure::Usage(format!("{name} {problem}")))?;
    let notes = if dump.others.is_empty() {
        vec![]
    } else {
        vec![format!("not imported: {}", dump.others.join(", "))]
    };
    Ok(Source {
        entries: dump.users,
        notes,
    })
}

fn accounts(import: Import) -> Result<Source> {
    let passwd = text(import.passwd.as_deref())?;
    let shadow = text(import.shadow.as_deref())?;
    let settings = Settings {
        home_base: import.home_base,
        given: limits_given(import.limits),
    };
    let today = date::now().div_euclid(DAY_MS);
    let found = passwd::accounts(&passwd, &shadow, import.min_uid, today);
    let mut notes = Vec::new();
    if found.system > 0 {
        notes.push(format!(
            "accounts of the system itself, left out: {} (uid below {}, and nobody)",
            found.system, import.min_uid
        ));
    }
    let entry = |account: Account| -> Entry {
        let (keys, note) = match import.authorized_keys.then(|| authorized_keys(&account)) {
            None => (None, None),
            Some(Ok(lines)) => (Some(lines), None),
            // What it would have said is not known.
            Some(Err(note)) => (None, Some(note)),
        };
        let mut entry = account.into_entry(keys.as_deref(), &settings);
        if let (Ok(user), Some(note)) = (&mut entry, note) {
            user.notes.push(note);
        }
        entry
    };
    Ok(Source {
        entries: found
            .entries
            .into_iter()
            .map(|account| account.and_then(entry))
            .collect(),
        notes,
    })
}

/// The lines of an account's authorized_keys, none where it has no such file; or why it is not used.
fn authorized_keys(account: &Account) -> Result<Vec<String>, String> {
    let home = Path::new(account.home());
    let directory = home.join(".ssh");
    let path = directory.join("authorized_keys");
    let unusable = |reason: &str| format!("{} is not used: {reason}", path.display());
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(Vec::new()),
        _ => Err(unusable(&error.to_string())),
    };
    // Before it is opened: a pipe would never end.
    match fs::metadata(&path) {
        Err(error) => return unreadable(error),
        Ok(metadata) if !metadata.is_file() => return Err(unusable("it is not a file")),
        Ok(_) => {}
    }
    // As sshd does (StrictModes): otherwise others could have put their keys there.
    for part in [home, &directory, &path] {
        let metadata = fs::metadata(part).map_err(|error| unusable(&error.to_string()))?;
        if metadata.mode() & WRITABLE_BY_OTHERS != 0
            || ![0, account.uid()].contains(&metadata.uid())
        {
            return Err(unusable(&format!("others may write to {}", part.display())));
        }
    }
    let lines = match File::open(&path).and_then(|file| contents(file.take(MAX_KEYS))) {
        Ok(text) => text,
        Err(error) => return unreadable(error),
    };
    Ok(String::from_utf8_lossy(&lines)
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect())
}

/// A file whose comments may be in any encoding.
fn text(path: Option<&Path>) -> Result<String> {
    let Some(path) = path else {
        return Ok(String::new());
    };
    let bytes = File::open(path)
        .and_then(contents)
        .map_err(|error| cannot_read(&path.display().to_string(), &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn contents(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn cannot_read(name: &str, error: &io::Error) -> Failure {
    Failure::Usage(format!("cannot read {name}: {error}"))
}
