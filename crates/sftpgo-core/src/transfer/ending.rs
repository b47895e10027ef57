//! How a handle of an upload ends: by CLOSE or with its connection, and what becomes of the data then.

use std::{sync::Arc, time::Duration};

use super::{
    Transfer,
    staged::HiddenFile,
    upload::{Destination, Upload},
};
use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{DirectoryHandle, File},
    session_context::{SessionContext, UploadMode},
    storage_usage::UsageDelta,
    uploads::{Place, StagedUpload},
};

/// How a handle came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The client closed it.
    Clean,
    /// Its connection was lost.
    Lost,
}

impl Transfer {
    /// Makes an upload durable as the policy says and gives it its name.
    pub(super) fn store(&mut self) -> Result<()> {
        let Some(upload) = &mut self.upload else {
            return Ok(());
        };
        if upload.is_in_order() {
            return upload.store(&self.shared);
        }
        let sync = self.shared.uploads.sync;
        if sync {
            upload.remember_sync(&self.file.sync());
        }
        upload.remember_sync(&self.file.flush());
        let directory = match upload.take_destination() {
            Destination::Hidden(staged) => {
                upload.end_staged(&self.shared, &staged, Ending::Clean)?
            }
            Destination::File | Destination::InOrder(_) => upload.end_in_place()?,
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
        match self.upload.as_mut().map(Upload::take_destination) {
            Some(Destination::Hidden(staged)) => self.abandon_staged(&staged),
            Some(Destination::InOrder(upload)) => upload.abandon(&self.shared),
            Some(Destination::File) | None => {}
        }
        self.end();
    }

    fn abandon_staged(&mut self, staged: &Arc<StagedUpload>) {
        if let Some(upload) = &mut self.upload {
            let keeps_rest = self.shared.uploads.mode == UploadMode::AtomicWithResume;
            if keeps_rest || staged.place().acknowledged {
                // What takes the place of something is whole at least as far as it goes.
                upload.remember_sync(&self.file.sync());
            }
            match upload.end_staged(&self.shared, staged, Ending::Lost) {
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
    fn take_destination(&mut self) -> Destination {
        std::mem::replace(&mut self.destination, Destination::File)
    }

    /// Returns how long to wait before a clean end, because the ledger is being asked whether there is room for what the
    /// upload costs more under its name. None when that is known, or it will not get the name.
    pub(super) fn wait_to_publish(&self, shared: &SessionContext) -> Option<Duration> {
        if !shared.quota.may_have_to_ask() || self.broken.is_some() {
            return None;
        }
        if let Some(wait) = shared.quota.wait_for_names() {
            return Some(wait);
        }
        // Holding the names may have to wait for the ledger itself.
        if let Some(wait) = shared.quota.wait_for_headroom(UsageDelta::default()) {
            return Some(wait);
        }
        let names = shared.quota.lock_namespace();
        let growth = match &self.destination {
            Destination::File => None,
            Destination::Hidden(staged) => staged.growth(shared),
            Destination::InOrder(upload) => upload.growth(shared, &self.file_usage),
        };
        drop(names);
        shared.quota.wait_for_headroom(growth?)
    }

    /// The clean end of an upload that came in order; of others it is their handle's, which knows what to wait for.
    pub(crate) fn store(&mut self, shared: &SessionContext) -> Result<()> {
        let Destination::InOrder(upload) = self.take_destination() else {
            return Ok(());
        };
        let _names = shared.quota.lock_namespace_for_storage();
        let is_whole = self.broken.map_or(Ok(()), |kind| Err(not_stored(kind)));
        let delta = is_whole
            .and_then(|()| upload.publish(shared, &self.file_usage))
            .inspect_err(|_| upload.abandon(shared))?;
        self.uncommitted += delta;
        upload.end_pledge(shared);
        Ok(())
    }

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

    /// Ends one handle of a staged upload. The last one decides what becomes of the data.
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
        let mut hidden = HiddenFile { staged, place };
        match wanted.and_then(|()| hidden.publish(shared, is_rest)) {
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

    /// Returns what a handle is told when all goes well, or the refusal of a part of what it brought.
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
