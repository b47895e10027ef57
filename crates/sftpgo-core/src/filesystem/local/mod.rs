//! A directory of the local disk as a user's home; the only place that touches the disk.
//!
//! The home is held as a directory handle and every path is resolved beneath it by the kernel,
//! so that no name, link or race leads outside; see `resolve`.

mod directory;
mod errno;
mod file;
mod held;
#[allow(clippy::disallowed_methods, reason = "homes are made here")]
mod home;
mod home_walk;
mod links;
mod metadata;
mod moved_links;
mod open;
mod resolve;
mod shared_root;
mod space;
mod stamp;
mod sweep;
mod walk;

use std::{
    ffi::OsStr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::PathBuf,
    sync::Arc,
};

use rustix::{
    fs::{Access, AtFlags, Mode, OFlags, RenameFlags},
    io::Errno,
};

use self::errno::{error, error_of_rmdir, error_of_two};
use self::{
    directory::LocalDirectory, held::HeldDirectory, links::Last, metadata::Owner,
    shared_root::SharedRoot,
};
pub use self::{home::LocalHomes, space::DiskSpace, stamp::Stamp};
use super::{
    Capabilities, Directory, DirectoryHandle, File, FileType, Filesystem, Metadata, OpenOptions,
    OwnerIds, Ownership, Replace, SetAttributes, SpaceInfo, Unreadable,
};
use crate::{
    error::{Error, ErrorKind, Result},
    policy::{is_upload_temporary, temporary_name},
    vpath::VirtualPath,
};

/// Permission bits a new file gets when the client asks for none, before the umask.
const NEW_FILE_MODE: u32 = 0o666;
/// Permission bits a new directory gets when the client asks for none, before the umask.
const NEW_DIRECTORY_MODE: u32 = 0o777;
/// The mode bits that a client may set: never set-uid, set-gid or sticky on files of a server that may run as root.
const CLIENT_MODE_BITS: u32 = 0o777;

/// One user's home on the local disk.
pub struct LocalFilesystem {
    root: Arc<SharedRoot>,
    owner: Owner,
}

