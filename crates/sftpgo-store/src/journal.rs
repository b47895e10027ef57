//! The journal in a file beside the configuration: a line `+id` for who is added, `-id` for who is removed, and `=id` for
//! the server whose journal it is.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions, TryLockError},
    io::{
        self,
        ErrorKind::{NotFound, PermissionDenied},
        Read, Write,
    },
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

use sftpgo_core::{Error, ErrorKind, Result, UserId, ledger::DirtyJournal, provider::NodeId, sync};

/// The most servers that may run from one directory; nobody runs so many.
const SERVERS_IN_ONE_DIRECTORY: u32 = 64;

/// A journal in a file of its own, which is made when there is something to write. Of several servers that run from
/// one directory each has one.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Locked for as long as it is open.
    file: Option<File>,
    users: BTreeSet<UserId>,
    server: Option<NodeId>,
    /// Servers whose journals this one has taken on.
    ended: Vec<NodeId>,
}

impl FileJournal {
    /// The first journal in `directory` that no running server has. What is in others that no running server has is
    /// added to it, for a server that has followed another has not the first one. One beside it that belongs to another
    /// user of the system is left as it is.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) when one is there and cannot be read, locked or written.
    pub fn open(directory: &Path) -> Result<Self> {
        Self::open_by(directory, State::of)
    }

    fn open_by(
        directory: &Path,
        state_of: impl Fn(&Path) -> io::Result<Option<State>>,
    ) -> Result<Self> {
        let mut found: Option<Self> = None;
        for number in 1..=SERVERS_IN_ONE_DIRECTORY {
            let path = match number {
                1 => directory.join("sftpgo.journal"),
                _ => directory.join(format!("sftpgo-{number}.journal")),
            };
            let state = match state_of(&path) {
                Ok(state) => state,
                Err(error) if found.is_some() && error.kind() == PermissionDenied => {
                    log::warn!(
                        "the journal {path:?} is left as it is, because this user may not change it; a server that another user of the system ran here may have left it: run `sftpgo-cli quota scan` for users whose usage is wrong, and remove it"
                    );
                    continue;
                }
                Err(error) => return Err(unusable(&path, error)),
            };
            match (&found, state) {
                (None, Some(state)) => {
                    found = Some(Self {
                        path,
                        state: Mutex::new(state),
                    });
                }
                (Some(own), Some(other)) => own.take_on(other, &path)?,
                (_, None) => {}
            }
        }
        found.ok_or_else(|| {
            unusable(
                directory,
                io::Error::other("each of its journals is in use by another server"),
            )
        })
    }

    /// Takes on the journal at `path`, whose server has ended.
    fn take_on(&self, other: State, path: &Path) -> Result<()> {
        for user in &other.users {
            self.add(*user)?;
        }
        self.lock().ended.extend(other.server);
        match other.file {
            // It keeps its name: another server may have opened it and wait for its lock.
            Some(file) => file.set_len(0).map_err(|error| unusable(path, error)),
            None => Ok(()),
        }
    }

    /// Makes this the journal of `server` from here on, and returns whose it was, with those whose journals were added to
    /// it. As nobody else has them, these have ended, however they did.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn succeed(&self, server: NodeId) -> Result<Vec<NodeId>> {
        let mut state = self.lock();
        state
            .open(&self.path)
            .and_then(|mut file| file.write_all(line_of(server).as_bytes()))
            .map_err(|error| unusable(&self.path, error))?;
        let before = state.server.replace(server);
        let mut ended = std::mem::take(&mut state.ended);
        ended.extend(before.filter(|before| *before != server));
        Ok(ended)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        sync::lock(&self.state)
    }
}

impl DirtyJournal for FileJournal {
    fn add(&self, user: UserId) -> Result<()> {
        let mut state = self.lock();
        if state.users.contains(&user) {
            return Ok(());
        }
        let written = state
            .open(&self.path)
            .and_then(|mut file| {
                file.write_all(format!("+{}\n", user.0).as_bytes())?;
                file.sync_all()
            })
            .map_err(|error| unusable(&self.path, error));
        if written.is_ok() {
            state.users.insert(user);
        }
        written
    }

    fn remove(&self, user: UserId) -> Result<()> {
        let mut state = self.lock();
        if !state.users.contains(&user) {
            return Ok(());
        }
        let is_last = state.users.len() == 1;
        let server = state.server;
        // A removal that a crash undoes costs a count too many.
        let written = state
            .open(&self.path)
            .and_then(|mut file| {
                if is_last {
                    file.set_len(0)?;
                    let line = server.map(line_of).unwrap_or_default();
                    file.write_all(line.as_bytes())
                } else {
                    file.write_all(format!("-{}\n", user.0).as_bytes())
                }
            })
            .map_err(|error| unusable(&self.path, error));
        if written.is_ok() {
            state.users.remove(&user);
        }
        written
    }

    fn users(&self) -> Result<Vec<UserId>> {
        Ok(self.lock().users.iter().copied().collect())
    }
}

impl State {
    /// Returns what is in the file at `path`, or would be if it were there; none when another server has it.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        let mut file = match OpenOptions::new().read(true).append(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == NotFound => return Ok(Some(Self::default())),
            Err(error) => return Err(error),
        };
        if !lock(&file)? {
            return Ok(None);
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // What a crash cut off must not become one line with the next.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        Ok(Some(Self {
            file: Some(file),
            ..parse(&text)
        }))
    }

    fn open(&mut self, path: &Path) -> io::Result<&File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => create(path)?,
        };
        Ok(self.file.insert(file))
    }
}

fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    if !lock(&file)? {
        return Err(io::Error::other("another server made it a moment ago"));
    }
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(file)
}

/// False when another process has it.
fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A line that a crash cut off says nothing: what it would have announced was not begun.
fn parse(text: &str) -> State {
    let mut state = State::default();
    for line in text.split_inclusive('\n') {
        let Some(line) = line.strip_suffix('\n') else {
            break;
        };
        let id = |digits: &str| digits.parse().ok().map(UserId);
        if let Some(added) = line.strip_prefix('+').and_then(id) {
            state.users.insert(added);
        } else if let Some(removed) = line.strip_prefix('-').and_then(id) {
            state.users.remove(&removed);
        } else if let Some(server) = line
            .strip_prefix('=')
            .and_then(|digits| digits.parse().ok())
        {
            state.server = Some(NodeId(server));
        } else {
            log::warn!("a line of the journal cannot be read and is ignored: {line:?}");
        }
    }
    state
}

fn line_of(server: NodeId) -> String {
    format!("={}\n", server.0)
}

fn unusable(path: &Path, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("the journal {path:?} cannot be used: {error}"),
    )
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use std::fs::{read_to_string, write};

    use super::*;

    fn users(journal: &FileJournal) -> Vec<i32> {
        let users = journal.users().unwrap();
        users.into_iter().map(|user| user.0).collect()
    }

    #[test]
    fn who_was_added_and_not_removed_is_there_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("sftpgo.journal");
        let journal = FileJournal::open(directory.path()).unwrap();
        assert!(!file.exists());
        for id in [7, 5, 5, 6] {
            journal.add(UserId(id)).unwrap();
        }
        journal.remove(UserId(5)).unwrap();
        journal.remove(UserId(9)).unwrap();
        assert_eq!(users(&journal), [6, 7]);
        drop(journal);

        let journal = FileJournal::open(directory.path()).unwrap();
        assert_eq!(users(&journal), [6, 7]);
        journal.remove(UserId(6)).unwrap();
        journal.remove(UserId(7)).unwrap();
        assert_eq!(read_to_string(&file).unwrap(), "");
        journal.add(UserId(8)).unwrap();
        assert_eq!(read_to_string(&file).unwrap(), "+8\n");
    }

    #[test]
    fn of_several_servers_each_has_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let open = || FileJournal::open(directory.path()).unwrap();
        let first = open();
        first.add(UserId(1)).unwrap();
        let second = open();
        second.add(UserId(2)).unwrap();
        assert_eq!((users(&first), users(&second)), (vec![1], vec![2]));
        drop(first);
        assert_eq!((users(&open()), users(&second)), (vec![1], vec![2]));
    }

    #[test]
    fn what_ended_servers_left_in_other_journals_is_added_to_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let open = |server| {
            let journal = FileJournal::open(directory.path()).unwrap();
            let ended = journal.succeed(NodeId(server)).unwrap();
            (journal, ended)
        };
        let (_first, _) = open(1);
        let (second, _) = open(2);
        second.add(UserId(2)).unwrap();
        let (third, ended) = open(3);
        assert_eq!((users(&third).len(), ended), (0, Vec::new()));
        third.add(UserId(3)).unwrap();
        drop((second, third));
        let (fourth, ended) = open(4);
        assert_eq!(users(&fourth), [2, 3]);
        assert_eq!(ended, [NodeId(3), NodeId(2)]);
        drop(fourth);
        let (fifth, ended) = open(5);
        assert_eq!(users(&fifth), [2, 3]);
        assert_eq!(ended, [NodeId(4)]);
    }

    #[test]
    fn one_of_another_user_of_the_system_stops_a_start_only_where_it_is_the_own_one() {
        let directory = tempfile::tempdir().unwrap();
        let open = |foreign: &str| {
            FileJournal::open_by(directory.path(), |path| {
                if path.ends_with(foreign) {
                    return Err(PermissionDenied.into());
                }
                State::of(path)
            })
        };
        let journal = open("sftpgo-2.journal").unwrap();
        journal.add(UserId(1)).unwrap();
        assert_eq!(users(&journal), [1]);
        drop(journal);
        let error = open("sftpgo.journal").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }

    #[test]
    fn a_journal_knows_whose_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let succeed = |server| {
            let journal = FileJournal::open(directory.path()).unwrap();
            let before = journal.succeed(NodeId(server)).unwrap();
            journal.add(UserId(1)).unwrap();
            journal.remove(UserId(1)).unwrap();
            before
        };
        assert_eq!(succeed(5), []);
        assert_eq!(succeed(6), [NodeId(5)]);
        assert_eq!(succeed(7), [NodeId(6)]);
        let file = read_to_string(directory.path().join("sftpgo.journal"));
        assert_eq!(file.unwrap(), "=7\n");
    }

    #[test]
    fn a_line_cut_off_by_a_crash_says_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("sftpgo.journal");
        write(&file, "+1\n+22\nwhat\n-1\n+3\n+4").unwrap();
        let journal = FileJournal::open(directory.path()).unwrap();
        assert_eq!(users(&journal), [3, 22]);
        journal.add(UserId(5)).unwrap();
        drop(journal);
        assert_eq!(
            users(&FileJournal::open(directory.path()).unwrap()),
            [3, 5, 22]
        );
    }

    #[test]
    fn a_journal_that_cannot_be_written_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let journal = FileJournal::open(&directory.path().join("gone")).unwrap();
        let error = journal.add(UserId(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert_eq!(users(&journal), [0; 0]);
    }
}
