//! How an upload gets its name, or does not.
//!
//! A publish does only what the session would be allowed to do to what has the name at that moment, which is looked up in
//! the directory that is held. What happens to the name meanwhile decides as the table "Two writers of one name" in
//! `docs/architecture.md` says.

use std::sync::{Arc, MutexGuard};

use super::{Transfer, upload::Upload};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{DirectoryHandle, File, FileType, Metadata, Replace},
    policy::Access,
    session_context::{SessionContext, UploadMode, if_there},
    storage_usage::UsageDelta,
    sync::lock,
    uploads::{Place, StagedUpload},
    usage::{CountedFile, FileFigures, SharedCount, Standing},
};

/// How a handle came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// By CLOSE.
    Clean,
    /// With its connection.
    Lost,
}

impl Transfer {
    /// Makes an upload durable as the policy says and gives it its name.
    pub(super) fn store(&mut self) -> Result<()> {
        let Some(upload) = &mut self.upload else {
            return Ok(());
        };
        let sync = self.shared.uploads.sync;
        if sync {
            upload.remember_sync(&self.file.sync());
        }
        upload.remember_sync(&self.file.flush());
        let directory = match upload.staged.take() {
            Some(staged) => upload.end_staged(&self.shared, &staged, Ending::Clean)?,
            None => upload.end_in_place()?,
        };
        match directory {
            Some(directory) if sync => sync_name(directory.as_ref(), self.file.as_ref()),
            // Such a storage holds no directories: whether this handle made the name is not known.
            None if !self.shared.filesystem.capabilities().atomic_rename => {
                self.shared.sync_name(&self.path)
            }
            _ => Ok(()),
        }
    }

    /// A lost connection: what becomes of the data is the upload mode's.
    pub(super) fn abandon(&mut self) {
        self.failure
            .get_or_insert_with(|| "the connection was lost before the file was closed".to_owned());
        if let Some(upload) = &mut self.upload
            && let Some(staged) = upload.staged.take()
        {
            let keeps_rest = self.shared.uploads.mode == UploadMode::AtomicWithResume;
            if keeps_rest || staged.place().acknowledged {
                // What takes the place of something is whole at least as far as it goes.
                upload.remember_sync(&self.file.sync());
            }
            match upload.end_staged(&self.shared, &staged, Ending::Lost) {
                Ok(Some(directory)) => {
                    if let Err(error) = sync_name(directory.as_ref(), self.file.as_ref()) {
                        log::warn!(
                            "the name of an unfinished upload could not be synced to the disk, so a power cut may lose the upload: {error}"
                        );
                    }
                }
                Ok(None) => {}
                Err(error) => log::debug!("an unfinished upload could not be kept: {error}"),
            }
        }
        self.end();
    }
}

/// Waits until a file's name is on stable storage. A directory that may not be read cannot be waited for; there the name
/// goes with the file, as journals have it.
fn sync_name(directory: &dyn DirectoryHandle, file: &dyn File) -> Result<()> {
    match directory.sync() {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => file.sync(),
        synced => synced,
    }
}

/// A directory in which a name has changed.
type Changed = Option<Arc<dyn DirectoryHandle>>;

impl Upload {
    /// The end of an upload that went into the file itself.
    fn end_in_place(&mut self) -> Result<Changed> {
        if let Some(kind) = self.not_durable {
            return Err(Error::new(
                kind,
                "a part of the upload could not be made durable",
            ));
        }
        if self.was_replaced() {
            return Err(Error::new(
                ErrorKind::Conflict,
                "another upload replaced the file meanwhile",
            ));
        }
        Ok(self.directory.take())
    }

