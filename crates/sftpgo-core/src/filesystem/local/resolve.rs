//! Paths to handles, never outside the home.
//!
//! `openat2(2)` with `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS` follows links only while they stay
//! beneath the home and fails the race of a link swapped meanwhile. Where the kernel or a sandbox
//! has no `openat2`, names are walked one by one and no link is followed. What either refuses because of a link is
//! tried again at the place where `links` finds that it leads.

use std::{
    borrow::Cow,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags},
    io::Errno,
};

use super::{
    error,
    links::{self, Last},
};
use crate::{
    error::{Error, Result},
    vpath::{Ending, VirtualPath},
};

/// Links are followed while they stay beneath the home.
const RESOLVE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS);
/// Interrupted resolutions (a rename raced, `EAGAIN`) are tried this often.
const TRIES: usize = 64;
/// A path that was found to have no link, and has one when it is opened, is looked at again this often.
const FOLLOWS: usize = 8;

/// The handle of a home directory.
pub(super) struct Root {
    fd: OwnedFd,
    /// The path with which absolute links begin that lead into the home.
    home: PathBuf,
    has_openat2: bool,
}

impl Root {
    pub(super) fn new(fd: OwnedFd, home: &Path) -> Self {
        // Old kernels do not know the call; some sandboxes forbid it.
        let tried = rustix::fs::openat2(
            &fd,
            c".",
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
            RESOLVE,
        );
        let has_openat2 = !matches!(tried, Err(Errno::NOSYS | Errno::PERM));
        Self {
            fd,
            home: home.to_owned(),
            has_openat2,
        }
    }

    /// Opens `path` beneath the home, as a directory where its ending asks for one.
    pub(super) fn open(
        &self,
        path: &VirtualPath,
        flags: OFlags,
        mode: Mode,
    ) -> Result<OwnedFd, Errno> {
        let mut flags = flags | OFlags::CLOEXEC;
        if path.must_be_directory() {
            if flags.contains(OFlags::CREATE) {
                // As Linux says of a slash behind a name that is to be made.
                return Err(Errno::ISDIR);
            }
            flags |= OFlags::DIRECTORY;
        }
        match self.open_directly(path, flags, mode) {
            Err(Errno::XDEV) => {}
            Err(Errno::LOOP | Errno::NOTDIR) if !self.has_openat2 => {}
            opened => return opened,
        }
        self.open_where_it_leads(path, flags, mode)
    }

    fn open_directly(
        &self,
        path: &VirtualPath,
        flags: OFlags,
        mode: Mode,
    ) -> Result<OwnedFd, Errno> {
        if self.has_openat2 {
            return self.open_by_kernel(path, flags, mode, RESOLVE);
        }
        open_by_walk(self.fd.as_fd(), path, flags, mode)
    }

    fn open_where_it_leads(
        &self,
        path: &VirtualPath,
        flags: OFlags,
        mode: Mode,
    ) -> Result<OwnedFd, Errno> {
        // As open(2): whoever makes a file follows no link of its name.
        let keeps = flags.contains(OFlags::CREATE | OFlags::EXCL);
        let last = if keeps { Last::Keep } else { Last::Follow };
        for _ in 0..FOLLOWS {
            let place = links::follow(self, path.as_bytes(), last)?;
            match self.open_directly(&place, flags, mode) {
                Err(Errno::XDEV | Errno::LOOP) => {}
                opened => return opened,
            }
        }
        Err(Errno::LOOP)
    }

    /// Looks `path` up, which must have no link in it.
    pub(super) fn open_without_links(&self, path: &VirtualPath) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        if self.has_openat2 {
            let resolve = RESOLVE | ResolveFlags::NO_SYMLINKS;
            return self.open_by_kernel(path, flags, Mode::empty(), resolve);
        }
        open_by_walk(self.fd.as_fd(), path, flags, Mode::empty())
    }

    /// The home itself, to go on from.
    pub(super) fn itself(&self) -> Result<OwnedFd, Errno> {
        self.open_without_links(&VirtualPath::root())
    }

    /// Returns the path of the home on the disk.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// The home itself, for reading.
    pub(super) fn open_root(&self) -> Result<OwnedFd> {
        self.open(
            &VirtualPath::root(),
            OFlags::RDONLY | OFlags::DIRECTORY,
            Mode::empty(),
        )
        .map_err(error)
    }

    /// The directory that `path` is in, and its last name.
    ///
    /// # Errors
    /// The root has no name to work on; else what opening the parent says.
    pub(super) fn parent_of<'p>(&self, path: &'p VirtualPath) -> Result<(OwnedFd, &'p [u8])> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::denied("not possible on the root directory"));
        };
        let fd = self
            .open(&parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
            .map_err(|errno| match errno {
                // A name below something that is not a directory does not exist.
                Errno::NOTDIR => error(Errno::NOENT),
                other => error(other),
            })?;
        Ok((fd, name))
    }

    /// As [`Root::parent_of`] for a call that changes the name, with a slash behind it where the client wrote one:
    /// mkdirat(2), unlinkat(2), renameat2(2), symlinkat(2) and the new name of linkat(2) then take directories only, and
    /// follow no link.
    ///
    /// # Errors
    /// Also `taken` where the path ends in `.` or `..`: that is a directory, and no name of it.
    pub(super) fn name_to_change<'p>(
        &self,
        path: &'p VirtualPath,
        taken: Errno,
    ) -> Result<(OwnedFd, Cow<'p, [u8]>)> {
        let (parent, name) = self.parent_of(path)?;
        let name = match path.ending() {
            Ending::Name => Cow::Borrowed(name),
            Ending::Slash => Cow::Owned([name, b"/"].concat()),
            Ending::Dot => {
                let opened = self.open(path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty());
                return Err(error(opened.err().unwrap_or(taken)));
            }
        };
        Ok((parent, name))
    }

    fn open_by_kernel(
        &self,
        path: &VirtualPath,
        flags: OFlags,
        mode: Mode,
        resolve: ResolveFlags,
    ) -> Result<OwnedFd, Errno> {
        for _ in 0..TRIES {
            match rustix::fs::openat2(&self.fd, path.relative(), flags, mode, resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                opened => return opened,
            }
        }
        Err(Errno::AGAIN)
    }
}

