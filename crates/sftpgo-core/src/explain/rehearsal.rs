//! A home that looks like the real one and says of every change what the disk would say, without making it.

mod file;
mod held;
mod look;

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use self::{
    file::UnchangedFile,
    held::HeldRehearsal,
    look::{EmptyDirectory, in_new_home},
};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{
        Capabilities, Directory, DirectoryHandle, File, FileType, Filesystem, Metadata,
        OpenOptions, Replace, SetAttributes, SpaceInfo, Unreadable,
    },
    rule::Rule,
    vpath::VirtualPath,
};

/// The longest target of a symbolic link, PATH_MAX without its NUL.
const MAX_LINK_TARGET: usize = 4095;
/// The longest name, NAME_MAX.
const MAX_NAME: usize = 255;

/// One user's home, or the empty one that a login would make. Knows the one file that a rehearsal makes.
#[derive(Clone)]
pub(super) struct Rehearsal {
    home: Option<Arc<dyn Filesystem>>,
    made: Arc<Mutex<Option<VirtualPath>>>,
}

impl Rehearsal {
    pub(super) fn of(home: Option<Arc<dyn Filesystem>>) -> Self {
        Self {
            home,
            made: Arc::default(),
        }
    }

    fn made(&self) -> MutexGuard<'_, Option<VirtualPath>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_made(&self, path: &VirtualPath) -> bool {
        self.made().as_ref() == Some(path)
    }
}

impl Filesystem for Rehearsal {
    fn capabilities(&self) -> Capabilities {
        self.home.as_ref().map_or(
            Capabilities {
                random_writes: true,
                links: true,
                atomic_rename: true,
                ownership: false,
            },
            |home| home.capabilities(),
        )
    }

    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> Result<Box<dyn File>> {
        if options.create {
            self.check_parent(path)?;
            match self.find(path)? {
                None => {
                    *self.made() = Some(path.clone());
                    return Ok(Box::new(UnchangedFile::new()));
                }
                Some(_) if options.exclusive => return Err(exists()),
                Some(found) if found.file_type == FileType::Symlink => {
                    let target = self.resolved_target(path)?;
                    if self.find(&target)?.is_none() {
                        self.check_parent(&target)?;
                        return Ok(Box::new(UnchangedFile::new()));
                    }
                }
                Some(_) => {}
            }
        }
        // Opening anything else may have effects of its own: a device, a pipe that somebody waits at.
        match self.metadata(path, true)?.file_type {
            FileType::File => {}
            FileType::Directory => return Err(is_a_directory()),
            FileType::Symlink | FileType::Other => {
                return Err(Error::new(ErrorKind::Invalid, "not a regular file")
                    .decided_by(Rule::NotARegularFile));
            }
        }
        let unchanging = OpenOptions {
            read: options.read,
            write: options.write,
            ..OpenOptions::default()
        };
        let home = self.home.as_ref().ok_or_else(missing)?;
        Ok(Box::new(UnchangedFile::of(home.open(path, &unchanging)?)))
    }

    fn metadata(&self, path: &VirtualPath, follow: bool) -> Result<Metadata> {
        match &self.home {
            Some(home) => home.metadata(path, follow),
            None => in_new_home(path),
        }
    }

    fn read_dir(&self, path: &VirtualPath) -> Result<Box<dyn Directory>> {
        match &self.home {
            Some(home) => home.read_dir(path),
            None => in_new_home(path).map(|_| Box::new(EmptyDirectory) as Box<dyn Directory>),
        }
    }

    fn resolve(&self, raw: &[u8]) -> Result<VirtualPath> {
        match &self.home {
            Some(home) => home.resolve(raw),
            None => Ok(VirtualPath::parse(raw)?.as_name()),
        }
    }

    fn create_dir(&self, path: &VirtualPath, _: Option<u32>) -> Result<()> {
        if path.is_root() || self.name_to_change(path, exists)?.is_some() {
            return Err(exists());
        }
        Ok(())
    }

    fn remove_file(&self, path: &VirtualPath) -> Result<()> {
        if self.has_made(path) {
            *self.made() = None;
            return Ok(());
        }
        let found = self.name_to_change(path, is_a_directory)?;
        match found.ok_or_else(missing)?.file_type {
            FileType::Directory => Err(is_a_directory()),
            _ if path.must_be_directory() => Err(not_a_directory()),
            _ => Ok(()),
        }
    }

    fn remove_dir(&self, path: &VirtualPath) -> Result<()> {
        let found = self.name_to_change(path, invalid)?;
        match found.ok_or_else(missing)?.file_type {
            FileType::Directory => self.check_empty(path),
            _ => {
                Err(Error::new(ErrorKind::Invalid, "not a directory")
                    .decided_by(Rule::NotADirectory))
            }
        }
    }

