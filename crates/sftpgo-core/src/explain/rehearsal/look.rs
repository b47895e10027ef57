//! What the disk looks at before it changes a name, in its order.

use super::{MAX_NAME, Rehearsal, missing, name_too_long, not_a_directory};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{DirEntry, Directory, FileType, Filesystem, Inode, Metadata},
    rule::Rule,
    vpath::{Ending, VirtualPath},
};

/// Links that a path may lead through, as in Linux.
const MAX_LINKS: usize = 40;
/// Of what would be made: no file of a disk has it.
const NO_INODE: Inode = (u64::MAX, u64::MAX);

/// What stands in the way of a change.
impl Rehearsal {
    /// What has the name itself, links not followed.
    ///
    /// # Errors
    /// As the disk says; that the name is free is no error.
    pub(super) fn find(&self, path: &VirtualPath) -> Result<Option<Metadata>> {
        match self.metadata(path, false) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Is there a directory for this name?
    ///
    /// # Errors
    /// As opening the name would say.
    pub(super) fn check_parent(&self, path: &VirtualPath) -> Result<()> {
        let parent = path.parent().ok_or_else(|| {
            Error::denied("not possible on the root directory").decided_by(Rule::RootDirectory)
        })?;
        match self.metadata(&parent, true)?.file_type {
            FileType::Directory => Ok(()),
            _ => Err(not_a_directory()),
        }
    }

    /// As [`Rehearsal::find`], in a directory that has to be there.
    ///
    /// # Errors
    /// As changing the name would say.
    pub(super) fn named(&self, path: &VirtualPath) -> Result<Option<Metadata>> {
        self.check_directory_of(path)?;
        self.find(path)
    }

    /// As [`Rehearsal::named`] for a name that is to change: what has it is never what a link of this name leads to.
    ///
    /// # Errors
    /// Also as [`Rehearsal::check_has_name`].
    pub(super) fn name_to_change(
        &self,
        path: &VirtualPath,
        taken: impl FnOnce() -> Error,
    ) -> Result<Option<Metadata>> {
        self.check_has_name(path, taken)?;
        self.find(&path.as_name())
    }

    /// Does the path end in a name that a directory can have, and not in `.` or `..`?
    ///
    /// # Errors
    /// `taken` where it does not, or what looking at that directory or the one it is in says.
    pub(super) fn check_has_name(
        &self,
        path: &VirtualPath,
        taken: impl FnOnce() -> Error,
    ) -> Result<()> {
        self.check_directory_of(path)?;
        if path.ending() != Ending::Dot {
            return Ok(());
        }
        self.metadata(path, true)?;
        Err(taken())
    }

    /// What has the one name, and what has the other that the first is to get.
    ///
    /// # Errors
    /// As rename(2) and link(2) say of names that they cannot use.
    pub(super) fn both_named(
        &self,
        old: &VirtualPath,
        new: &VirtualPath,
    ) -> Result<(Metadata, Option<Metadata>)> {
        self.check_directory_of(old)?;
        self.check_directory_of(new)?;
        let found = self.find(old)?.ok_or_else(missing)?;
        Ok((found, self.find(new)?))
    }

    /// As [`Rehearsal::check_parent`], where below something that is not a directory there is nothing.
    fn check_directory_of(&self, path: &VirtualPath) -> Result<()> {
        self.check_parent(path).map_err(|error| match error.kind() {
            ErrorKind::NotADirectory => missing(),
            _ => error,
        })
    }

    /// Has the directory no entries, hidden uploads included?
    ///
    /// # Errors
    /// As rmdir(2) says.
    pub(super) fn check_empty(&self, path: &VirtualPath) -> Result<()> {
        let mut entries = self.read_dir(path)?;
        while let Some(entry) = entries.next_entry()? {
            if entry.name != b"." && entry.name != b".." {
                return Err(not_empty());
            }
        }
        Ok(())
    }

    /// Would a rename put a directory below itself, or over one that it is in?
    ///
    /// # Errors
    /// As rename(2) says.
    pub(super) fn check_not_into_itself(
        &self,
        from: &VirtualPath,
        source: &Metadata,
        to: &VirtualPath,
        target: Option<&Metadata>,
    ) -> Result<()> {
        let is_directory = |metadata: &Metadata| metadata.file_type == FileType::Directory;
        let from = self.resolved_name(from)?;
        let to = self.resolved_name(to)?;
        if is_directory(source) && is_below(&to, &from) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "a directory cannot be moved into itself",
            )
            .decided_by(Rule::InsideItself));
        }
        if target.is_some_and(is_directory) && is_below(&from, &to) {
            return Err(not_empty());
        }
        Ok(())
    }

    /// The name in its directory's own place, where no link leads.
    ///
    /// # Errors
    /// As looking at the way there says.
    fn resolved_name(&self, path: &VirtualPath) -> Result<VirtualPath> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(path.clone());
        };
        self.follow(parent.components(), |_| false)?.join(name)
    }

    /// Where a file is made that is opened by this name, if nothing is there: behind the links that lead to it.
    ///
    /// # Errors
    /// As looking at the way there says.
    pub(super) fn resolved_target(&self, path: &VirtualPath) -> Result<VirtualPath> {
        self.follow(path.components(), |error| {
            error.kind() == ErrorKind::NotFound
        })
    }

    /// Goes these steps from the root, through links; the last one may fail as `may_end` allows.
    fn follow<'s>(
        &self,
        steps: impl Iterator<Item = &'s [u8]>,
        may_end: impl Fn(&Error) -> bool,
    ) -> Result<VirtualPath> {
        let mut ahead: Vec<Vec<u8>> = steps.map(<[u8]>::to_vec).collect();
        ahead.reverse();
        let mut place = VirtualPath::root();
        let mut links = 0;
        while let Some(step) = ahead.pop() {
            let next = place.join(&step)?;
            // `..` was joined to where the links before it led.
            if step == b".." {
                place = next;
                continue;
            }
            match self.metadata(&next, false) {
                Ok(found) if found.file_type == FileType::Symlink => {}
                Ok(_) => {
                    place = next;
                    continue;
                }
                Err(error) if ahead.is_empty() && may_end(&error) => return Ok(next),
                Err(error) => return Err(error),
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(Error::new(
                    ErrorKind::Unresolvable,
                    "too many or forbidden symbolic links",
                )
                .decided_by(Rule::ForbiddenLink));
            }
            let target = self.read_link(&next)?;
            if target.starts_with(b"/") {
                place = VirtualPath::root();
            }
            let steps = target.split(|byte| *byte == b'/').rev();
            ahead.extend(steps.filter(|step| !step.is_empty()).map(<[u8]>::to_vec));
        }
        Ok(place)
    }
}

