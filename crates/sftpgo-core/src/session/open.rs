//! Opening files: which permissions, which name the data goes to, and what it costs.

use std::sync::Arc;

use std::time::Duration;

use super::{AttributeChange, Session, UploadMode};
use crate::{
    error::{Error, ErrorKind, Result},
    event::{Attempt, Operation},
    filesystem::{File, FileType, Filesystem, Metadata, OpenOptions},
    policy::Access,
    session_context::SessionContext,
    storage_usage::UsageDelta,
    transfer::{Transfer, Upload},
    usage::{SharedFileUsage, Standing},
    vpath::{Ending, VirtualPath},
};

/// The way in which a client wants to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenRequest {
    /// The file is read.
    pub read: bool,
    /// The file is written.
    pub write: bool,
    /// Every write goes to the end of the file as it is then.
    pub append: bool,
    /// The file is made if there is none.
    pub create: bool,
    /// A file that is there is emptied.
    pub truncate: bool,
    /// With `create`: fails if the name is taken.
    pub exclusive: bool,
    /// Permission bits of a new file, before the umask.
    pub mode: Option<u32>,
}

impl Session {
    /// Returns how long to wait before [`Session::open`], because the database is being told that files are going to
    /// change, or asked whether there may be one more; none when that is known. Else the call itself waits for the answer.
    pub fn wait_to_open(&self, request: &OpenRequest) -> Option<Duration> {
        if !(request.write || request.create || request.truncate) {
            return None;
        }
        let quota = &self.shared.quota;
        quota.wait_for_names().or_else(|| {
            quota.wait_for_headroom(UsageDelta {
                size: 0,
                files: i32::from(request.create),
            })
        })
    }

    /// Returns how long to wait before names are removed, moved or linked.
    pub fn wait_to_change_names(&self) -> Option<Duration> {
        let quota = &self.shared.quota;
        quota
            .wait_for_names()
            .or_else(|| quota.wait_for_headroom(UsageDelta::default()))
    }

    /// Opens a file as a transfer, listed until it is finished or dropped.
    ///
    /// # Errors
    /// Reading needs `download`; writing needs `upload`, and `overwrite` when the file exists. Making a file without
    /// writing to it needs `upload` besides `download`.
    /// A new file past the quota of files is refused, and any when the user has too many open.
    /// [`Unsupported`](ErrorKind::Unsupported) on a storage that only writes anew: to write on in a file, to append, and to
    /// read besides writing.
    pub fn open(&self, path: &VirtualPath, request: &OpenRequest) -> Result<Transfer> {
        let permit = self.shared.connection.reserve_handle(self.shared.user.id)?;
        let attempt = match request.write {
            true => Attempt::Upload,
            false => Attempt::Download,
        };
        let opened = self.open_as_asked(path, request);
        let transfer = self.shared.told(attempt, path, opened)?;
        Ok(transfer.holding(permit))
    }

    fn open_as_asked(&self, path: &VirtualPath, request: &OpenRequest) -> Result<Transfer> {
        if request.write {
            return self.open_for_upload(path, request);
        }
        self.check(Access::Download, path)?;
        if request.create || request.truncate {
            self.make_empty(path, request)?;
        }
        self.open_for_download(path)
    }

    fn open_for_download(&self, path: &VirtualPath) -> Result<Transfer> {
        let options = OpenOptions {
            read: true,
            ..OpenOptions::default()
        };
        let (file, file_usage) = match self.shared.own_upload(path) {
            Some(upload) => (upload.open(&options)?, Arc::clone(&upload.file_usage)),
            None => self.open_named(path, &options)?,
        };
        Ok(Transfer::download(
            Arc::clone(&self.shared),
            path.clone(),
            file,
            file_usage,
        ))
    }

