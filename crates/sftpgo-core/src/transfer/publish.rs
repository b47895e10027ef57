//! How the data of an upload gets its name.
//!
//! Where the data is until then differs: in a hidden file that is renamed, or with a storage that lets it appear as a whole.
//! What is allowed and what counts does not. A publish does only what the session would be allowed to do to what has the name
//! at that moment. What happens to the name meanwhile decides as the table "Two writers of one name" in
//! `docs/architecture.md` says.

use std::sync::{Arc, MutexGuard};

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::{FileType, Metadata, Replace},
    policy::{Access, Decision},
    session_context::{SessionContext, if_there},
    storage_usage::UsageDelta,
    sync::lock,
    usage::{FileState, FileUsage, SharedFileUsage, Standing},
};

/// Data that is not under its name yet.
pub(super) trait Unnamed {
    /// Attributes of what has the name now.
    ///
    /// # Errors
    /// Any error of the filesystem.
    fn metadata_of_name(&self) -> Result<Metadata>;

    /// Would the system let the server write to what has the name?
    ///
    /// # Errors
    /// The kinds of access(2).
    fn check_writable(&self) -> Result<()>;

    /// Puts the data under its name, in one step; it is the last one that can fail. Returns what it has become, where that
    /// was not known before.
    ///
    /// # Errors
    /// Any error of the filesystem; what has the name stands.
    fn appear(&mut self, replace: Replace) -> Result<Option<Metadata>>;
}

/// What an upload may do to what has its name, and what it counts for.
pub(super) struct Claim<'u> {
    /// What its data counts for.
    pub(super) file_usage: &'u SharedFileUsage,
    /// The file whose bytes it may use; see `FileState::credit`.
    pub(super) leans_on: Option<&'u SharedFileUsage>,
    /// The file that had the name when the upload began.
    pub(super) found: Option<&'u Metadata>,
    /// Is it refused where something has the name?
    pub(super) exclusive: bool,
    /// May it replace what has the name?
    pub(super) overwrite: Decision,
    /// The client did not say that the upload is whole: that never takes the place of something newer.
    pub(super) is_rest: bool,
}