/// A directory without entries.
pub(super) struct EmptyDirectory;

impl Directory for EmptyDirectory {
    fn next_entry(&mut self) -> Result<Option<DirEntry>> {
        Ok(None)
    }
}

pub(super) fn new_file() -> Metadata {
    Metadata {
        file_type: FileType::File,
        mode: 0o100_644,
        size: 0,
        uid: 0,
        gid: 0,
        atime: 0,
        mtime: 0,
        changed_at: (0, 0),
        links: 1,
        inode: NO_INODE,
    }
}

/// What a home has that nobody has used yet: itself.
pub(super) fn in_new_home(path: &VirtualPath) -> Result<Metadata> {
    match path.components().next() {
        None => Ok(Metadata {
            file_type: FileType::Directory,
            mode: 0o040_755,
            links: 2,
            ..new_file()
        }),
        Some(name) if name.len() > MAX_NAME => Err(name_too_long()),
        Some(_) => Err(missing()),
    }
}

fn is_below(path: &VirtualPath, directory: &VirtualPath) -> bool {
    path.as_bytes()
        .strip_prefix(directory.as_bytes())
        .is_some_and(|rest| rest.starts_with(b"/"))
}

fn not_empty() -> Error {
    Error::new(ErrorKind::DirectoryNotEmpty, "directory not empty")
}
