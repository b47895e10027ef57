//! Opening homes at login.

use std::{
    fs,
    os::{fd::OwnedFd, unix::fs::DirBuilderExt},
    path::Path,
    sync::Arc,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::{LocalFilesystem, home_walk, metadata::Owner, shared_root::SharedRoots};
use crate::{
    descriptors::Descriptors,
    error::{Error, ErrorKind, Result},
    filesystem::{Filesystem, FilesystemFactory},
    user::EffectiveUser,
};

/// Homes on the local disk, at each user's `home_dir`. Sessions that have the same home share its handle.
#[derive(Debug, Clone)]
pub struct LocalHomes {
    roots: Arc<SharedRoots>,
}

impl LocalHomes {
    /// Homes whose handles are counted in `descriptors`.
    pub fn within(descriptors: Arc<Descriptors>) -> Self {
        Self {
            roots: SharedRoots::new(descriptors),
        }
    }

    fn filesystem(
        &self,
        root: OwnedFd,
        user: &EffectiveUser,
        owner: Owner,
    ) -> Result<Box<dyn Filesystem>> {
        let root = self.roots.share(root, &user.home_dir);
        let root = root.map_err(super::error)?;
        Ok(Box::new(LocalFilesystem { root, owner }))
    }
}

/// Makes the homes of a process that may open as much as it likes.
impl Default for LocalHomes {
    fn default() -> Self {
        Self::within(Descriptors::unlimited())
    }
}

impl FilesystemFactory for LocalHomes {
    fn open_home(&self, user: &EffectiveUser) -> Result<Box<dyn Filesystem>> {
        let owner = Owner::of(user);
        let root = if owner.is_root() {
            home_walk::open(&user.home_dir, owner, true)?
                .ok_or_else(|| super::error(Errno::NOENT))?
        } else {
            make_missing(&user.home_dir)?;
            open(&user.home_dir).map_err(super::error)?
        };
        self.filesystem(root, user, owner)
    }

    fn existing_home(&self, user: &EffectiveUser) -> Result<Option<Box<dyn Filesystem>>> {
        let owner = Owner::of(user);
        let root = if owner.is_root() {
            home_walk::open(&user.home_dir, owner, false)?
        } else {
            match open(&user.home_dir) {
                Err(Errno::NOENT) => None,
                opened => Some(opened.map_err(super::error)?),
            }
        };
        root.map(|root| self.filesystem(root, user, owner))
            .transpose()
    }
}

/// Opens a home, whatever is on the way: a server that is not root reaches what its account reaches, and no link leads
/// further.
fn open(home: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(home, flags, Mode::empty())
}

/// Makes the home with its parents.
fn make_missing(home: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(super::NEW_DIRECTORY_MODE)
        .create(home)
        .map_err(|error| {
            Error::new(ErrorKind::Internal, format!("{}: {error}", home.display()))
                .with_source(error)
        })
}
