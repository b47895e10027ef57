//! An open directory.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::{error, metadata};
use crate::{
    error::Result,
    filesystem::{DirEntry, Directory},
};

pub(super) struct LocalDirectory {
    stream: rustix::fs::Dir,
    fd: OwnedFd,
}

impl LocalDirectory {
    pub(super) fn new(fd: OwnedFd) -> Result<Self> {
        Ok(Self {
            stream: rustix::fs::Dir::read_from(&fd).map_err(error)?,
            fd,
        })
    }
}

impl Directory for LocalDirectory {
    fn next_entry(&mut self) -> Result<Option<DirEntry>> {
        loop {
            let entry = match self.stream.read() {
                None => return Ok(None),
                Some(Err(Errno::INTR)) => continue,
                Some(entry) => entry.map_err(error)?,
            };
            let name = entry.file_name().to_bytes();
            // The home's own parent must not show.
            let looked_up = if name == b".." { b"." } else { name };
            // A name removed since it was read is not there any more.
            if let Ok(metadata) = metadata::of_name(&self.fd, looked_up) {
                return Ok(Some(DirEntry {
                    name: name.to_vec(),
                    metadata,
                }));
            }
        }
    }
}
