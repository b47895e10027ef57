//! A home that tells what is done to it for durability, and fails where it is told to.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use sftpgo_core::{
    Error, ErrorKind, Result, VirtualPath,
    filesystem::{
        Capabilities, Directory, DirectoryHandle, File, FileId, Filesystem, Metadata, OpenOptions,
        Replace, SetAttributes, SpaceInfo, Unreadable,
    },
};

/// What was done, in order.
#[derive(Clone, Default)]
pub(crate) struct Record {
    done: Arc<Mutex<Vec<String>>>,
    fails_at: &'static str,
    /// Not a second time: as the system tells of lost data.
    fails_once: bool,
    /// The storage declares no directories that can be held.
    holds_no_directories: bool,
    /// What somebody else does just before a rename, or before a file is made.
    before_rename: Option<Arc<dyn Fn() + Send + Sync>>,
    before_create: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Record {
    pub(crate) fn failing_at(fails_at: &'static str) -> Self {
        Self {
            fails_at,
            ..Self::default()
        }
    }

    pub(crate) fn failing_once_at(fails_at: &'static str) -> Self {
        Self {
            fails_once: true,
            ..Self::failing_at(fails_at)
        }
    }

    pub(crate) fn holding_no_directories() -> Self {
        Self {
            holds_no_directories: true,
            ..Self::default()
        }
    }

    pub(crate) fn before_renames(act: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            before_rename: Some(Arc::new(act)),
            ..Self::default()
        }
    }

    pub(crate) fn before_creates(act: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            before_create: Some(Arc::new(act)),
            ..Self::default()
        }
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.done.lock().unwrap())
    }

    fn add(&self, what: &str) -> Result<()> {
        let mut done = self.done.lock().unwrap();
        let is_first = !done.iter().any(|before| before == what);
        done.push(what.to_owned());
        if self.fails_at == what && (is_first || !self.fails_once) {
            return Err(Error::new(ErrorKind::Internal, "as told"));
        }
        Ok(())
    }
}

pub(crate) struct Recorded {
    pub(crate) home: Arc<dyn Filesystem>,
    pub(crate) record: Record,
}

struct RecordedFile {
    file: Box<dyn File>,
    record: Record,
}

impl Filesystem for Recorded {
    fn capabilities(&self) -> Capabilities {
        let capabilities = self.home.capabilities();
        Capabilities {
            atomic_rename: capabilities.atomic_rename && !self.record.holds_no_directories,
            ..capabilities
        }
    }
    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> Result<Box<dyn File>> {
        if let Some(act) = self
            .record
            .before_create
            .as_ref()
            .filter(|_| options.create)
        {
            act();
        }
        Ok(Box::new(RecordedFile {
            file: self.home.open(path, options)?,
            record: self.record.clone(),
        }))
    }
    fn rename(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()> {
        self.record.add("rename")?;
        if let Some(act) = &self.record.before_rename {
            act();
        }
        self.home.rename(from, to, replace)
    }
    fn rename_link(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()> {
        self.record.add("rename")?;
        self.home.rename_link(from, to, replace)
    }
    fn hold_directory(&self, path: &VirtualPath) -> Result<Arc<dyn DirectoryHandle>> {
        Ok(Arc::new(RecordedDirectory {
            directory: self.home.hold_directory(path)?,
            record: self.record.clone(),
        }))
    }
    fn sync_dir(&self, path: &VirtualPath) -> Result<()> {
        self.record.add("sync directory")?;
        self.home.sync_dir(path)
    }
    fn metadata(&self, path: &VirtualPath, follow: bool) -> Result<Metadata> {
        self.home.metadata(path, follow)
    }
    fn read_dir(&self, path: &VirtualPath) -> Result<Box<dyn Directory>> {
        self.home.read_dir(path)
    }
    fn resolve(&self, raw: &[u8]) -> Result<VirtualPath> {
        self.home.resolve(raw)
    }
    fn create_dir(&self, path: &VirtualPath, mode: Option<u32>) -> Result<()> {
        self.home.create_dir(path, mode)
    }
    fn remove_file(&self, path: &VirtualPath) -> Result<()> {
        self.home.remove_file(path)
    }
    fn remove_dir(&self, path: &VirtualPath) -> Result<()> {
        self.home.remove_dir(path)
    }
    fn symlink(&self, target: &[u8], link: &VirtualPath) -> Result<()> {
        self.home.symlink(target, link)
    }
    fn hard_link(&self, original: &VirtualPath, link: &VirtualPath) -> Result<()> {
        self.home.hard_link(original, link)
    }
    fn read_link(&self, path: &VirtualPath) -> Result<Vec<u8>> {
        self.home.read_link(path)
    }
    fn set_attributes(
        &self,
        path: &VirtualPath,
        change: &SetAttributes,
        follow: bool,
    ) -> Result<()> {
        self.home.set_attributes(path, change, follow)
    }
    fn space(&self, path: &VirtualPath) -> Result<SpaceInfo> {
        self.home.space(path)
    }
    fn for_each_file(
        &self,
        visit: &mut dyn FnMut(&Metadata),
        unreadable: &mut Unreadable<'_>,
    ) -> Result<()> {
        self.home.for_each_file(visit, unreadable)
    }
    fn sweep_uploads(&self, unreadable: &mut Unreadable<'_>) -> Result<u64> {
        self.home.sweep_uploads(unreadable)
    }
    fn display_path(&self, path: &VirtualPath) -> PathBuf {
        self.home.display_path(path)
    }
}

struct RecordedDirectory {
    directory: Arc<dyn DirectoryHandle>,
    record: Record,
}

impl DirectoryHandle for RecordedDirectory {
    fn file_id(&self) -> FileId {
        self.directory.file_id()
    }
    fn open(&self, name: &[u8], options: &OpenOptions) -> Result<Box<dyn File>> {
        Ok(Box::new(RecordedFile {
            file: self.directory.open(name, options)?,
            record: self.record.clone(),
        }))
    }
    fn metadata(&self, name: &[u8]) -> Result<Metadata> {
        self.directory.metadata(name)
    }
    fn check_writable(&self, name: &[u8]) -> Result<()> {
        self.directory.check_writable(name)
    }
    fn rename(&self, from: &[u8], to: &[u8], replace: Replace) -> Result<()> {
        self.record.add("rename")?;
        self.directory.rename(from, to, replace)
    }
    fn take_from(&self, other: &dyn DirectoryHandle, name: &[u8]) -> Result<()> {
        self.directory.take_from(other, name)
    }
    fn remove_file(&self, name: &[u8]) -> Result<()> {
        self.directory.remove_file(name)
    }
    fn set_attributes(&self, name: &[u8], change: &SetAttributes) -> Result<()> {
        self.directory.set_attributes(name, change)
    }
    fn sync(&self) -> Result<()> {
        self.record.add("sync directory")?;
        self.directory.sync()
    }
}

impl File for RecordedFile {
    fn sync(&self) -> Result<()> {
        self.record.add("sync file")?;
        self.file.sync()
    }
    fn flush(&self) -> Result<()> {
        if self.record.fails_at == "close" {
            self.record.add("close")?;
        }
        self.file.flush()
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.file.read_at(buffer, offset)
    }
    fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()> {
        self.file.write_all_at(data, offset)
    }
    fn set_len(&self, size: u64) -> Result<()> {
        self.file.set_len(size)
    }
    fn metadata(&self) -> Result<Metadata> {
        self.file.metadata()
    }
    fn set_attributes(&self, change: &SetAttributes) -> Result<()> {
        self.file.set_attributes(change)
    }
}
