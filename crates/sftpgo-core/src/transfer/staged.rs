//! How an upload in a hidden file begins, gets another name, and is given up.

use std::sync::{Arc, Mutex};

use super::publish::{Claim, Unnamed};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{DirectoryHandle, File, Metadata, OpenOptions, Replace},
    policy::Decision,
    session_context::SessionContext,
    storage_usage::UsageDelta,
    sync::lock,
    uploads::{LeftOver, Place, StagedUpload},
    usage::{SharedFileUsage, Standing},
};

/// What an upload begins with.
pub(crate) struct Begin {
    pub(crate) directory: Arc<dyn DirectoryHandle>,
    pub(crate) temporary: Vec<u8>,
    pub(crate) name: Vec<u8>,
    pub(crate) found: Option<Metadata>,
    pub(crate) exclusive: bool,
    pub(crate) overwrite: Decision,
    pub(crate) file: Arc<dyn File>,
    pub(crate) file_usage: SharedFileUsage,
    pub(crate) leans_on: Option<SharedFileUsage>,
}

impl StagedUpload {
    /// An upload with one handle, which its user's sessions find from now on.
    pub(crate) fn begin(shared: &SessionContext, begin: Begin) -> Arc<Self> {
        let directory = begin.directory.file_id();
        let name = begin.name.clone();
        let upload = Arc::new(Self {
            _locked: begin.file,
            file_usage: begin.file_usage,
            leans_on: begin.leans_on,
            place: Mutex::new(Place {
                directory: begin.directory,
                temporary: begin.temporary,
                name: begin.name,
                found: begin.found,
                exclusive: begin.exclusive,
                overwrite: begin.overwrite,
                handles: 1,
                acknowledged: false,
                lost: false,
                broken: None,
                removed: false,
            }),
        });
        let mut uploads = shared.quota.uploads();
        uploads.add(directory, &name, Arc::clone(&upload));
        drop(uploads);
        shared.own_uploads().push(Arc::clone(&upload));
        upload
    }

    /// Opens one more handle to it.
    ///
    /// # Errors
    /// Any error of opening the hidden file.
    pub(crate) fn join(
        self: &Arc<Self>,
        shared: &SessionContext,
        options: &OpenOptions,
    ) -> Result<Box<dyn File>> {
        let file = self.open(options)?;
        self.place().handles += 1;
        shared.own_uploads().push(Arc::clone(self));
        Ok(file)
    }

    /// Gives it another name to get at the end; called with the names held.
    ///
    /// # Errors
    /// What moving the hidden file says, when that is for another directory.
    pub(crate) fn move_to(
        self: &Arc<Self>,
        shared: &SessionContext,
        directory: Arc<dyn DirectoryHandle>,
        name: &[u8],
        exclusive: bool,
        overwrite: Decision,
    ) -> Result<()> {
        let mut place = self.place();
        let (from, to) = (place.directory.file_id(), directory.file_id());
        if from != to {
            directory.take_from(place.directory.as_ref(), &place.temporary)?;
        }
        let mut uploads = shared.quota.uploads();
        uploads.remove(from, &place.name, self);
        uploads.add(to, name, Arc::clone(self));
        place.directory = directory;
        place.name = name.to_vec();
        // What has the new name now was looked at by whoever gives it.
        place.found = place.directory.metadata(name).ok();
        place.exclusive = exclusive;
        place.overwrite = overwrite;
        Ok(())
    }

    /// Takes the name from it that it would get: its handles go on writing to a file without one. Called with the names
    /// held.
    pub(crate) fn remove(self: &Arc<Self>, shared: &SessionContext) {
        let mut place = self.place();
        if !place.removed {
            place.removed = true;
            self.give_up(shared, &place);
        }
    }

    /// Removes the hidden file; its bytes stay reserved as long as it is there or open.
    pub(super) fn give_up(self: &Arc<Self>, shared: &SessionContext, place: &Place) {
        let mut uploads = shared.quota.uploads();
        uploads.remove(place.directory.file_id(), &place.name, self);
        match place.directory.remove_file(&place.temporary) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                log::warn!(
                    "an unfinished upload could not be removed; the next start removes it: {error}"
                );
                uploads.leave_over(LeftOver {
                    directory: Arc::clone(&place.directory),
                    temporary: place.temporary.clone(),
                    _file_usage: Arc::clone(&self.file_usage),
                    _account: shared.quota.clone(),
                });
            }
        }
        drop(uploads);
        let mut file_usage = lock(&self.file_usage);
        shared.quota.retire(file_usage.file_id);
        let mut state = file_usage.state;
        state.standing = Standing::Unnamed;
        state.reserves_file = false;
        shared.quota.set_file(&mut file_usage, state);
    }

    /// Returns the headroom that publishing would need now, where that can be told and the upload has no other handle.
    /// Called with the names held.
    pub(super) fn growth(&self, shared: &SessionContext) -> Option<UsageDelta> {
        let place = &*self.place();
        if place.handles > 1 || place.removed {
            return None;
        }
        let hidden = HiddenFile {
            staged: self,
            place,
        };
        self.claim(place, false).growth(shared, &hidden).ok()
    }

    fn claim<'u>(&'u self, place: &'u Place, is_rest: bool) -> Claim<'u> {
        Claim {
            file_usage: &self.file_usage,
            leans_on: self.leans_on.as_ref(),
            found: place.found.as_ref(),
            exclusive: place.exclusive,
            overwrite: place.overwrite,
            is_rest,
        }
    }

    /// Ends the pledge of the file that it leans on.
    pub(super) fn end_pledge(&self, shared: &SessionContext) {
        if let Some(leans_on) = &self.leans_on {
            shared.quota.set_pledged(leans_on, 0);
            shared.quota.set_credit(&self.file_usage, 0);
        }
    }
}

/// The hidden file of an upload, whose place is held.
pub(super) struct HiddenFile<'u> {
    pub(super) staged: &'u StagedUpload,
    pub(super) place: &'u Place,
}

impl HiddenFile<'_> {
    /// Gives the data its name. Called with the names held.
    ///
    /// # Errors
    /// As [`Claim::publish`].
    pub(super) fn publish(&mut self, shared: &SessionContext, is_rest: bool) -> Result<UsageDelta> {
        let (staged, place) = (self.staged, self.place);
        let delta = staged.claim(place, is_rest).publish(shared, self)?;
        let mut uploads = shared.quota.uploads();
        uploads.remove(place.directory.file_id(), &place.name, staged);
        Ok(delta)
    }
}

impl Unnamed for HiddenFile<'_> {
    fn metadata_of_name(&self) -> Result<Metadata> {
        self.place.directory.metadata(&self.place.name)
    }

    /// Replacing a file asks the system only for its directory.
    fn check_writable(&self) -> Result<()> {
        self.place.directory.check_writable(&self.place.name)
    }

    fn appear(&mut self, replace: Replace) -> Result<Option<Metadata>> {
        let Place {
            directory,
            temporary,
            name,
            ..
        } = self.place;
        directory.rename(temporary, name, replace).map(|()| None)
    }
}

/// A name that is being uploaded is taken.
pub(crate) fn name_is_taken() -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "the name is taken by an upload that is running",
    )
}
