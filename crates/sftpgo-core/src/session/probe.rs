//! What protocols without requests for it have to find out before they open a file.

use super::{Session, UploadMode, check_creatable, check_visible};
use crate::{
    error::Result,
    filesystem::{File, FileType, Metadata, OpenOptions},
    permission::Permissions,
    vpath::VirtualPath,
};

impl Session {
    /// What is under the name an upload is meant for, links followed; none when nothing is.
    ///
    /// It tells whether to write the name or into the directory of this name, so it is part of uploading.
    ///
    /// # Errors
    /// Needs `upload`.
    pub fn upload_target(&self, path: &VirtualPath) -> Result<Option<Metadata>> {
        self.need(Permissions::UPLOAD)?;
        check_creatable(path)?;
        self.shared.find(path, true)
    }

    /// Does a new content for this name go to a hidden file until all of it is there? Else it is written over the old
    /// one, as through a link in every upload mode.
    pub fn keeps_old_content(&self, path: &VirtualPath) -> bool {
        let filesystem = &self.shared.filesystem;
        self.shared.uploads.mode != UploadMode::Standard
            && filesystem.capabilities().atomic_rename
            && !filesystem
                .metadata(path, false)
                .is_ok_and(|found| found.file_type == FileType::Symlink)
    }

    /// Opens a file to compute something from its content, such as a checksum: no transfer is listed or logged.
    ///
    /// # Errors
    /// Needs `download`.
    pub fn open_content(&self, path: &VirtualPath) -> Result<Box<dyn File>> {
        self.need(Permissions::DOWNLOAD)?;
        check_visible(path)?;
        let options = OpenOptions {
            read: true,
            ..OpenOptions::default()
        };
        self.shared.filesystem.open(path, &options)
    }
}
