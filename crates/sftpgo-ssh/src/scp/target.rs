//! Where under its target a sink is, and the directories it has entered.

use sftpgo_core::{
    Error, ErrorKind, Result, VirtualPath,
    filesystem::{FileId, FileType, SetAttributes},
    session::{AttributeChange, Session},
};

use super::Arguments;

/// A directory has to be writable for its entries to get in, whatever mode it will have.
const OWNER_BITS: u32 = 0o700;
/// The bits of a record's mode that say who may do what.
pub(super) const PERMISSION_BITS: u32 = 0o777;

/// The directory that records go into, or the name that the first one gets.
pub(super) struct Target {
    path: VirtualPath,
    /// `path` as the client writes it, for messages.
    shown: Vec<u8>,
    is_directory: bool,
    entered: Vec<Entered>,
}

/// What has to be done at the end of a directory.
struct Entered {
    change: SetAttributes,
    /// The directory, where it was made here: then what it was made for includes its mode and times.
    made: Option<FileId>,
    /// Length of `shown` before the directory's name was appended; none when the target itself is entered.
    named_at: Option<usize>,
}

/// A name that a record stands for.
pub(super) struct Named {
    pub(super) path: VirtualPath,
    pub(super) shown: Vec<u8>,
}

impl Target {
    /// The target of a command line, not looked at yet.
    pub(super) fn of(arguments: &Arguments) -> Self {
        let target = arguments.paths.first();
        Self {
            path: VirtualPath::root(),
            shown: target.map(|word| word.bytes().to_vec()).unwrap_or_default(),
            is_directory: false,
            entered: Vec::new(),
        }
    }

    /// Finds out what the target is.
    ///
    /// # Errors
    /// Needs `upload`, and a directory where one was asked for.
    pub(super) fn find(&mut self, session: &Session, arguments: &Arguments) -> Result<()> {
        let target = arguments.paths.first().map(|word| word.without_tilde());
        self.path = VirtualPath::parse(target.unwrap_or_default().bytes())?;
        let found = session.upload_target(&self.path)?;
        self.is_directory = found.is_some_and(|found| found.file_type == FileType::Directory);
        match found {
            _ if self.is_directory || !arguments.to_directory => Ok(()),
            Some(_) => Err(not_a_directory()),
            None => Err(Error::not_found("no such file or directory")),
        }
    }

    /// Returns the path as the client writes it.
    pub(super) fn shown(&self) -> &[u8] {
        &self.shown
    }

    /// Is this the target, with every directory that was entered left again?
    pub(super) fn is_target(&self) -> bool {
        self.entered.is_empty()
    }

    /// Returns what a record's name stands for: one of the directory, or the target itself.
    ///
    /// # Errors
    /// The path is too long.
    pub(super) fn named(&self, name: &[u8]) -> Result<Named> {
        let mut shown = self.shown.clone();
        if !self.is_directory {
            return Ok(Named {
                path: self.path.clone(),
                shown,
            });
        }
        if !shown.is_empty() && !shown.ends_with(b"/") {
            shown.push(b'/');
        }
        shown.extend_from_slice(name);
        Ok(Named {
            path: self.path.join(name)?,
            shown,
        })
    }

    /// May the record be a file? Not when the target is written as a directory and is none.
    pub(super) fn check_takes_file(&self) -> Result<()> {
        if !self.is_directory && self.path.must_be_directory() {
            return Err(not_a_directory());
        }
        Ok(())
    }

    /// Enters a directory, which is made if it is not there. It gets what `change` says when it is left; its
    /// mode is `mode`, exactly if `change` has it.
    ///
    /// # Errors
    /// Something else has the name, or `create_dirs` is missing.
    pub(super) fn enter(
        &mut self,
        session: &Session,
        directory: Named,
        mode: u32,
        mut change: SetAttributes,
    ) -> Result<()> {
        let made = match session.upload_target(&directory.path)? {
            Some(found) if found.file_type != FileType::Directory => return Err(not_a_directory()),
            Some(_) => None,
            None => {
                let (made, less) = make(session, &directory.path, mode & PERMISSION_BITS)?;
                change.mode = change.mode.or(less);
                made
            }
        };
        self.entered.push(Entered {
            change,
            made,
            named_at: self.is_directory.then_some(self.shown.len()),
        });
        self.path = directory.path;
        self.shown = directory.shown;
        self.is_directory = true;
        Ok(())
    }

    /// Leaves the directory that was entered last, which gets its mode and times; none when none was entered.
    pub(super) fn leave(&mut self, session: &Session) -> Option<(Vec<u8>, Result<()>)> {
        let entered = self.entered.pop()?;
        let changed = if entered.change == SetAttributes::default() {
            Ok(())
        } else if let Some(made) = entered.made {
            session.finish_new_dir(&self.path, made, &entered.change)
        } else {
            let change = AttributeChange {
                size: None,
                other: entered.change,
            };
            session.set_attributes(&self.path, &change, true)
        };
        let left = self.shown.clone();
        match entered.named_at {
            Some(len) => {
                self.path = self.path.parent_or_root();
                self.shown.truncate(len);
            }
            None => self.is_directory = false,
        }
        Some((left, changed))
    }
}

/// Makes a directory whose owner can write to it, and returns which it is and the mode it has to get later if that is
/// less than it has.
fn make(session: &Session, path: &VirtualPath, mode: u32) -> Result<(Option<FileId>, Option<u32>)> {
    session.create_dir(path, Some(mode | OWNER_BITS))?;
    let made = session.upload_target(path)?;
    // What the umask left of it.
    let less = made.filter(|_| mode & OWNER_BITS != OWNER_BITS);
    Ok((
        made.map(|made| made.file_id),
        less.map(|made| made.mode & mode),
    ))
}

fn not_a_directory() -> Error {
    Error::new(ErrorKind::NotADirectory, "not a directory")
}