    /// Opens a file by name, with its usage, so that its bytes stay reserved when its name goes.
    fn open_named(
        &self,
        path: &VirtualPath,
        options: &OpenOptions,
    ) -> Result<(Box<dyn File>, SharedFileUsage)> {
        let file = self.shared.filesystem.open(path, options)?;
        let (found, file_usage) = self.shared.quota.look_up(|| file.metadata())?;
        // Its name went between the two: whoever removed it did not know of this handle.
        if found.links == 0 {
            let named = self.shared.filesystem.metadata(path, true)?;
            if named.file_id != found.file_id {
                return Err(Error::not_found("no such file or directory"));
            }
        }
        Ok((file, file_usage))
    }

    fn open_for_upload(&self, path: &VirtualPath, request: &OpenRequest) -> Result<Transfer> {
        self.check(Access::Upload, path)?;
        if request.read {
            self.check(Access::Download, path)?;
        }
        check_makeable(self.shared.filesystem.as_ref(), path, request)?;
        let (file, upload) = if self.shared.filesystem.capabilities().random_writes {
            let _names = self.shared.quota.lock_namespace();
            // With a slash behind it the name is a directory or nothing, as the storage says.
            match self.shared.stages_uploads() && !path.must_be_directory() {
                true => self.open_staged(path, request)?,
                false => self.open_in_place(path, request)?,
            }
        } else {
            let _names = self.shared.quota.lock_namespace_for_storage();
            self.open_in_order(path, request)?
        };
        Ok(Transfer::new(
            Arc::clone(&self.shared),
            Operation::Upload,
            path.clone(),
            file,
            request.read,
            Some(upload),
        ))
    }

    /// A file whose data goes straight under its name.
    pub(super) fn open_in_place(
        &self,
        path: &VirtualPath,
        request: &OpenRequest,
    ) -> Result<(Box<dyn File>, Upload)> {
        // Most uploads make a file, and making it tells that there was none: then nobody has to look.
        let made = request.create.then(|| self.make(path, request));
        if let Some(Ok(made)) = made {
            return Ok(made);
        }
        match (self.shared.find(path, true)?, made) {
            (Some(found), _) => self.open_existing(path, request, &found),
            // A link that leads nowhere: the file is made where it leads.
            (None, Some(Err(refused)))
                if refused.kind() == ErrorKind::AlreadyExists && !request.exclusive =>
            {
                let place = self.shared.filesystem.resolve(path.as_bytes())?;
                self.make(&place, request)
            }
            (None, Some(refused)) => refused,
            (None, None) => Err(Error::not_found("no such file or directory")),
        }
    }

    fn open_existing(
        &self,
        path: &VirtualPath,
        request: &OpenRequest,
        found: &Metadata,
    ) -> Result<(Box<dyn File>, Upload)> {
        check_replaceable(found)?;
        if request.create && request.exclusive {
            return Err(exists());
        }
        self.check(Access::Overwrite, path)?;
        self.write_to(request, |options| {
            self.shared.filesystem.open(path, options)
        })
    }

    /// Writes go to a file that is there and that `open` opens.
    pub(super) fn write_to(
        &self,
        request: &OpenRequest,
        open: impl FnOnce(&OpenOptions) -> Result<Box<dyn File>>,
    ) -> Result<(Box<dyn File>, Upload)> {
        if !request.truncate {
            self.shared.filesystem.capabilities().check_write_on()?;
        }
        let file = open(&OpenOptions {
            read: request.read,
            write: true,
            append: request.append,
            ..OpenOptions::default()
        })?;
        let (_, file_usage) = self.shared.quota.look_up(|| file.metadata())?;
        let mut upload = Upload::in_place(file_usage);
        upload.appends = request.append;
        if request.truncate {
            upload.resize(&self.shared, file.as_ref(), 0)?;
            upload.begins_anew = true;
        }
        Ok((file, upload))
    }

    /// A file that must not be there yet, under its name at once.
    fn make(&self, path: &VirtualPath, request: &OpenRequest) -> Result<(Box<dyn File>, Upload)> {
        let options = OpenOptions {
            read: request.read,
            write: true,
            create: true,
            exclusive: true,
            append: request.append,
            mode: request.mode,
            ..OpenOptions::default()
        };
        let capabilities = self.shared.filesystem.capabilities();
        let directory = if self.shared.uploads.sync && capabilities.atomic_rename {
            Some(
                self.shared
                    .filesystem
                    .hold_directory(&path.parent_or_root())?,
            )
        } else {
            None
        };
        let make = || self.shared.filesystem.open(path, &options);
        let (file, file_usage, delta) = self.shared.make_file(Standing::Named, false, make)?;
        let mut upload = Upload::in_place(file_usage);
        upload.appends = request.append;
        upload.uncommitted += delta;
        upload.directory = directory;
        upload.begins_anew = true;
        Ok((file, upload))
    }