impl Filesystem for LocalFilesystem {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            random_writes: true,
            links: true,
            atomic_rename: true,
            ownership: if self.owner.is_root() {
                Ownership::Changeable
            } else {
                Ownership::Fixed
            },
        }
    }

    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> Result<Box<dyn File>> {
        open::open(options, self.owner, |flags, mode| {
            self.root.open(path, flags, mode)
        })
    }

    fn metadata(&self, path: &VirtualPath, follow: bool) -> Result<Metadata> {
        if follow || path.must_be_directory() {
            let fd = self
                .root
                .open(path, OFlags::PATH, Mode::empty())
                .map_err(error)?;
            return metadata::of_fd(&fd);
        }
        let (parent, name) = self.root.parent_of(path)?;
        metadata::of_name(&parent, name)
    }

    fn read_dir(&self, path: &VirtualPath) -> Result<Box<dyn Directory>> {
        let fd = self
            .root
            .open(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
            .map_err(error)?;
        Ok(Box::new(LocalDirectory::new(fd)?))
    }

    fn create_dir(&self, path: &VirtualPath, mode: Option<u32>) -> Result<()> {
        if path.is_root() {
            return Err(Error::new(ErrorKind::AlreadyExists, "already exists"));
        }
        let (parent, name) = self.root.name_to_change(path, Errno::EXIST)?;
        let mode = mode_bits(mode.unwrap_or(NEW_DIRECTORY_MODE));
        rustix::fs::mkdirat(&parent, &*name, mode).map_err(error)?;
        // Without a slash, behind which a link that took the name would be followed.
        self.owner
            .give_name(&parent, path.file_name().unwrap_or(&name))
    }

    fn resolve(&self, raw: &[u8]) -> Result<VirtualPath> {
        let words = VirtualPath::parse(raw)?;
        let climbs = raw.split(|byte| *byte == b'/').any(|name| name == b"..");
        if !climbs && self.root.open_without_links(&words).is_ok() {
            return Ok(words.as_name());
        }
        let place = links::follow(&self.root, raw, Last::Follow).map_err(error)?;
        if words.must_be_directory() {
            // A directory that is missing is no name that may come.
            self.root.open_without_links(&place).map_err(error)?;
        }
        Ok(place)
    }

    fn remove_file(&self, path: &VirtualPath) -> Result<()> {
        let (parent, name) = self.root.name_to_change(path, Errno::ISDIR)?;
        rustix::fs::unlinkat(&parent, &*name, AtFlags::empty()).map_err(error)
    }

    fn remove_dir(&self, path: &VirtualPath) -> Result<()> {
        let (parent, name) = self.root.name_to_change(path, Errno::INVAL)?;
        rustix::fs::unlinkat(&parent, &*name, AtFlags::REMOVEDIR).map_err(error_of_rmdir)
    }

    fn rename(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()> {
        let (from_parent, from_name) = self.root.name_to_change(from, Errno::INVAL)?;
        let (to_parent, to_name) = self.root.name_to_change(to, Errno::INVAL)?;
        let (from_name, to_name) = (&*from_name, &*to_name);
        // Some filesystems know no NOREPLACE; a directory is not moved into itself there either.
        let look_at = (!is_beneath(from, to)).then(|| to.file_name().unwrap_or(to_name));
        rename(
            (&from_parent, from_name),
            (&to_parent, to_name),
            replace,
            look_at,
        )
    }

    fn rename_link(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()> {
        let Some(target) = moved_links::target_from_new_place(&self.root, from, to)? else {
            self.check_links_from(from, to)?;
            return self.rename(from, to, replace);
        };
        let (parent, name) = self.root.name_to_change(from, Errno::INVAL)?;
        // Both names change: none is made where the old one would have to stay.
        let access = Access::WRITE_OK | Access::EXEC_OK;
        rustix::fs::accessat(&parent, c".", access, AtFlags::EACCESS).map_err(error)?;
        self.put_link(&target, to, replace)?;
        rustix::fs::unlinkat(&parent, &*name, AtFlags::empty()).map_err(error)
    }

    fn check_links_from(&self, from: &VirtualPath, to: &VirtualPath) -> Result<()> {
        moved_links::check(&self.root, from, to)
    }

    fn symlink(&self, target: &[u8], link: &VirtualPath) -> Result<()> {
        let (parent, name) = self.root.name_to_change(link, Errno::EXIST)?;
        rustix::fs::symlinkat(target, &parent, &*name).map_err(error)?;
        self.owner.give_name(&parent, &name)
    }

    fn hard_link(&self, original: &VirtualPath, link: &VirtualPath) -> Result<()> {
        if original.must_be_directory() {
            self.metadata(original, true)?;
            return Err(error(Errno::PERM));
        }
        let (original_parent, original_name) = self.root.parent_of(original)?;
        let (link_parent, link_name) = self.root.name_to_change(link, Errno::EXIST)?;
        rustix::fs::linkat(
            &original_parent,
            original_name,
            &link_parent,
            &*link_name,
            AtFlags::empty(),
        )
        .map_err(error_of_two)
    }

    fn read_link(&self, path: &VirtualPath) -> Result<Vec<u8>> {
        if path.must_be_directory() && !path.is_root() {
            self.metadata(path, true)?;
            return Err(not_a_link());
        }
        let (parent, name) = self.root.parent_of(path)?;
        let target =
            rustix::fs::readlinkat(&parent, name, Vec::new()).map_err(|errno| match errno {
                Errno::INVAL => not_a_link(),
                other => error(other),
            })?;
        let target = target.into_bytes();
        // Only where the target goes up does it matter where the link is, which links may lead to.
        let directory = if target.split(|byte| *byte == b'/').any(|name| name == b"..") {
            self.resolve(path.parent_or_root().as_bytes())?
        } else {
            path.parent_or_root()
        };
        links::as_client_sees(self.root.home(), &directory, target)
    }

    fn set_attributes(
        &self,
        path: &VirtualPath,
        change: &SetAttributes,
        follow: bool,
    ) -> Result<()> {
        if follow || path.must_be_directory() {
            let fd = self
                .root
                .open(path, OFlags::PATH, Mode::empty())
                .map_err(error)?;
            let again = |flags| self.root.open(path, flags, Mode::empty());
            return metadata::set_by_path_fd(&fd, change, self.owner, &again);
        }
        let (parent, name) = self.root.parent_of(path)?;
        metadata::set_by_name(&parent, name, change, self.owner)
    }

    fn hold_directory(&self, path: &VirtualPath) -> Result<Arc<dyn DirectoryHandle>> {
        let fd = self
            .root
            .open(path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
            .map_err(error)?;
        Ok(Arc::new(HeldDirectory::new(fd, self.owner)?))
    }

    fn sync_dir(&self, path: &VirtualPath) -> Result<()> {
        let fd = self
            .root
            .open(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
            .map_err(error)?;
        rustix::fs::fsync(&fd).map_err(error)
    }

    fn space(&self, path: &VirtualPath) -> Result<SpaceInfo> {
        let fd = self
            .root
            .open(path, OFlags::PATH, Mode::empty())
            .map_err(error)?;
        metadata::space(&fd)
    }

    fn for_each_file(
        &self,
        visit: &mut dyn FnMut(&Metadata),
        unreadable: &mut Unreadable<'_>,
    ) -> Result<()> {
        let root = match self.root.open_root() {
            Ok(root) => root,
            Err(refused) => {
                unreadable(&VirtualPath::root(), &refused);
                return Ok(());
            }
        };
        let visit = |entry: &walk::Entry<'_>| {
            if entry.metadata.file_type == FileType::File && !is_upload_temporary(entry.name) {
                visit(entry.metadata);
            }
            Ok(())
        };
        walk::walk(root, visit, |path, refused| {
            unreadable(path, &refused);
            Ok(())
        })
    }

    fn sweep_uploads(&self, unreadable: &mut Unreadable<'_>) -> Result<u64> {
        sweep::remove_temporaries(self.root.open_root()?, unreadable)
    }

    fn owner_of_new_files(&self) -> Option<OwnerIds> {
        Some(self.owner.ids())
    }

    fn display_path(&self, path: &VirtualPath) -> PathBuf {
        if path.is_root() {
            return self.root.home().to_owned();
        }
        self.root.home().join(OsStr::from_bytes(path.relative()))
    }
}

impl LocalFilesystem {
    /// Makes a link with this stored target, in the place of what has the name where that may be.
    fn put_link(&self, target: &[u8], link: &VirtualPath, replace: Replace) -> Result<()> {
        let (parent, name) = self.root.name_to_change(link, Errno::INVAL)?;
        let make = |name: &[u8]| {
            rustix::fs::symlinkat(target, &parent, name).map_err(error)?;
            self.owner.give_name(&parent, name)
        };
        match make(&name) {
            Err(taken) if taken.kind() == ErrorKind::AlreadyExists && replace == Replace::Yes => {}
            made => return made,
        }
        let hidden = temporary_name();
        make(&hidden)?;
        rustix::fs::renameat(&parent, &*hidden, &parent, &*name).map_err(|errno| {
            // What is left of it when that fails too goes with the next sweep.
            let _ = rustix::fs::unlinkat(&parent, &*hidden, AtFlags::empty());
            error(errno)
        })
    }
}

/// Renames between two open directories. Where the file system cannot refuse to replace a name, the name `look_at` is looked
/// for before.
fn rename(
    from: (impl AsFd, &[u8]),
    to: (&OwnedFd, &[u8]),
    replace: Replace,
    look_at: Option<&[u8]>,
) -> Result<()> {
    let flags = match replace {
        Replace::No => RenameFlags::NOREPLACE,
        Replace::Yes => RenameFlags::empty(),
    };
    let renamed = rustix::fs::renameat_with(&from.0, from.1, to.0, to.1, flags);
    let (Err(Errno::INVAL | Errno::NOSYS), Replace::No, Some(name)) = (renamed, replace, look_at)
    else {
        return renamed.map_err(error_of_two);
    };
    if metadata::of_name(to.0, name).is_ok() {
        return Err(error(Errno::EXIST));
    }
    rustix::fs::renameat(&from.0, from.1, to.0, to.1).map_err(error_of_two)
}

/// Is `path` inside `directory`?
fn is_beneath(directory: &VirtualPath, path: &VirtualPath) -> bool {
    path.as_bytes()
        .strip_prefix(directory.as_bytes())
        .is_some_and(|rest| rest.starts_with(b"/"))
}

fn not_a_link() -> Error {
    Error::new(ErrorKind::Invalid, "not a symbolic link")
}

fn mode_bits(mode: u32) -> Mode {
    Mode::from_raw_mode(mode & CLIENT_MODE_BITS)
}
