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
            true,
            None,
        ))
    }

    fn open_for_upload(&self, path: &VirtualPath, request: &OpenRequest) -> Result<Transfer> {
        self.need(Permissions::UPLOAD)?;
        if request.read {
            self.need(Permissions::DOWNLOAD)?;
        }
        check_creatable(path)?;
        if request.create && path.must_be_directory() {
            return Err(Error::new(
                ErrorKind::IsADirectory,
                "the name is that of a directory",
            ));
        }
        let names = self.shared.quota.change_names();
        let transfer = self.open_or_make(path, request);
        drop(names);
        transfer
    }

    fn open_or_make(&self, path: &VirtualPath, request: &OpenRequest) -> Result<Transfer> {
        // Most uploads make a file, and making it tells that there was none: then nobody has to look.
        let made = (request.create && !self.is_staged(request)).then(|| self.make(path, request));
        if let Some(Ok(transfer)) = made {
            return Ok(transfer);
        }
        match (self.shared.find(path, true)?, made) {
            (Some(found), _) => self.open_existing(path, request, &found),
            (None, Some(refused)) => refused,
            (None, None) if request.create => self.open_staged(path, request, None),
            (None, None) => Err(Error::not_found("no such file or directory")),
        }
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
        if request.truncate && self.is_staged(request) && !is_link {
            return self.open_staged(path, request, Some(found));
        }
        let options = OpenOptions {
            read: request.read,
            write: true,
            ..OpenOptions::default()
        };
        let file = self.shared.filesystem.open(path, &options)?;
        let (metadata, count) = self.shared.quota.look_up(|| file.metadata())?;
        let mut upload = Upload::in_place(count);
        if request.truncate {
            upload.resize(&self.shared, file.as_ref(), 0)?;
        } else if request.append {
            upload.resume_from = metadata.size;
        }
        Ok(Transfer::new(
            Arc::clone(&self.shared),
            Operation::Upload,
            path.clone(),
            file,
            request.read,
            Some(upload),
        ))
    }

    /// A file that must not be there yet, under its name at once.
    fn make(&self, path: &VirtualPath, request: &OpenRequest) -> Result<Transfer> {
        let one_file = UsageDelta { size: 0, files: 1 };
        let options = OpenOptions {
            read: request.read,
            mode: request.mode,
            ..OpenOptions::default()
        };
        let (file, mut upload) = self.shared.create_file(path, &options, one_file)?;
        upload.unsettled += self.shared.publish(&upload.count, one_file, None);
        Ok(Transfer::new(
            Arc::clone(&self.shared),
            Operation::Upload,
            path.clone(),
            file,
            request.read,
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
        // A file with another name stays where it is: the upload is one more.
        let freed = replaced.filter(|replaced| replaced.links < 2);
        let one_file = UsageDelta {
            size: 0,
            files: i32::from(freed.is_none()),
        };
        let options = OpenOptions {
            unfinished_upload: true,
            mode: request
                .mode
                .or(replaced.map(|replaced| replaced.mode & 0o777)),
            ..OpenOptions::default()
        };
        let create = || -> Result<_> {
            let temporary = temporary_beside(path)?;
            let (file, upload) = self.shared.create_file(&temporary, &options, one_file)?;
            Ok((temporary, file, upload))
        };
        let created = match create() {
            // A sweep took the name before it was held: it does not meet the next one.
            Err(error) if error.kind() == ErrorKind::Conflict => create(),
            created => created,
        };
        let (temporary, file, mut upload) = created?;
        upload.staged = Some(Staged {
            temporary,
            credit: freed.map_or(0, |freed| freed.size),
            reserved: one_file,
        });
        Ok(Transfer::new(
            Arc::clone(&self.shared),
            Operation::Upload,
            path.clone(),
            file,
            false,
            Some(upload),
        ))
    }

    /// Does a whole new content go to a temporary? What is read meanwhile has to be the file itself.
    fn is_staged(&self, request: &OpenRequest) -> bool {
        !request.read
            && self.shared.uploads.mode != UploadMode::Standard
            && self.shared.filesystem.capabilities().atomic_rename
    }
}

/// A new hidden name in the directory of `path`.
fn temporary_beside(path: &VirtualPath) -> Result<VirtualPath> {
    let directory = path.parent().unwrap_or_else(VirtualPath::root);
    let mut name = UPLOAD_TEMPORARY_PREFIX.to_vec();
    name.extend_from_slice(random::hex_id().as_bytes());
    directory.join(&name)
}
