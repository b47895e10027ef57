//! An upload whose data is in a hidden file until it gets its name: who has it open, and where its name will be.
//!
//! The directory is held from the beginning. Nothing here is looked up by a path again, so that whoever renames
//! directories meanwhile neither loses the hidden file nor sends the data elsewhere.

use std::sync::{Arc, Mutex, MutexGuard};

use super::running::LeftOver;
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{DirectoryHandle, File, Inode, Metadata, OpenOptions, SetAttributes},
    policy::Decision,
    session::Shared,
    sync::lock,
    usage::{SharedCount, Standing},
};

/// One upload, shared by all handles that write to it.
pub(crate) struct StagedUpload {
    /// What the first handle opened: its lock keeps sweeps away, whichever handles are left.
    _locked: Arc<dyn File>,
    pub(crate) count: SharedCount,
    /// The file that it will replace, whose bytes it may use; see `FileFigures::credit`.
    pub(super) leans_on: Option<SharedCount>,
    /// Changed only while the user's names are held.
    place: Mutex<Place>,
}

/// Where an upload is, and how it stands.
pub(super) struct Place {
    pub(super) directory: Arc<dyn DirectoryHandle>,
    pub(super) temporary: Vec<u8>,
    pub(super) name: Vec<u8>,
    /// What had the name when the upload began.
    pub(super) found: Option<Metadata>,
    /// Only where nothing is.
    pub(super) exclusive: bool,
    /// May it replace what has the name? Decided with the name, for the directory may have another path at the end.
    pub(super) overwrite: Decision,
    /// Handles that are open.
    pub(super) handles: usize,
    /// A handle was closed well while others went on: what it wrote must not be lost with them.
    pub(super) acknowledged: bool,
    /// A handle ended with its connection.
    pub(super) lost: bool,
    /// A part was refused.
    pub(super) broken: Option<ErrorKind>,
    /// It will get no name: a client removed it, or gave its name to another file.
    pub(super) removed: bool,
}

/// What an upload begins with.
pub(crate) struct Begin {
    pub(crate) directory: Arc<dyn DirectoryHandle>,
    pub(crate) temporary: Vec<u8>,
    pub(crate) name: Vec<u8>,
    pub(crate) found: Option<Metadata>,
    pub(crate) exclusive: bool,
    pub(crate) overwrite: Decision,
    pub(crate) file: Arc<dyn File>,
    pub(crate) count: SharedCount,
    pub(crate) leans_on: Option<SharedCount>,
}

impl StagedUpload {
    /// An upload with one handle, which its user's sessions find from now on.
    pub(crate) fn begin(shared: &Shared, begin: Begin) -> Arc<Self> {
        let directory = begin.directory.inode();
        let name = begin.name.clone();
        let upload = Arc::new(Self {
            _locked: begin.file,
            count: begin.count,
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
    /// What opening the hidden file says.
    pub(crate) fn join(
        self: &Arc<Self>,
        shared: &Shared,
        options: &OpenOptions,
    ) -> Result<Box<dyn File>> {
        let file = self.open(options)?;
        self.place().handles += 1;
        shared.own_uploads().push(Arc::clone(self));
        Ok(file)
    }

    /// Opens what is there of it.
    ///
    /// # Errors
    /// What opening the hidden file says.
    pub(crate) fn open(&self, options: &OpenOptions) -> Result<Box<dyn File>> {
        let place = self.place();
        place.directory.open(&place.temporary, options)
    }

    /// Attributes of what is there of it.
    ///
    /// # Errors
    /// What the filesystem says.
    pub(crate) fn metadata(&self) -> Result<Metadata> {
        let place = self.place();
        place.directory.metadata(&place.temporary)
    }

    /// Changes attributes of what is there of it.
    ///
    /// # Errors
    /// What the filesystem says.
    pub(crate) fn set_attributes(&self, change: &SetAttributes) -> Result<()> {
        let place = self.place();
        place.directory.set_attributes(&place.temporary, change)
    }

    /// Is this the name that it will get?
    pub(crate) fn is_at(&self, directory: Inode, name: &[u8]) -> bool {
        let place = self.place();
        !place.removed && place.name == name && place.directory.inode() == directory
    }

    /// The name in this directory that it will get, if that is where it goes.
    pub(crate) fn name_in(&self, directory: Inode) -> Option<Vec<u8>> {
        let place = self.place();
        let is_there = !place.removed && place.directory.inode() == directory;
        is_there.then(|| place.name.clone())
    }

    /// Could it get this last name anywhere?
    pub(crate) fn is_named(&self, name: &[u8]) -> bool {
        let place = self.place();
        !place.removed && place.name == name
    }

    /// It will get another name; called with the names held.
    ///
    /// # Errors
    /// What moving the hidden file says, when that is for another directory.
    pub(crate) fn move_to(
        self: &Arc<Self>,
        shared: &Shared,
        directory: Arc<dyn DirectoryHandle>,
        name: &[u8],
        exclusive: bool,
        overwrite: Decision,
    ) -> Result<()> {
        let mut place = self.place();
        let (from, to) = (place.directory.inode(), directory.inode());
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

    /// It will get no name: its handles go on writing to a file without one. Called with the names held.
    pub(crate) fn remove(self: &Arc<Self>, shared: &Shared) {
        let mut place = self.place();
        if !place.removed {
            place.removed = true;
            self.give_up(shared, &place);
        }
    }

    /// Removes the hidden file; its bytes stay reserved as long as it is there or open.
    pub(super) fn give_up(self: &Arc<Self>, shared: &Shared, place: &Place) {
        let mut uploads = shared.quota.uploads();
        uploads.remove(place.directory.inode(), &place.name, self);
        match place.directory.remove_file(&place.temporary) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                log::warn!("an unfinished upload was not removed, the next start will: {error}");
                uploads.leave_over(LeftOver {
                    directory: Arc::clone(&place.directory),
                    temporary: place.temporary.clone(),
                    _count: Arc::clone(&self.count),
                    _account: Arc::clone(&shared.quota),
                });
            }
        }
        drop(uploads);
        let mut count = lock(&self.count);
        shared.quota.retire(count.inode);
        let mut figures = count.figures;
        figures.standing = Standing::Unnamed;
        figures.reserves_file = false;
        shared.quota.set_file(&mut count, figures);
    }

    /// Ends the pledge of the file that it leans on.
    pub(super) fn end_pledge(&self, shared: &Shared) {
        if let Some(leans_on) = &self.leans_on {
            shared.quota.set_pledged(leans_on, 0);
            shared.quota.set_credit(&self.count, 0);
        }
    }

    pub(super) fn place(&self) -> MutexGuard<'_, Place> {
        lock(&self.place)
    }
}

/// A name that is being uploaded is taken.
pub(crate) fn name_is_taken() -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "the name is taken by an upload that is running",
    )
}
