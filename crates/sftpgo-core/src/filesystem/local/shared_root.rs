//! Handles of homes, which sessions share: thousands of connections of one user have one.
//!
//! Each login opens its home and looks at the way to it, for itself. What it opened is kept only where no other session has
//! the same directory open by the same path; a home that was replaced meanwhile is another directory.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fmt,
    ops::Deref,
    os::fd::OwnedFd,
    path::Path,
    sync::{Arc, Mutex, Weak},
};

use rustix::{
    fs::{AtFlags, StatxFlags},
    io::Errno,
};

use super::resolve::Root;
use crate::{
    descriptors::{Descriptors, Permit},
    sync::lock,
};

/// The homes that sessions have open.
pub(super) struct SharedRoots {
    descriptors: Arc<Descriptors>,
    /// The open homes by their paths, byte for byte: its absolute links begin so.
    open: Mutex<Open>,
}

type Open = HashMap<OsString, (DirectoryId, Weak<SharedRoot>)>;

/// A home that is open, for whoever holds it.
pub(super) struct SharedRoot {
    root: Root,
    of: Arc<SharedRoots>,
    _permit: Permit,
}

/// Which directory it is, and by which mount it was reached: another mount of the same directory may be read-only. Neither
/// number is used again as long as a handle is open.
#[derive(Clone, Copy, PartialEq, Eq)]
struct DirectoryId {
    device: (u32, u32),
    inode: u64,
    mount: u64,
}

impl SharedRoots {
    /// Counts what is open in `descriptors`.
    pub(super) fn new(descriptors: Arc<Descriptors>) -> Arc<Self> {
        Arc::new(Self {
            descriptors,
            open: Mutex::default(),
        })
    }

    /// The home at `path` that a login has opened as `fd`: as another session has it open, or else that.
    ///
    /// # Errors
    /// The kinds of stat(2).
    pub(super) fn share(
        self: &Arc<Self>,
        fd: OwnedFd,
        path: &Path,
    ) -> Result<Arc<SharedRoot>, Errno> {
        let id = DirectoryId::of(&fd)?;
        let path_bytes = path.as_os_str();
        let shared = id.and_then(|id| shared_in(&lock(&self.open), id, path_bytes));
        if let Some(shared) = shared {
            return Ok(shared);
        }
        // Asks the home's file system, and so holds no lock.
        let root = Arc::new(SharedRoot {
            root: Root::new(fd, path),
            of: Arc::clone(self),
            _permit: self.descriptors.count_home(),
        });
        let Some(id) = id else {
            return Ok(root);
        };
        let mut open = lock(&self.open);
        if let Some(faster) = shared_in(&open, id, path_bytes) {
            drop(open);
            return Ok(faster);
        }
        open.insert(path_bytes.to_owned(), (id, Arc::downgrade(&root)));
        Ok(root)
    }
}

fn shared_in(open: &Open, id: DirectoryId, path: &OsStr) -> Option<Arc<SharedRoot>> {
    let (of, root) = open.get(path)?;
    if *of == id { root.upgrade() } else { None }
}

impl DirectoryId {
    /// Asks the kernel for it; none where it does not say all of it (mounts: before Linux 5.8), or may not be asked.
    fn of(fd: &OwnedFd) -> Result<Option<Self>, Errno> {
        let asked = StatxFlags::INO | StatxFlags::MNT_ID;
        let found = match rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, asked) {
            Err(Errno::NOSYS | Errno::PERM) => return Ok(None),
            found => found?,
        };
        let answered = StatxFlags::from_bits_retain(found.stx_mask);
        Ok(answered.contains(asked).then_some(Self {
            device: (found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            mount: found.stx_mnt_id,
        }))
    }
}

impl Deref for SharedRoot {
    type Target = Root;

    fn deref(&self) -> &Root {
        &self.root
    }
}

impl Drop for SharedRoot {
    fn drop(&mut self) {
        let mut open = lock(&self.of.open);
        // By now a newer one may be open at the path.
        let path = self.root.home().as_os_str();
        if open
            .get(path)
            .is_some_and(|(_, root)| root.strong_count() == 0)
        {
            open.remove(path);
        }
    }
}

impl fmt::Debug for SharedRoots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SharedRoots")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "makes the homes that are shared")]
mod tests {
    use std::fs;

    use rustix::fs::{Mode, OFlags};

    use super::*;

    fn opened(path: &Path) -> OwnedFd {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        rustix::fs::open(path, flags, Mode::empty()).unwrap()
    }

    #[test]
    fn a_directory_is_held_once_by_a_path_and_no_longer_than_somebody_has_it() {
        let base = tempfile::tempdir().unwrap();
        let home = base.path().join("home");
        fs::create_dir(&home).unwrap();
        let roots = SharedRoots::new(Descriptors::unlimited());
        let share = |path: &Path| roots.share(opened(path), path).unwrap();

        let first = share(&home);
        assert!(Arc::ptr_eq(&first, &share(&home)));
        // Absolute links of the home begin with another path.
        let by_another_path = base.path().join("./home");
        assert!(!Arc::ptr_eq(&first, &share(&by_another_path)));

        fs::rename(&home, base.path().join("old")).unwrap();
        fs::create_dir(&home).unwrap();
        let second = share(&home);
        assert!(!Arc::ptr_eq(&first, &second));
        drop(first);
        assert!(Arc::ptr_eq(&second, &share(&home)));
        drop(second);
        assert!(lock(&roots.open).is_empty());
    }

    #[test]
    fn logins_at_the_same_time_have_one_handle() {
        let home = tempfile::tempdir().unwrap();
        let roots = SharedRoots::new(Descriptors::unlimited());
        let shared: Vec<_> = std::thread::scope(|scope| {
            let logins: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| roots.share(opened(home.path()), home.path()).unwrap()))
                .collect();
            logins
                .into_iter()
                .map(|login| login.join().unwrap())
                .collect()
        });
        assert!(shared.iter().all(|root| Arc::ptr_eq(root, &shared[0])));
    }
}
