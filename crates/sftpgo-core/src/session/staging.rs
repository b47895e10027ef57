//! Uploads that go to a hidden file beside their name (`upload_mode` 1 and 2): what the name is now decides how they
//! begin, and how it may be taken at their end.

use std::sync::Arc;

use super::{
    Session,
    open::{OpenRequest, check_replaceable, exists},
};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{
        DirectoryHandle, File, FileType, Metadata, OpenOptions, Ownership, SetAttributes,
    },
    policy::{Access, temporary_name},
    session_context::if_there,
    sync::lock,
    transfer::{Begin, Upload},
    uploads::StagedUpload,
    usage::{FileState, SharedFileUsage, Standing},
    vpath::VirtualPath,
};

/// A directory with this bit gives its group to what is made in it.
const SET_GROUP_ID: u32 = 0o2000;
/// Permission bits that a replaced file hands on.
const KEPT_MODE: u32 = 0o777;

impl Session {
    /// Opens a file for writing where whole new contents are staged. What is appended to, resumed, or reached through a
    /// link is written in place; what is being uploaded is joined.
    pub(super) fn open_staged(
        &self,
        path: &VirtualPath,
        request: &OpenRequest,
    ) -> Result<(Box<dyn File>, Upload)> {
        let Some(name) = path.file_name() else {
            return Err(Error::new(ErrorKind::IsADirectory, "is a directory"));
        };
        let directory = self
            .shared
            .filesystem
            .hold_directory(&path.parent_or_root())?;
        let found = if_there(directory.metadata(name))?;
        let running = self
            .shared
            .quota
            .uploads()
            .newest(directory.file_id(), name);
        let exclusive = request.create && request.exclusive;
        if exclusive && (found.is_some() || running.is_some()) {
            return Err(exists());
        }
        match (found, running) {
            (Some(found), _) if found.file_type == FileType::Symlink => {
                self.open_in_place(path, request)
            }
            (found, Some(running)) if !request.truncate => {
                if let Some(found) = &found {
                    check_replaceable(found)?;
                }
                self.join(path, &running, request)
            }
            (Some(found), _) => {
                check_replaceable(&found)?;
                self.check_name(Access::Overwrite, path)?;
                if request.truncate && self.can_replace(&path.parent_or_root(), &found) {
                    directory.check_writable(name)?;
                    self.stage(path, directory, name, request, Some(found))
                } else {
                    self.write_to(request, |options| directory.open(name, options))
                }
            }
            (None, Some(running)) if self.shared.is_own_upload(&running) => {
                self.check_name(Access::Overwrite, path)?;
                self.stage(path, directory, name, request, None)
            }
            (None, _) if request.create && request.append => self.open_in_place(path, request),
            (None, _) if request.create => self.stage(path, directory, name, request, None),
            (None, _) => Err(Error::not_found("no such file or directory")),
        }
    }

    /// One more handle of an upload that is running, in this session or another one of the user.
    fn join(
        &self,
        path: &VirtualPath,
        running: &Arc<StagedUpload>,
        request: &OpenRequest,
    ) -> Result<(Box<dyn File>, Upload)> {
        self.check_name(Access::Overwrite, path)?;
        self.shared.filesystem.capabilities().check_write_on()?;
        let options = OpenOptions {
            read: request.read,
            write: true,
            append: request.append,
            ..OpenOptions::default()
        };
        let file = running.join(&self.shared, &options)?;
        let mut upload = Upload::staged(Arc::clone(running));
        upload.appends = request.append;
        Ok((file, upload))
    }

    /// Can the new file have the owner and the group of the one that it replaces? If not, that is written in place.
    pub(super) fn can_replace(&self, directory: &VirtualPath, found: &Metadata) -> bool {
        let filesystem = &self.shared.filesystem;
        if filesystem.capabilities().ownership == Ownership::Changeable {
            return true;
        }
        let Some(own) = filesystem.owner_of_new_files() else {
            return true;
        };
        let has_group = |directory: Metadata| {
            let is_handed_on = directory.mode & SET_GROUP_ID != 0;
            found.gid == if is_handed_on { directory.gid } else { own.gid }
        };
        own.uid == found.uid && filesystem.metadata(directory, true).is_ok_and(has_group)
    }

