//! Going through a tree, links not followed.

use std::os::fd::OwnedFd;

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::{error, metadata};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{FileId, FileType, Metadata},
    vpath::{MAX_PATH_LEN, VirtualPath},
};

/// Directories that are held open at once. Trees nest deeper than a process may open files.
const OPEN_LEVELS: usize = 64;

/// A name that a walk shows.
pub(super) struct Entry<'w> {
    /// The directory it is in.
    pub(super) directory: &'w OwnedFd,
    pub(super) name: &'w [u8],
    /// Links not followed.
    pub(super) metadata: &'w Metadata,
    /// Directories between the walk's root and this one; 0 for the names of the root.
    pub(super) depth: usize,
}

/// A directory on the way down.
struct Level {
    /// Closed while the walk is far below it.
    directory: Option<OwnedFd>,
    /// The name of the directory; empty for the root.
    name: Vec<u8>,
    file_id: FileId,
    /// Directories in it that are not walked yet.
    subdirectories: Vec<Vec<u8>>,
}

/// Shows every name below `root` to `visit`. What is removed or replaced meanwhile is passed over. A directory that
/// cannot be read, or only in part, is told to `unreadable` by its path below the root, and the walk goes on beside it
/// unless that is an error there.
///
/// # Errors
/// What the two say, or that a deep directory was moved meanwhile.
pub(super) fn walk(
    root: OwnedFd,
    visit: impl FnMut(&Entry<'_>) -> Result<()>,
    unreadable: impl FnMut(&VirtualPath, Error) -> Result<()>,
) -> Result<()> {
    let mut walk = Walk {
        levels: Vec::new(),
        visit,
        unreadable,
    };
    walk.enter(root, Vec::new())?;
    while let Some(level) = walk.levels.last_mut() {
        let (Some(directory), Some(name)) = (&level.directory, level.subdirectories.pop()) else {
            walk.leave()?;
            continue;
        };
        match open_directory(directory, &name) {
            Ok(fd) => walk.enter(fd, name)?,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
            Err(errno) => walk.tell(&name, error(errno))?,
        }
    }
    Ok(())
}

struct Walk<V, U> {
    levels: Vec<Level>,
    visit: V,
    unreadable: U,
}

impl<V, U> Walk<V, U>
where
    V: FnMut(&Entry<'_>) -> Result<()>,
    U: FnMut(&VirtualPath, Error) -> Result<()>,
{
    fn enter(&mut self, directory: OwnedFd, name: Vec<u8>) -> Result<()> {
        let file_id = metadata::of_fd(&directory)?.file_id;
        let mut subdirectories = Vec::new();
        let depth = self.levels.len();
        let missed = visit_names(&directory, depth, &mut self.visit, &mut subdirectories)?;
        self.levels.push(Level {
            directory: Some(directory),
            name,
            file_id,
            subdirectories,
        });
        // The root stays open, to find the way from it again.
        let far = self.levels.len().checked_sub(OPEN_LEVELS + 1);
        if let Some(level) = far
            .filter(|far| *far > 0)
            .and_then(|far| self.levels.get_mut(far))
        {
            level.directory = None;
        }
        missed.map_or(Ok(()), |errno| self.tell(b"", error(errno)))
    }

    /// Goes up, and opens the directory there again if it was closed.
    fn leave(&mut self) -> Result<()> {
        let done = self.levels.pop().and_then(|done| done.directory);
        match self.levels.last() {
            Some(above) if above.directory.is_none() => {}
            _ => return Ok(()),
        }
        let opened = done.map_or(Err(Errno::BADF), |done| open_directory(&done, b".."));
        // Who is not the one that was left was moved, or its child was.
        let opened = match opened.ok().filter(|fd| self.is_last(fd)) {
            Some(fd) => Ok(fd),
            None => self.open_last_from_root(),
        };
        match opened {
            Ok(fd) if self.is_last(&fd) => {
                if let Some(above) = self.levels.last_mut() {
                    above.directory = Some(fd);
                }
                Ok(())
            }
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Err(Error::new(
                ErrorKind::Conflict,
                "a directory was moved while it was walked through",
            )),
            Err(errno) => self.tell(b"", error(errno)),
        }
    }

    fn is_last(&self, directory: &OwnedFd) -> bool {
        let file_id = metadata::of_fd(directory).map(|found| found.file_id).ok();
        file_id == self.levels.last().map(|level| level.file_id)
    }

    fn open_last_from_root(&self) -> Result<OwnedFd, Errno> {
        let mut levels = self.levels.iter();
        let root = levels.next().and_then(|root| root.directory.as_ref());
        let mut directory = root
            .ok_or(Errno::BADF)?
            .try_clone()
            .map_err(|_| Errno::MFILE)?;
        for level in levels {
            directory = open_directory(&directory, &level.name)?;
        }
        Ok(directory)
    }

    /// Tells that `name` in the last directory, or that directory itself, cannot be read.
    fn tell(&mut self, name: &[u8], refused: Error) -> Result<()> {
        let mut path = Vec::new();
        for name in self
            .levels
            .iter()
            .map(|level| level.name.as_slice())
            .chain([name])
        {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        // Deeper than a path may be long: its beginning says where.
        path.truncate(MAX_PATH_LEN);
        let path = VirtualPath::parse(&path).unwrap_or_else(|_| VirtualPath::root());
        (self.unreadable)(&path, refused)
    }
}

fn open_directory(directory: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty())
}

/// Visits the names of one directory and collects its subdirectories; returns why not all could be looked at.
fn visit_names(
    directory: &OwnedFd,
    depth: usize,
    visit: &mut impl FnMut(&Entry<'_>) -> Result<()>,
    subdirectories: &mut Vec<Vec<u8>>,
) -> Result<Option<Errno>> {
    let mut missed = None;
    let mut names = match rustix::fs::Dir::read_from(directory) {
        Ok(names) => names,
        Err(errno) => return Ok(Some(errno)),
    };
    while let Some(entry) = names.read() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(Errno::INTR) => continue,
            Err(errno) => return Ok(Some(errno)),
        };
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let found = match metadata::stat_name(directory, name) {
            Ok(found) => found,
            Err(Errno::NOENT) => continue,
            // A directory that may be read and not searched.
            Err(errno) => {
                missed = Some(errno);
                continue;
            }
        };
        visit(&Entry {
            directory,
            name,
            metadata: &found,
            depth,
        })?;
        if found.file_type == FileType::Directory {
            subdirectories.push(name.to_vec());
        }
    }
    Ok(missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_deeper_than_what_is_held_open_is_walked_whole() {
        const DEPTH: usize = 3 * OPEN_LEVELS;
        let home = tempfile::tempdir().unwrap();
        let root = rustix::fs::open(home.path(), OFlags::RDONLY, Mode::empty()).unwrap();
        let mode = Mode::from_raw_mode(0o700);
        let mut directory = root.try_clone().unwrap();
        for _ in 0..DEPTH {
            for name in ["a", "b", "c"] {
                rustix::fs::mkdirat(&directory, name, mode).unwrap();
            }
            directory = rustix::fs::openat(&directory, "b", OFlags::RDONLY, Mode::empty()).unwrap();
        }
        let mut seen = 0;
        let mut deepest = 0;
        let visit = |entry: &Entry<'_>| {
            seen += 1;
            deepest = deepest.max(entry.depth);
            Ok(())
        };
        walk(root, visit, |_, refused| Err(refused)).unwrap();
        assert_eq!(deepest + 1, DEPTH);
        assert_eq!(seen, 3 * DEPTH);
    }
}