    /// One handle of a staged upload ends. The last one decides what becomes of the data.
    fn end_staged(
        &mut self,
        shared: &SessionContext,
        staged: &Arc<StagedUpload>,
        ending: Ending,
    ) -> Result<Changed> {
        shared.forget_own_upload(staged);
        let _names = shared.quota.lock_namespace();
        let mut place = staged.place();
        place.handles = place.handles.saturating_sub(1);
        if let Some(kind) = self.broken {
            place.broken.get_or_insert(kind);
        }
        place.lost |= ending == Ending::Lost;
        if place.handles > 0 {
            place.acknowledged |=
                ending == Ending::Clean && self.broken.is_none() && self.has_written;
            return self.answer(None);
        }
        // Who wrote nothing does not say that what others brought is whole.
        let ending = match place.lost && !self.has_written {
            true => Ending::Lost,
            false => ending,
        };
        let ended = if place.removed {
            Ok(None)
        } else {
            self.end_last(shared, staged, &place, ending)
        };
        staged.end_pledge(shared);
        ended
    }

    fn end_last(
        &mut self,
        shared: &SessionContext,
        staged: &Arc<StagedUpload>,
        place: &Place,
        ending: Ending,
    ) -> Result<Changed> {
        let keeps_rest = shared.uploads.mode == UploadMode::AtomicWithResume;
        let wanted = match (place.broken, ending) {
            // What another handle was told is stored must not go with this one.
            _ if place.acknowledged => Ok(()),
            (Some(kind), _) => Err(not_stored(kind)),
            (None, Ending::Lost) if !keeps_rest => Err(not_stored(ErrorKind::Internal)),
            (None, _) => Ok(()),
        };
        let is_rest = ending == Ending::Lost && !place.acknowledged;
        match wanted.and_then(|()| staged.publish(shared, place, is_rest)) {
            Ok(delta) => {
                self.uncommitted += delta;
                self.answer(Some(Arc::clone(&place.directory)))
            }
            Err(error) => {
                staged.give_up(shared, place);
                Err(error)
            }
        }
    }

    /// What a handle is told when all goes well: not that, if a part of what it brought was refused.
    fn answer(&self, changed: Changed) -> Result<Changed> {
        self.broken
            .map_or(Ok(changed), |kind| Err(not_stored(kind)))
    }
}

fn not_stored(kind: ErrorKind) -> Error {
    let quota = if kind == ErrorKind::QuotaExceeded {
        "quota exceeded: "
    } else {
        ""
    };
    Error::new(
        kind,
        format!("{quota}a part of the upload could not be stored, the old file stands"),
    )
}

impl StagedUpload {
    /// Gives the data its name; the file that had it leaves the count. `is_rest` where the client did not say that the
    /// upload is whole: that never takes the place of something newer. Called with the names held.
    fn publish(&self, shared: &SessionContext, place: &Place, is_rest: bool) -> Result<UsageDelta> {
        let found = if_there(place.directory.metadata(&place.name))?;
        let is_empty_rest = is_rest && lock(&self.count).figures.size == 0;
        if is_empty_rest && found.is_some() {
            return Err(Error::new(
                ErrorKind::Conflict,
                "nothing arrived of the upload that was lost",
            ));
        }
        let replace = check_target(place, found.as_ref(), is_rest)?;
        let replaced = match &found {
            Some(_) => Some(
                shared
                    .quota
                    .look_up(|| place.directory.metadata(&place.name))?,
            ),
            None => None,
        };
        // Somebody may have given the new file this name by hand: then nothing is replaced.
        let replaced = replaced.filter(|(_, count)| !Arc::ptr_eq(count, &self.count));
        let mut files = self.changes(replaced.as_ref());
        let mut needed = UsageDelta::default();
        for Change { count, to, stays } in &files {
            needed += to.cost();
            needed += -count.figures.cost();
            needed += -*stays;
        }
        let before: Vec<FileFigures> = files.iter().map(|file| file.count.figures).collect();
        let changes = files.iter_mut().map(|file| (&mut *file.count, file.to));
        let delta = shared.quota.change_files(changes, Some(needed))?;
        let renamed = place
            .directory
            .rename(&place.temporary, &place.name, replace);
        if let Err(error) = renamed {
            for (file, before) in files.iter_mut().zip(before) {
                shared.quota.set_file(&mut file.count, before);
            }
            return Err(error);
        }
        if let Some((found, _)) = replaced.as_ref().filter(|(found, _)| found.links < 2) {
            shared.quota.retire(found.file_id);
        }
        let mut uploads = shared.quota.uploads();
        uploads.remove(place.directory.file_id(), &place.name, self);
        Ok(delta)
    }

