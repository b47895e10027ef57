//! Opening homes at login, and showing link targets as the client's paths.

use std::{
    fs,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::DirBuilderExt},
    },
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::{LocalFilesystem, home_walk, metadata::Owner};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{Filesystem, Homes},
    rule::Rule,
    session::stays_inside,
    user::User,
    vpath::VirtualPath,
};

/// Homes on the local disk, at each user's `home_dir`.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalHomes;

impl Homes for LocalHomes {
    fn open_home(&self, user: &User) -> Result<Box<dyn Filesystem>> {
        let owner = Owner::of(user);
        let root = if owner.is_root() {
            home_walk::open(&user.home_dir, owner, true)?
                .ok_or_else(|| super::error(Errno::NOENT))?
        } else {
            make_missing(&user.home_dir)?;
            open(&user.home_dir).map_err(super::error)?
        };
        Ok(filesystem(root, user, owner))
    }

    fn existing_home(&self, user: &User) -> Result<Option<Box<dyn Filesystem>>> {
        let owner = Owner::of(user);
        let root = if owner.is_root() {
            home_walk::open(&user.home_dir, owner, false)?
        } else {
            match open(&user.home_dir) {
                Err(Errno::NOENT) => None,
                opened => Some(opened.map_err(super::error)?),
            }
        };
        Ok(root.map(|root| filesystem(root, user, owner)))
    }
}

fn filesystem(root: OwnedFd, user: &User, owner: Owner) -> Box<dyn Filesystem> {
    Box::new(LocalFilesystem::new(root, user.home_dir.clone(), owner))
}

/// Whatever is on the way: a server that is not root reaches what its account reaches, and no link leads further.
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

/// A link's stored `target` as the client may see it.
///
/// `./` in front marks a target that the client gave as an absolute path, see
/// [`Session::symlink`](crate::session::Session::symlink).
///
/// # Errors
/// A target outside the home is not shown.
pub(super) fn as_client_sees(home: &Path, link: &VirtualPath, target: Vec<u8>) -> Result<Vec<u8>> {
    if let Some(inside) = target.strip_prefix(home.as_os_str().as_bytes())
        && (inside.is_empty() || inside.starts_with(b"/"))
    {
        return Ok(VirtualPath::parse(inside)?.as_bytes().to_vec());
    }
    let directory = link.parent().unwrap_or_else(VirtualPath::root);
    if target.starts_with(b"/") || !stays_inside(&directory, &target) {
        return Err(Error::denied("the link leads outside the home directory")
            .decided_by(Rule::OutsideHome));
    }
    if target.starts_with(b"./") {
        return Ok(directory.join(&target)?.as_bytes().to_vec());
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(link: &str, target: &str) -> Option<String> {
        let link = VirtualPath::parse(link.as_bytes()).unwrap();
        let shown = as_client_sees(Path::new("/srv/bob"), &link, target.as_bytes().to_vec());
        shown.ok().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn link_targets_are_shown_as_the_clients_paths_or_not_at_all() {
        assert_eq!(seen("/d/l", "file").as_deref(), Some("file"));
        assert_eq!(seen("/d/l", "../file").as_deref(), Some("../file"));
        assert_eq!(seen("/d/l", "./../a/b").as_deref(), Some("/a/b"));
        assert_eq!(seen("/d/l", "/srv/bob/a").as_deref(), Some("/a"));
        assert_eq!(seen("/d/l", "/srv/bob").as_deref(), Some("/"));
        assert_eq!(seen("/d/l", "/srv/bob2/a"), None);
        assert_eq!(seen("/d/l", "/etc/passwd"), None);
        assert_eq!(seen("/d/l", "../../x"), None);
        assert_eq!(seen("/d/l", "a/../../../x"), None);
    }
}