    /// Data goes to a hidden file; what has the name stays whole and visible to others until it is complete.
    fn stage(
        &self,
        path: &VirtualPath,
        directory: Arc<dyn DirectoryHandle>,
        name: &[u8],
        request: &OpenRequest,
        found: Option<Metadata>,
    ) -> Result<(Box<dyn File>, Upload)> {
        self.shared.quota.uploads().check_left_over()?;
        let overwrite = self.shared.decide_name(Access::Overwrite, path)?;
        let leans_on = match &found {
            Some(found) => self.pledge(|| directory.metadata(name), found)?,
            None => None,
        };
        // A file with another name stays where it is: the upload is one more.
        let replaces = found.as_ref().is_some_and(|found| found.links < 2);
        let staged = self.make_temporary(directory.as_ref(), request, found.as_ref(), replaces);
        let (temporary, file, file_usage) = match staged {
            Ok(staged) => staged,
            Err(error) => {
                if let Some((file_usage, _)) = &leans_on {
                    self.shared.quota.set_pledged(file_usage, 0);
                }
                return Err(error);
            }
        };
        let file: Arc<dyn File> = Arc::from(file);
        let leans_on = leans_on.map(|(leans_on, credit)| {
            self.shared.quota.set_credit(&file_usage, credit);
            leans_on
        });
        let upload = StagedUpload::begin(
            &self.shared,
            Begin {
                directory,
                temporary,
                name: name.to_vec(),
                found,
                exclusive: request.create && request.exclusive,
                overwrite,
                file: Arc::clone(&file),
                file_usage,
                leans_on,
            },
        );
        let mut upload = Upload::staged(upload);
        upload.appends = request.append;
        Ok((Box::new(file), upload))
    }

    /// Lends the bytes of a file that is to be replaced to its replacement, and returns the usage of that file and how many
    /// bytes they are: one replacement at a time has them, and none while the user takes up more than allowed.
    pub(super) fn pledge(
        &self,
        look: impl Fn() -> Result<Metadata>,
        found: &Metadata,
    ) -> Result<Option<(SharedFileUsage, u64)>> {
        if found.links >= 2 || self.shared.quota.is_over_size() {
            return Ok(None);
        }
        let (_, file_usage) = self.shared.quota.look_up(look)?;
        let mut usage = lock(&file_usage);
        let credit = usage.state.size;
        // Nothing to lend is no loan: it would end another's.
        if credit == 0 || usage.state.pledged > 0 || usage.state.standing != Standing::Named {
            return Ok(None);
        }
        let state = FileState {
            pledged: credit,
            ..usage.state
        };
        self.shared.quota.set_file(&mut usage, state);
        drop(usage);
        Ok(Some((file_usage, credit)))
    }

    fn make_temporary(
        &self,
        directory: &dyn DirectoryHandle,
        request: &OpenRequest,
        replaced: Option<&Metadata>,
        counts_already: bool,
    ) -> Result<(Vec<u8>, Box<dyn File>, SharedFileUsage)> {
        let options = OpenOptions {
            read: request.read,
            write: true,
            create: true,
            exclusive: true,
            append: request.append,
            unfinished_upload: true,
            mode: replaced.map_or(request.mode, |replaced| Some(replaced.mode & KEPT_MODE)),
            ..OpenOptions::default()
        };
        let make = || -> Result<_> {
            let temporary = temporary_name();
            let open = || directory.open(&temporary, &options);
            let (file, file_usage, _) =
                self.shared
                    .make_file(Standing::Unnamed, counts_already, open)?;
            if let Some(replaced) = replaced
                && let Err(error) = keep_attributes(file.as_ref(), replaced)
            {
                directory.remove_file(&temporary)?;
                return Err(error);
            }
            Ok((temporary, file, file_usage))
        };
        match make() {
            // A sweep took the name before it was held: it does not meet the next one.
            Err(error) if error.kind() == ErrorKind::Conflict => make(),
            made => made,
        }
    }
}

/// A new content has the mode and the owner of the old one, as if that had been written over.
fn keep_attributes(file: &dyn File, replaced: &Metadata) -> Result<()> {
    let made = file.metadata()?;
    let mode = replaced.mode & KEPT_MODE;
    let change = SetAttributes {
        mode: (made.mode & KEPT_MODE != mode).then_some(mode),
        owner: ((made.uid, made.gid) != (replaced.uid, replaced.gid))
            .then_some((replaced.uid, replaced.gid)),
        ..SetAttributes::default()
    };
    if change == SetAttributes::default() {
        return Ok(());
    }
    file.set_attributes(&change)
}