fn open_by_walk(
    root: BorrowedFd<'_>,
    path: &VirtualPath,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut directory = rustix::fs::openat(root, c".", step, Mode::empty())?;
    let mut names = path.components().peekable();
    while let Some(name) = names.next() {
        if names.peek().is_some() {
            directory = rustix::fs::openat(&directory, name, step, Mode::empty())?;
        } else {
            return open_last(&directory, name, flags, mode);
        }
    }
    rustix::fs::openat(
        &directory,
        c".",
        flags.difference(OFlags::CREATE | OFlags::EXCL),
        Mode::empty(),
    )
}

fn open_last(
    directory: &OwnedFd,
    name: &[u8],
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let fd = rustix::fs::openat(directory, name, flags | OFlags::NOFOLLOW, mode)?;
    // With PATH a link itself is opened instead of failing.
    let is_link = flags.contains(OFlags::PATH)
        && rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode)
            == rustix::fs::FileType::Symlink;
    if is_link { Err(Errno::LOOP) } else { Ok(fd) }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "tests make the homes they look at"
)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, OwnedFd) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("home/a/b")).unwrap();
        std::fs::create_dir(dir.path().join("home2")).unwrap();
        std::fs::write(dir.path().join("home2/secret"), b"s").unwrap();
        std::fs::write(dir.path().join("home/a/b/file"), b"f").unwrap();
        for (target, link) in [
            ("../home2", "out"),
            ("/etc", "abs"),
            ("a/b", "in"),
            ("../home/a", "back"),
            ("loop", "loop"),
            ("/home/a/b", "absin"),
        ] {
            std::os::unix::fs::symlink(target, dir.path().join("home").join(link)).unwrap();
        }
        let fd = rustix::fs::open(
            dir.path().join("home"),
            OFlags::PATH | OFlags::DIRECTORY,
            Mode::empty(),
        )
        .unwrap();
        (dir, fd)
    }

    fn both(fd: &OwnedFd, path: &str) -> [Result<OwnedFd, Errno>; 2] {
        let path = VirtualPath::parse(path.as_bytes()).unwrap();
        [true, false].map(|has_openat2| {
            let mut root = Root::new(fd.try_clone().unwrap(), Path::new("/home"));
            root.has_openat2 &= has_openat2;
            root.open(&path, OFlags::RDONLY, Mode::empty())
        })
    }

    #[test]
    fn plain_paths_open_both_ways() {
        let (_dir, fd) = home();
        for path in ["/", "/a", "/a/b/file"] {
            for opened in both(&fd, path) {
                opened.unwrap();
            }
        }
    }

    #[test]
    fn nothing_outside_the_home_opens_either_way() {
        let (_dir, fd) = home();
        for path in [
            "/out",
            "/out/secret",
            "/abs/passwd",
            "/back/b/file",
            "/loop",
            "/../home2/secret",
            "/missing",
        ] {
            for opened in both(&fd, path) {
                assert!(
                    matches!(
                        opened,
                        Err(Errno::XDEV | Errno::LOOP | Errno::NOTDIR | Errno::NOENT)
                    ),
                    "{path}: {opened:?}"
                );
            }
        }
    }

    #[test]
    fn a_directory_that_becomes_a_link_meanwhile_is_left_either_way() {
        use std::sync::atomic::{AtomicBool, Ordering};

        use rustix::fs::{CWD, RenameFlags};

        let (dir, fd) = home();
        let [place, link] = ["home/a/b", "home/link"].map(|name| dir.path().join(name));
        std::os::unix::fs::symlink("../../home2", &link).unwrap();
        std::fs::write(dir.path().join("home2/file"), "outside").unwrap();
        let inside = std::fs::metadata(place.join("file")).unwrap();
        let mut opened_inodes = std::collections::HashSet::new();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    rustix::fs::renameat_with(CWD, &place, CWD, &link, RenameFlags::EXCHANGE)
                        .unwrap();
                }
            });
            for opened in (0..2_000).flat_map(|_| both(&fd, "/a/b/file")).flatten() {
                opened_inodes.insert(rustix::fs::fstat(&opened).unwrap().st_ino);
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let inside = std::os::unix::fs::MetadataExt::ino(&inside);
        assert_eq!(opened_inodes, [inside].into());
    }

    #[test]
    fn a_link_inside_the_home_is_followed_both_ways() {
        let (_dir, fd) = home();
        for path in ["/in/file", "/absin/file", "/absin/"] {
            for opened in both(&fd, path) {
                opened.unwrap_or_else(|errno| panic!("{path}: {errno}"));
            }
        }
    }
}
