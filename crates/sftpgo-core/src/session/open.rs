//! Opening files: which permissions, which name the data goes to, and what it costs.

use std::sync::Arc;

use super::{Session, UploadMode, check_creatable, check_visible};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{FileType, Metadata, OpenOptions, UPLOAD_TEMPORARY_PREFIX},
    permission::Permissions,
    provider::UsageDelta,
    random,
    registry::Operation,
    transfer::{Staged, Transfer, Upload},
    vpath::VirtualPath,
};

/// How a client wants to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)] // the flags of SSH_FXP_OPEN
pub struct OpenRequest {
    pub read: bool,
    pub write: bool,
    /// With no `truncate`: resume, and refuse writes below the size found.
    pub append: bool,
    pub create: bool,
    pub truncate: bool,
    pub exclusive: bool,
    /// Permission bits of a new file, before the umask.
    pub mode: Option<u32>,
}

impl Session {
    /// Opens a file as a transfer, listed until it is finished or dropped.
    ///
    /// # Errors
    /// Reading needs `download`; writing needs `upload`, and `overwrite` when the file exists.
    /// A new file past the quota of files is refused.
    pub fn open(&self, path: &VirtualPath, request: &OpenRequest) -> Result<Transfer> {
        if request.write {
            self.open_for_upload(path, request)
        } else {
            self.open_for_download(path)
        }
    }

    fn open_for_download(&self, path: &VirtualPath) -> Result<Transfer> {
        self.need(Permissions::DOWNLOAD)?;
        check_visible(path)?;
        let file = self.shared.filesystem.open(
            path,
            &OpenOptions {
                read: true,
                ..OpenOptions::default()
            },
        )?;
        Ok(Transfer::new(
            Arc::clone(&self.shared),
            Operation::Download,
            path.clone(),
            file,
            None,
        ))
    }

    fn open_for_upload(&self, path: &VirtualPath, request: &OpenRequest) -> Result<Transfer> {
        self.need(Permissions::UPLOAD)?;
        if request.read {
            self.need(Permissions::DOWNLOAD)?;
        }
        check_creatable(path)?;
        let names = self.shared.quota.lock_names();
        let existing = self.shared.find(path, true)?;
        let transfer = match existing {
            Some(found) => self.open_existing(path, request, &found)?,
            None => self.open_new(path, request)?,
        };
        drop(names);
        Ok(transfer)
    }

    fn open_existing(
        &self,
        path: &VirtualPath,
        request: &OpenRequest,
        found: &Metadata,
    ) -> Result<Transfer> {
        if found.file_type == FileType::Directory {
            return Err(Error::new(ErrorKind::IsADirectory, "is a directory"));
        }
        if request.create && request.exclusive {
            return Err(Error::new(ErrorKind::AlreadyExists, "already exists"));
        }
        self.need(Permissions::OVERWRITE)?;
        let is_link = self
            .shared
            .filesystem
            .metadata(path, false)
            .is_ok_and(|name| name.file_type == FileType::Symlink);
        // Through a link the target is written in place: a rename would replace the link instead.
        if request.truncate && !request.read && self.is_atomic() && !is_link {
            return self.open_staged(path, request, Some(found));
        }
        let options = OpenOptions {
            read: request.read,
            write: true,
            ..OpenOptions::default()
        };
        let file = self.shared.filesystem.open(path, &options)?;
        let metadata = file.metadata()?;
        let counted = self.shared.quota.inode(metadata.inode, metadata.size);
        let mut upload = Upload::in_place(counted);
        if request.truncate {
            upload.delta.size += self.shared.resize(file.as_ref(), &upload.counted, 0)?;
        } else if request.append {
            upload.resume_from = metadata.size;
        }
        Ok(Transfer::new(
            Arc::clone(&self.shared),
            Operation::Upload,
            path.clone(),
            file,
            Some(upload),
        ))
    }

    fn open_new(&self, path: &VirtualPath, request: &OpenRequest) -> Result<Transfer> {
        if !request.create {
            return Err(Error::not_found("no such file or directory"));
        }
        if self.is_atomic() && !request.read {
            return self.open_staged(path, request, None);
        }
        let one_file = UsageDelta { size: 0, files: 1 };
        let (file, upload) = self
            .shared
            .create_file(path, request.read, request.mode, one_file)?;
        Ok(Transfer::new(
            Arc::clone(&self.shared),
            Operation::Upload,
            path.clone(),
            file,
            Some(upload),
        ))
    }

    /// Data goes to a hidden temporary beside the target, which stays whole and visible until the rename.
    fn open_staged(
        &self,
        path: &VirtualPath,
        request: &OpenRequest,
        replaced: Option<&Metadata>,
    ) -> Result<Transfer> {
        let directory = path.parent().unwrap_or_else(VirtualPath::root);
        let mut name = UPLOAD_TEMPORARY_PREFIX.to_vec();
        name.extend_from_slice(random::hex_id().as_bytes());
        let temporary = directory.join(&name)?;
        // A file with another name stays where it is: the upload is one more.
        let freed = replaced.filter(|replaced| replaced.links < 2);
        let one_file = UsageDelta {
            size: 0,
            files: i32::from(freed.is_none()),
        };
        let mode = request
            .mode
            .or(replaced.map(|replaced| replaced.mode & 0o777));
        let (file, mut upload) = self.shared.create_file(&temporary, false, mode, one_file)?;
        self.shared.quota.stage(one_file);
        upload.staged = Some(Staged {
            temporary,
            credit: freed.map_or(0, |freed| freed.size),
        });
        Ok(Transfer::new(
            Arc::clone(&self.shared),
            Operation::Upload,
            path.clone(),
            file,
            Some(upload),
        ))
    }

    fn is_atomic(&self) -> bool {
        self.shared.uploads.mode != UploadMode::Standard
            && self.shared.filesystem.capabilities().atomic_rename
    }
}