    /// CREAT and TRUNC of a handle that is not for writing: makes the file, or empties the one that is there.
    fn make_empty(&self, path: &VirtualPath, request: &OpenRequest) -> Result<()> {
        check_makeable(self.shared.filesystem.as_ref(), path, request)?;
        if let Some(upload) = self.shared.own_upload(path) {
            if request.exclusive {
                return Err(exists());
            }
            if request.truncate {
                self.check(Access::Truncate, path)?;
                let empty = AttributeChange {
                    size: Some(0),
                    ..AttributeChange::default()
                };
                return self.set_upload_attributes(&upload, &empty);
            }
            return Ok(());
        }
        let found = self.shared.find(path, true)?;
        if let Some(found) = &found {
            check_replaceable(found)?;
            if request.create && request.exclusive {
                return Err(exists());
            }
            if request.truncate {
                self.check(Access::Truncate, path)?;
                return self.truncate(path, 0);
            }
            return Ok(());
        }
        if !request.create {
            return Ok(());
        }
        self.check(Access::Upload, path)?;
        if !self.shared.filesystem.capabilities().random_writes {
            return self.store_empty(path, true);
        }
        let _names = self.shared.quota.lock_namespace();
        if request.exclusive && self.shared.is_being_uploaded(path)? {
            return Err(exists());
        }
        let (file, upload) = self.open_in_place(
            path,
            &OpenRequest {
                truncate: false,
                ..*request
            },
        )?;
        drop(file);
        self.shared.commit(upload.uncommitted);
        self.shared.sync_name(path)
    }
}

impl SessionContext {
    /// Does a whole new content go to a hidden file first?
    pub(crate) fn stages_uploads(&self) -> bool {
        self.uploads.mode != UploadMode::Standard && self.filesystem.capabilities().atomic_rename
    }

    /// Will an upload of this user, in whatever session, get this name?
    fn is_being_uploaded(&self, path: &VirtualPath) -> Result<bool> {
        let Some(name) = path.file_name() else {
            return Ok(false);
        };
        let parent = self.filesystem.metadata(&path.parent_or_root(), true)?;
        Ok(self.quota.uploads().newest(parent.file_id, name).is_some())
    }
}

/// A name with a slash behind it is a directory's: no file is made by it.
fn check_makeable(
    filesystem: &dyn Filesystem,
    path: &VirtualPath,
    request: &OpenRequest,
) -> Result<()> {
    if !request.create || !path.must_be_directory() {
        return Ok(());
    }
    // As open(2): first whether there is a place for the name.
    let directory = match path.ending() {
        Ending::Dot => path.clone(),
        Ending::Name | Ending::Slash => path.parent_or_root(),
    };
    if filesystem.metadata(&directory, true)?.file_type != FileType::Directory {
        return Err(Error::new(ErrorKind::NotADirectory, "not a directory"));
    }
    Err(Error::new(
        ErrorKind::IsADirectory,
        "the name is that of a directory",
    ))
}

/// Can an upload put its data here?
///
/// # Errors
/// A directory, or what is no plain file: a pipe, a socket, a device. Opening one of these may have effects of its own.
pub(super) fn check_replaceable(found: &Metadata) -> Result<()> {
    match found.file_type {
        FileType::File | FileType::Symlink => Ok(()),
        FileType::Directory => Err(Error::new(ErrorKind::IsADirectory, "is a directory")),
        FileType::Other => Err(Error::new(ErrorKind::Invalid, "not a regular file")),
    }
}

pub(super) fn exists() -> Error {
    Error::new(ErrorKind::AlreadyExists, "already exists")
}