    /// What a publish does to the counts: of the upload, of the file that it replaces, and of the one whose bytes it had.
    fn changes<'c>(&'c self, replaced: Option<&'c (Metadata, SharedCount)>) -> Vec<Change<'c>> {
        let mut changes = vec![Change::new(&self.count, |figures| {
            figures.standing = Standing::Named;
            figures.credit = 0;
            figures.reserves_file = false;
        })];
        let leans_on = |count: &SharedCount| {
            self.leans_on
                .as_ref()
                .is_some_and(|own| Arc::ptr_eq(own, count))
        };
        if let Some((found, count)) = replaced {
            let is_pledged = leans_on(count);
            let mut leaving = Change::new(count, |figures| {
                if is_pledged {
                    figures.pledged = 0;
                }
                if found.links < 2 && figures.standing == Standing::Named {
                    figures.standing = Standing::Unnamed;
                    figures.replaced = true;
                }
            });
            // Reserved as long as others have it open, which is no reason to refuse the new one.
            if leaving.to.standing == Standing::Unnamed {
                leaving.stays = leaving.to.cost();
            }
            changes.push(leaving);
        }
        let is_replaced = |count: &SharedCount| {
            replaced.is_some_and(|(_, replaced)| Arc::ptr_eq(replaced, count))
        };
        if let Some(count) = self.leans_on.as_ref().filter(|count| !is_replaced(count)) {
            let mut lender = Change::new(count, |figures| figures.pledged = 0);
            if lender.to.standing == Standing::Unnamed {
                lender.stays = lender.to.cost();
            }
            changes.push(lender);
        }
        changes
    }
}

/// A file's count, held, and what it is to become.
struct Change<'c> {
    count: MutexGuard<'c, CountedFile>,
    to: FileFigures,
    /// The part of it that nobody has to have room for.
    stays: UsageDelta,
}

impl<'c> Change<'c> {
    fn new(count: &'c SharedCount, change: impl FnOnce(&mut FileFigures)) -> Self {
        let count = lock(count);
        let mut to = count.figures;
        change(&mut to);
        Self {
            count,
            to,
            stays: UsageDelta::default(),
        }
    }
}

/// May the upload take this name from what has it now?
fn check_target(place: &Place, found: Option<&Metadata>, is_rest: bool) -> Result<Replace> {
    let Some(found) = found else {
        return Ok(Replace::No);
    };
    match found.file_type {
        FileType::File => {}
        FileType::Directory => {
            return Err(Error::new(
                ErrorKind::IsADirectory,
                "a directory took the name meanwhile",
            ));
        }
        FileType::Symlink | FileType::Other => {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "something that is no file took the name meanwhile",
            ));
        }
    }
    if place.exclusive {
        return Err(Error::new(
            ErrorKind::AlreadyExists,
            "already exists: another made the file meanwhile",
        ));
    }
    let is_as_found = |before: &Metadata| {
        (before.file_id, before.changed_at) == (found.file_id, found.changed_at)
    };
    if is_rest && !place.found.as_ref().is_some_and(is_as_found) {
        return Err(Error::new(
            ErrorKind::Conflict,
            "the file is newer than the upload that was lost",
        ));
    }
    place.overwrite.check(Access::Overwrite)?;
    // Replacing a file asks the system only for its directory.
    place.directory.check_writable(&place.name)?;
    Ok(Replace::Yes)
}