    fn rename(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()> {
        if self.has_made(from) {
            return match self.named(to)? {
                Some(target) if target.file_type == FileType::Directory => Err(is_a_directory()),
                _ => Ok(()),
            };
        }
        self.check_has_name(from, invalid)?;
        self.check_has_name(to, invalid)?;
        let (source, target) = self.both_named(&from.as_name(), &to.as_name())?;
        if target.is_some() && replace == Replace::No {
            return Err(exists());
        }
        let slashes = from.must_be_directory() || to.must_be_directory();
        if slashes && source.file_type != FileType::Directory {
            return Err(not_a_directory());
        }
        self.check_not_into_itself(from, &source, to, target.as_ref())?;
        let Some(target) = target.filter(|target| target.inode != source.inode) else {
            return Ok(());
        };
        match (source.file_type, target.file_type) {
            (FileType::Directory, FileType::Directory) => self.check_empty(to),
            (FileType::Directory, _) => Err(not_a_directory()),
            (_, FileType::Directory) => Err(is_a_directory()),
            _ => Ok(()),
        }
    }

    fn check_links_from(&self, from: &VirtualPath, to: &VirtualPath) -> Result<()> {
        match &self.home {
            Some(home) if !self.has_made(from) => home.check_links_from(from, to),
            _ => Ok(()),
        }
    }

    fn symlink(&self, target: &[u8], link: &VirtualPath) -> Result<()> {
        if self.name_to_change(link, exists)?.is_some() {
            return Err(exists());
        }
        if link.must_be_directory() {
            return Err(missing());
        }
        if target.len() > MAX_LINK_TARGET {
            return Err(name_too_long());
        }
        Ok(())
    }

    fn hard_link(&self, original: &VirtualPath, link: &VirtualPath) -> Result<()> {
        let of_directory = || {
            Error::denied("a directory cannot have a second name").decided_by(Rule::IsADirectory)
        };
        if original.must_be_directory() {
            self.metadata(original, true)?;
            return Err(of_directory());
        }
        self.check_has_name(original, of_directory)?;
        self.check_has_name(link, exists)?;
        let (original, found) = self.both_named(original, &link.as_name())?;
        if found.is_some() {
            return Err(exists());
        }
        if link.must_be_directory() {
            return Err(missing());
        }
        if original.file_type == FileType::Directory {
            return Err(of_directory());
        }
        Ok(())
    }

    fn read_link(&self, path: &VirtualPath) -> Result<Vec<u8>> {
        match &self.home {
            Some(home) => home.read_link(path),
            None => {
                self.named(path)?;
                Err(missing())
            }
        }
    }

    fn set_attributes(
        &self,
        path: &VirtualPath,
        change: &SetAttributes,
        follow: bool,
    ) -> Result<()> {
        let found = self.metadata(path, follow)?;
        if found.file_type == FileType::Symlink && change.mode.is_some() {
            return Err(
                Error::new(ErrorKind::Invalid, "not supported by the file system")
                    .decided_by(Rule::Storage),
            );
        }
        Ok(())
    }

    fn hold_directory(&self, path: &VirtualPath) -> Result<Arc<dyn DirectoryHandle>> {
        let found = self.metadata(path, true)?;
        if found.file_type != FileType::Directory {
            return Err(not_a_directory());
        }
        Ok(Arc::new(HeldRehearsal::new(
            self.clone(),
            path.clone(),
            found.inode,
        )))
    }

    fn sync_dir(&self, _: &VirtualPath) -> Result<()> {
        Ok(())
    }

    fn space(&self, path: &VirtualPath) -> Result<SpaceInfo> {
        match &self.home {
            Some(home) => home.space(path),
            None => self.metadata(path, true).map(|_| SpaceInfo::default()),
        }
    }

    fn for_each_file(
        &self,
        visit: &mut dyn FnMut(&Metadata),
        unreadable: &mut Unreadable<'_>,
    ) -> Result<()> {
        match &self.home {
            Some(home) => home.for_each_file(visit, unreadable),
            None => Ok(()),
        }
    }

    fn sweep_uploads(&self, _: &mut Unreadable<'_>) -> Result<u64> {
        Ok(0)
    }

    fn display_path(&self, path: &VirtualPath) -> PathBuf {
        self.home.as_ref().map_or_else(
            || PathBuf::from(OsStr::from_bytes(path.as_bytes())),
            |home| home.display_path(path),
        )
    }
}

fn missing() -> Error {
    Error::not_found("no such file or directory")
}

fn name_too_long() -> Error {
    Error::new(ErrorKind::Unresolvable, "name too long")
}

fn exists() -> Error {
    Error::new(ErrorKind::AlreadyExists, "already exists")
}

fn invalid() -> Error {
    Error::new(ErrorKind::Invalid, "invalid argument")
}

fn is_a_directory() -> Error {
    Error::new(ErrorKind::IsADirectory, "is a directory")
}

fn not_a_directory() -> Error {
    Error::new(ErrorKind::NotADirectory, "not a directory")
}
