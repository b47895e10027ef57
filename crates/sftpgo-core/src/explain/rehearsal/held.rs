//! A directory that is held, as far as trying things needs it: nobody moves it meanwhile.

use super::Rehearsal;
use crate::{
    error::Result,
    filesystem::{
        DirectoryHandle, File, Filesystem, Inode, Metadata, OpenOptions, Replace, SetAttributes,
    },
    vpath::VirtualPath,
};

pub(super) struct HeldRehearsal {
    home: Rehearsal,
    path: VirtualPath,
    inode: Inode,
}

impl HeldRehearsal {
    pub(super) fn new(home: Rehearsal, path: VirtualPath, inode: Inode) -> Self {
        Self { home, path, inode }
    }
}

impl DirectoryHandle for HeldRehearsal {
    fn inode(&self) -> Inode {
        self.inode
    }

    fn metadata(&self, name: &[u8]) -> Result<Metadata> {
        self.home.metadata(&self.path.join(name)?, false)
    }

    fn open(&self, name: &[u8], options: &OpenOptions) -> Result<Box<dyn File>> {
        self.home.open(&self.path.join(name)?, options)
    }

    fn check_writable(&self, name: &[u8]) -> Result<()> {
        let options = OpenOptions {
            write: true,
            ..OpenOptions::default()
        };
        self.open(name, &options).map(drop)
    }

    fn rename(&self, from: &[u8], to: &[u8], replace: Replace) -> Result<()> {
        let (from, to) = (self.path.join(from)?, self.path.join(to)?);
        self.home.rename(&from, &to, replace)
    }

    fn take_from(&self, _: &dyn DirectoryHandle, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn remove_file(&self, name: &[u8]) -> Result<()> {
        self.home.remove_file(&self.path.join(name)?)
    }

    fn set_attributes(&self, name: &[u8], change: &SetAttributes) -> Result<()> {
        self.home
            .set_attributes(&self.path.join(name)?, change, false)
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}
