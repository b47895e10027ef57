//! A storage that can do as little as a storage may. It makes up what tells its files apart, and panics when it is asked
//! for what it does not declare.

mod upload;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
    time::{SystemTime, UNIX_EPOCH},
};

pub use self::upload::{FAILS_AT_ITS_END, FAILS_ON_THE_WAY};
use self::upload::{Gate, MemoryUpload};
use sftpgo_core::{
    Error, ErrorKind, Result, VirtualPath,
    filesystem::{
        Capabilities, DirEntry, Directory, DirectoryHandle, File, FileId, FileType, Filesystem,
        FilesystemFactory, Metadata, OpenOptions, Ownership, Replace, SetAttributes, SpaceInfo,
        Unreadable, UploadWriter,
    },
    user::EffectiveUser,
};

/// The home of everybody.
#[derive(Default)]
pub struct MemoryHomes {
    tree: Arc<Mutex<Tree>>,
    gate: Arc<Gate>,
    beginnings: Arc<Gate>,
}

impl MemoryHomes {
    /// From now on no call of an upload returns.
    pub fn hang(&self) {
        self.gate.set(true);
    }

    /// From now on no call returns that begins an upload.
    pub fn hang_at_beginnings(&self) {
        self.beginnings.set(true);
    }

    /// They return again.
    pub fn answer(&self) {
        self.gate.set(false);
        self.beginnings.set(false);
    }

    /// How many uploads have left something that is no file.
    pub fn unfinished(&self) -> usize {
        self.tree.lock().unwrap().unfinished
    }
}

impl FilesystemFactory for MemoryHomes {
    fn open_home(&self, _: &EffectiveUser) -> Result<Box<dyn Filesystem>> {
        Ok(Box::new(MemoryFilesystem {
            tree: Arc::clone(&self.tree),
            gate: Arc::clone(&self.gate),
            beginnings: Arc::clone(&self.beginnings),
        }))
    }

    fn existing_home(&self, user: &EffectiveUser) -> Result<Option<Box<dyn Filesystem>>> {
        self.open_home(user).map(Some)
    }
}

struct MemoryFilesystem {
    tree: Arc<Mutex<Tree>>,
    gate: Arc<Gate>,
    beginnings: Arc<Gate>,
}

/// Everything by its whole path, as a store of objects has it.
struct Tree {
    objects: BTreeMap<Vec<u8>, Arc<Mutex<Object>>>,
    made: u64,
    unfinished: usize,
}

struct Object {
    metadata: Metadata,
    content: Vec<u8>,
}

impl Default for Tree {
    fn default() -> Self {
        let mut tree = Self {
            objects: BTreeMap::new(),
            made: 0,
            unfinished: 0,
        };
        tree.make(&VirtualPath::root(), FileType::Directory, 0o755);
        tree
    }
}

impl Tree {
    fn make(&mut self, path: &VirtualPath, file_type: FileType, mode: u32) -> Arc<Mutex<Object>> {
        self.made += 1;
        let now = unix_seconds(SystemTime::now());
        let format = match file_type {
            FileType::Directory => 0o040_000,
            _ => 0o100_000,
        };
        let object = Arc::new(Mutex::new(Object {
            metadata: Metadata {
                file_type,
                mode: format | mode,
                size: 0,
                uid: 0,
                gid: 0,
                atime: now,
                mtime: now,
                changed_at: (now, 0),
                links: 1,
                file_id: FileId::new(0, self.made),
            },
            content: Vec::new(),
        }));
        self.objects
            .insert(path.as_bytes().to_vec(), Arc::clone(&object));
        object
    }

    fn find(&self, path: &VirtualPath) -> Result<Arc<Mutex<Object>>> {
        let found = self.objects.get(path.as_bytes()).ok_or_else(missing)?;
        if path.must_be_directory() && !is_directory(found) {
            return Err(no_directory());
        }
        Ok(Arc::clone(found))
    }

    fn check_directory(&self, path: &VirtualPath) -> Result<()> {
        match is_directory(&self.find(path)?) {
            true => Ok(()),
            false => Err(no_directory()),
        }
    }

    /// A name below something that is not a directory does not exist.
    fn check_parent(&self, path: &VirtualPath) -> Result<()> {
        self.check_directory(&path.parent_or_root())
            .map_err(|_| missing())
    }

