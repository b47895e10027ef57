//! Opening homes at login, and showing link targets as the client's paths.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt},
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::{LocalFilesystem, metadata::Owner};
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
        make_missing(&user.home_dir, Owner::of(user))?;
        open(user).map_err(super::error)
    }

    fn existing_home(&self, user: &User) -> Result<Option<Box<dyn Filesystem>>> {
        match open(user) {
            Ok(home) => Ok(Some(home)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(super::error(errno)),
        }
    }
}

fn open(user: &User) -> Result<Box<dyn Filesystem>, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(&user.home_dir, flags, Mode::empty())?;
    Ok(Box::new(LocalFilesystem::new(
        root,
        user.home_dir.clone(),
        Owner::of(user),
    )))
}

/// Makes the home with its parents; the directories made here get the user's owner, others keep theirs.
fn make_missing(home: &Path, owner: Owner) -> Result<()> {
    let missing: Vec<&Path> = home.ancestors().take_while(|path| !path.exists()).collect();
    for path in missing.into_iter().rev() {
        match fs::DirBuilder::new()
            .mode(super::NEW_DIRECTORY_MODE)
            .create(path)
        {
            Ok(()) => {
                let made = rustix::fs::open(
                    path,
                    OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                    Mode::empty(),
                )
                .map_err(super::error)?;
                owner.give(&made)?;
            }
            // Another login of the same user was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(Error::new(
                    ErrorKind::Internal,
                    format!("{}: {error}", path.display()),
                )
                .with_source(error));
            }
        }
    }
    Ok(())
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
