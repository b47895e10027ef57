//! Uploads to the storage in memory, which fail or hang when a test says so.

use std::sync::{Arc, Condvar, Mutex};

use sftpgo_core::{
    Error, ErrorKind, Result, VirtualPath,
    filesystem::{FileType, Metadata, Replace, SetAttributes, UploadWriter},
};

use super::Tree;

/// What a storage that hangs does not let through.
#[derive(Default)]
pub(super) struct Gate {
    is_shut: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub(super) fn set(&self, is_shut: bool) {
        *self.is_shut.lock().unwrap() = is_shut;
        self.changed.notify_all();
    }

    pub(super) fn pass(&self) {
        let is_shut = self.is_shut.lock().unwrap();
        drop(
            self.changed
                .wait_while(is_shut, |is_shut| *is_shut)
                .unwrap(),
        );
    }
}

/// An upload. Names tell what fails of it.
pub(super) struct MemoryUpload {
    pub(super) tree: Arc<Mutex<Tree>>,
    pub(super) gate: Arc<Gate>,
    pub(super) path: VirtualPath,
    pub(super) mode: u32,
    pub(super) attributes: SetAttributes,
    pub(super) content: Vec<u8>,
}

/// Files of this name cannot be finished.
pub const FAILS_AT_ITS_END: &str = "/fails at its end";
/// Files of this name take three bytes at most.
pub const FAILS_ON_THE_WAY: &str = "/fails on the way";

impl UploadWriter for MemoryUpload {
    fn write(&mut self, data: &[u8]) -> Result<()> {
        self.gate.pass();
        self.content.extend_from_slice(data);
        if self.path.as_bytes() == FAILS_ON_THE_WAY.as_bytes() && self.content.len() > 3 {
            return Err(Error::new(ErrorKind::StorageFull, "no space left"));
        }
        Ok(())
    }

    fn set_attributes(&mut self, change: &SetAttributes) -> Result<()> {
        self.attributes.mode = change.mode.or(self.attributes.mode);
        self.attributes.times = change.times.or(self.attributes.times);
        Ok(())
    }

    fn finish(self: Box<Self>, replace: Replace) -> Result<Metadata> {
        self.gate.pass();
        let mut tree = self.tree.lock().unwrap();
        tree.unfinished -= 1;
        if self.path.as_bytes() == FAILS_AT_ITS_END.as_bytes() {
            return Err(Error::new(ErrorKind::Internal, "the parts do not fit"));
        }
        tree.check_parent(&self.path)?;
        let is_taken = tree.objects.contains_key(self.path.as_bytes());
        if replace == Replace::No && is_taken {
            return Err(Error::new(ErrorKind::AlreadyExists, "already exists"));
        }
        tree.remove(&self.path);
        let object = tree.make(&self.path, FileType::File, self.mode);
        let mut object = object.lock().unwrap();
        object.metadata.size = self.content.len() as u64;
        object.content.clone_from(&self.content);
        object.set(&self.attributes);
        Ok(object.metadata)
    }

    fn abort(self: Box<Self>) -> Result<()> {
        self.gate.pass();
        self.tree.lock().unwrap().unfinished -= 1;
        Ok(())
    }
}