impl Claim<'_> {
    /// Gives the data its name; the file that had it leaves the usage. What the upload costs more by this is reserved
    /// before, and counted when the data is under its name. Called with the names held.
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded), why the name may not be taken, or what the filesystem says; then nothing
    /// has changed.
    pub(super) fn publish(
        &self,
        shared: &SessionContext,
        data: &mut dyn Unnamed,
    ) -> Result<UsageDelta> {
        let found = if_there(data.metadata_of_name())?;
        let is_empty_rest = self.is_rest && lock(self.file_usage).state.size == 0;
        if is_empty_rest && found.is_some() {
            return Err(Error::new(
                ErrorKind::Conflict,
                "nothing arrived of the upload that was lost",
            ));
        }
        let replace = self.check_target(data, found.as_ref())?;
        let replaced = match &found {
            Some(_) => self.replaced(shared, data)?,
            None => None,
        };
        let mut files = self.changes(replaced.as_ref());
        let reserved = growth(&files);
        shared.quota.reserve_staged(reserved)?;
        let appeared = data
            .appear(replace)
            .inspect_err(|_| shared.quota.release_staged(reserved))?;
        if let (Some(appeared), Some(own)) = (appeared, files.last_mut()) {
            own.file_usage.file_id = appeared.file_id;
            own.to.size = appeared.size;
        }
        let changes = files
            .iter_mut()
            .map(|file| (&mut *file.file_usage, file.to));
        let delta = shared.quota.replace_reservation(changes, reserved);
        if let Some((found, _)) = replaced.as_ref().filter(|(found, _)| found.links < 2) {
            shared.quota.retire(found.file_id);
        }
        Ok(delta)
    }

    /// Returns the headroom that publishing would need now. Called with the names held.
    ///
    /// # Errors
    /// Any error of the filesystem.
    pub(super) fn growth(&self, shared: &SessionContext, data: &dyn Unnamed) -> Result<UsageDelta> {
        let replaced = if_there(self.replaced(shared, data))?.flatten();
        Ok(growth(&self.changes(replaced.as_ref())))
    }

    /// Returns the file that has the name, with its usage. Somebody may have given the new file this name by hand: then
    /// nothing is replaced.
    fn replaced(
        &self,
        shared: &SessionContext,
        data: &dyn Unnamed,
    ) -> Result<Option<(Metadata, SharedFileUsage)>> {
        let found = shared.quota.look_up(|| data.metadata_of_name())?;
        Ok(Some(found).filter(|(_, file_usage)| !Arc::ptr_eq(file_usage, self.file_usage)))
    }

    /// May the upload take this name from what has it now?
    fn check_target(&self, data: &dyn Unnamed, found: Option<&Metadata>) -> Result<Replace> {
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
        if self.exclusive {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "already exists: another made the file meanwhile",
            ));
        }
        let is_as_found = |before: &Metadata| {
            (before.file_id, before.changed_at) == (found.file_id, found.changed_at)
        };
        if self.is_rest && !self.found.is_some_and(is_as_found) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the file is newer than the upload that was lost",
            ));
        }
        self.overwrite.check(Access::Overwrite)?;
        // Replacing a file asks the system only for its directory.
        data.check_writable()?;
        Ok(Replace::Yes)
    }

    /// Returns what a publish changes: the file that it replaces, the one whose bytes it had, and last the upload, whose
    /// file may have the id of the one that it replaces.
    fn changes<'c>(&'c self, replaced: Option<&'c (Metadata, SharedFileUsage)>) -> Vec<Change<'c>> {
        let mut changes = Vec::with_capacity(3);
        let leans_on = |file_usage: &SharedFileUsage| {
            self.leans_on
                .is_some_and(|own| Arc::ptr_eq(own, file_usage))
        };
        if let Some((found, file_usage)) = replaced {
            let is_pledged = leans_on(file_usage);
            let mut leaving = Change::new(file_usage, |state| {
                if is_pledged {
                    state.pledged = 0;
                }
                if found.links < 2 && state.standing == Standing::Named {
                    state.standing = Standing::Unnamed;
                    state.replaced = true;
                }
            });
            // Reserved as long as others have it open, which is no reason to refuse the new one.
            if leaving.to.standing == Standing::Unnamed {
                leaving.stays = leaving.to.cost();
            }
            changes.push(leaving);
        }
        let is_replaced = |file_usage: &SharedFileUsage| {
            replaced.is_some_and(|(_, replaced)| Arc::ptr_eq(replaced, file_usage))
        };
        if let Some(file_usage) = self.leans_on.filter(|file_usage| !is_replaced(file_usage)) {
            let mut lender = Change::new(file_usage, |state| state.pledged = 0);
            if lender.to.standing == Standing::Unnamed {
                lender.stays = lender.to.cost();
            }
            changes.push(lender);
        }
        changes.push(Change::new(self.file_usage, |state| {
            state.standing = Standing::Named;
            state.credit = 0;
            state.reserves_file = false;
        }));
        changes
    }
}

/// A file's usage, locked, and what it is to become.
struct Change<'c> {
    file_usage: MutexGuard<'c, FileUsage>,
    to: FileState,
    /// The part of it that nobody has to have room for.
    stays: UsageDelta,
}

/// Returns the headroom that these changes need.
fn growth(changes: &[Change<'_>]) -> UsageDelta {
    let mut needed = UsageDelta::default();
    for Change {
        file_usage,
        to,
        stays,
    } in changes
    {
        needed += to.cost();
        needed += -file_usage.state.cost();
        needed += -*stays;
    }
    needed.growth()
}

impl<'c> Change<'c> {
    fn new(file_usage: &'c SharedFileUsage, change: impl FnOnce(&mut FileState)) -> Self {
        let file_usage = lock(file_usage);
        let mut to = file_usage.state;
        change(&mut to);
        Self {
            file_usage,
            to,
            stays: UsageDelta::default(),
        }
    }
}