    /// The names of all that is below it.
    fn below(&self, path: &VirtualPath) -> Vec<Vec<u8>> {
        let is_below = |name: &&Vec<u8>| {
            name.strip_prefix(path.as_bytes())
                .is_some_and(|rest| rest.starts_with(b"/"))
        };
        self.objects.keys().filter(is_below).cloned().collect()
    }

    fn remove(&mut self, path: &VirtualPath) {
        if let Some(object) = self.objects.remove(path.as_bytes()) {
            object.lock().unwrap().metadata.links = 0;
        }
    }
}

impl MemoryFilesystem {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap()
    }
}

impl Filesystem for MemoryFilesystem {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            random_writes: false,
            links: false,
            atomic_rename: false,
            ownership: Ownership::Absent,
        }
    }

    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> Result<Box<dyn File>> {
        let only_reads = OpenOptions {
            read: true,
            ..OpenOptions::default()
        };
        assert_eq!(*options, only_reads, "asked for what is not declared");
        let tree = self.tree();
        tree.check_directory(&path.parent_or_root())?;
        let object = tree.find(path)?;
        if is_directory(&object) {
            return Err(Error::new(ErrorKind::IsADirectory, "is a directory"));
        }
        Ok(Box::new(MemoryFile(object)))
    }

    fn begin_upload(&self, path: &VirtualPath, mode: Option<u32>) -> Result<Box<dyn UploadWriter>> {
        let mut tree = self.tree();
        tree.check_directory(&path.parent_or_root())?;
        tree.unfinished += 1;
        drop(tree);
        self.beginnings.pass();
        Ok(Box::new(MemoryUpload {
            tree: Arc::clone(&self.tree),
            gate: Arc::clone(&self.gate),
            path: path.clone(),
            mode: mode.unwrap_or(0o644),
            attributes: SetAttributes::default(),
            content: Vec::new(),
        }))
    }

    fn metadata(&self, path: &VirtualPath, _: bool) -> Result<Metadata> {
        Ok(self.tree().find(path)?.lock().unwrap().metadata)
    }

    fn read_dir(&self, path: &VirtualPath) -> Result<Box<dyn Directory>> {
        let tree = self.tree();
        tree.check_directory(path)?;
        let mut entries = Vec::new();
        for (name, object) in &tree.objects {
            let entry = VirtualPath::parse(name)?;
            if entry
                .parent()
                .is_some_and(|parent| parent == path.as_name())
            {
                entries.push(DirEntry {
                    name: entry.file_name().unwrap().to_vec(),
                    metadata: object.lock().unwrap().metadata,
                });
            }
        }
        Ok(Box::new(MemoryDirectory(entries)))
    }

    fn create_dir(&self, path: &VirtualPath, mode: Option<u32>) -> Result<()> {
        let mut tree = self.tree();
        match tree.find(&path.as_name()) {
            Ok(_) => Err(Error::new(ErrorKind::AlreadyExists, "already exists")),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                tree.check_parent(path)?;
                tree.make(path, FileType::Directory, mode.unwrap_or(0o755));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn remove_file(&self, path: &VirtualPath) -> Result<()> {
        let mut tree = self.tree();
        match is_directory(&tree.find(path)?) {
            true => Err(Error::new(ErrorKind::IsADirectory, "is a directory")),
            false => {
                tree.remove(path);
                Ok(())
            }
        }
    }

    fn remove_dir(&self, path: &VirtualPath) -> Result<()> {
        let mut tree = self.tree();
        tree.check_directory(path)?;
        if !tree.below(path).is_empty() {
            return Err(Error::new(
                ErrorKind::DirectoryNotEmpty,
                "directory not empty",
            ));
        }
        tree.remove(path);
        Ok(())
    }

    fn rename(&self, from: &VirtualPath, to: &VirtualPath, replace: Replace) -> Result<()> {
        assert_eq!(replace, Replace::No, "asked for what is not declared");
        let mut tree = self.tree();
        tree.find(from)?;
        tree.check_parent(to)?;
        if is_mounted(from) != is_mounted(to) {
            return Err(Error::new(ErrorKind::CrossesMounts, "on two mounts"));
        }
        if tree.objects.contains_key(to.as_bytes()) {
            return Err(Error::new(ErrorKind::AlreadyExists, "already exists"));
        }
        let mut moved = tree.below(from);
        moved.push(from.as_bytes().to_vec());
        for old in moved {
            let rest = &old[from.as_bytes().len()..];
            let new = [to.as_bytes(), rest].concat();
            let object = tree.objects.remove(&old).unwrap();
            tree.objects.insert(new, object);
        }
        Ok(())
    }

    fn symlink(&self, _: &[u8], _: &VirtualPath) -> Result<()> {
        panic!("asked for what is not declared")
    }

    fn hard_link(&self, _: &VirtualPath, _: &VirtualPath) -> Result<()> {
        panic!("asked for what is not declared")
    }

    fn read_link(&self, _: &VirtualPath) -> Result<Vec<u8>> {
        panic!("asked for what is not declared")
    }

    fn hold_directory(&self, _: &VirtualPath) -> Result<Arc<dyn DirectoryHandle>> {
        panic!("asked for what is not declared")
    }

    fn set_attributes(&self, path: &VirtualPath, change: &SetAttributes, _: bool) -> Result<()> {
        self.tree().find(path)?.lock().unwrap().set(change);
        Ok(())
    }

    fn sync_dir(&self, path: &VirtualPath) -> Result<()> {
        self.tree().check_directory(path)
    }

    fn space(&self, path: &VirtualPath) -> Result<SpaceInfo> {
        self.tree().find(path).map(|_| SpaceInfo::default())
    }

    fn for_each_file(
        &self,
        visit: &mut dyn FnMut(&Metadata),
        _: &mut Unreadable<'_>,
    ) -> Result<()> {
        for object in self.tree().objects.values() {
            if !is_directory(object) {
                visit(&object.lock().unwrap().metadata);
            }
        }
        Ok(())
    }

    fn sweep_uploads(&self, _: &mut Unreadable<'_>) -> Result<u64> {
        Ok(0)
    }

    fn display_path(&self, path: &VirtualPath) -> PathBuf {
        PathBuf::from(path.to_string_lossy().into_owned())
    }
}

struct MemoryDirectory(Vec<DirEntry>);

impl Directory for MemoryDirectory {
    fn next_entry(&mut self) -> Result<Option<DirEntry>> {
        Ok(self.0.pop())
    }
}

struct MemoryFile(Arc<Mutex<Object>>);

impl File for MemoryFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let object = self.0.lock().unwrap();
        let from = object.content.len().min(offset as usize);
        let part = &object.content[from..];
        let len = part.len().min(buffer.len());
        buffer[..len].copy_from_slice(&part[..len]);
        Ok(len)
    }

    fn write_all_at(&self, _: &[u8], _: u64) -> Result<()> {
        panic!("asked for what is not declared")
    }

    fn set_len(&self, _: u64) -> Result<()> {
        panic!("asked for what is not declared")
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn metadata(&self) -> Result<Metadata> {
        Ok(self.0.lock().unwrap().metadata)
    }

    fn set_attributes(&self, change: &SetAttributes) -> Result<()> {
        self.0.lock().unwrap().set(change);
        Ok(())
    }
}

impl Object {
    fn set(&mut self, change: &SetAttributes) {
        assert_eq!(change.owner, None, "asked for what is not declared");
        if let Some(mode) = change.mode {
            self.metadata.mode = self.metadata.mode & !0o777 | mode & 0o777;
        }
        if let Some((accessed, modified)) = change.times {
            self.metadata.atime = unix_seconds(accessed);
            self.metadata.mtime = unix_seconds(modified);
        }
    }
}

/// What is below this directory is on another mount.
fn is_mounted(path: &VirtualPath) -> bool {
    path.as_bytes().starts_with(b"/mounted/")
}

fn is_directory(object: &Arc<Mutex<Object>>) -> bool {
    object.lock().unwrap().metadata.file_type == FileType::Directory
}

fn unix_seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

fn missing() -> Error {
    Error::not_found("no such file or directory")
}

fn no_directory() -> Error {
    Error::new(ErrorKind::NotADirectory, "not a directory")
}
