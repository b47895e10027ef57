//! What operations on files do to the user's usage.

use super::{SessionContext, if_there};
use crate::{
    error::Result,
    filesystem::{File, FileType, Metadata},
    storage_usage::UsageDelta,
    sync::lock,
    usage::{FileState, SharedFileUsage, Standing},
    vpath::VirtualPath,
};

impl SessionContext {
    /// Looks up a name that is to be removed, replaced or moved, with the usage of its file.
    pub(crate) fn look_up(&self, path: &VirtualPath) -> Result<(Metadata, SharedFileUsage)> {
        self.quota.look_up(|| self.filesystem.metadata(path, false))
    }

    /// Looks up a name that need not be there, with the usage of its file.
    pub(crate) fn find_with_usage(
        &self,
        path: &VirtualPath,
    ) -> Result<Option<(Metadata, SharedFileUsage)>> {
        if_there(self.look_up(path))
    }

    /// Takes a file whose name has gone out of the usage. What is open of it stays reserved until it is closed.
    pub(crate) fn release(&self, gone: &Metadata, file_usage: &SharedFileUsage) -> UsageDelta {
        let mut usage = lock(file_usage);
        let mut state = usage.state;
        if gone.links >= 2 || state.standing != Standing::Named {
            return UsageDelta::default();
        }
        state.standing = Standing::Unnamed;
        self.quota.retire(usage.file_id);
        self.quota.set_file(&mut usage, state)
    }

    /// A name moved or was added: a rescan that is going on might miss the file, or meet it twice.
    pub(crate) fn moved(&self, found: &Metadata, file_usage: &SharedFileUsage) {
        match found.file_type {
            FileType::Directory => self.quota.tree_changed(),
            FileType::File => {
                let mut usage = lock(file_usage);
                let state = usage.state;
                self.quota.set_file(&mut usage, state);
            }
            FileType::Symlink | FileType::Other => {}
        }
    }

    /// Counts a file that `make` makes: under its name at once, or hidden, so that a rescan does not find it. One file is
    /// reserved for it, unless it `replaces` one that counts already. Called with the names held; returns by how much that
    /// changes what a rescan finds.
    ///
    /// # Errors
    /// [`QuotaExceeded`](crate::ErrorKind::QuotaExceeded), or what `make` says.
    pub(crate) fn make_file(
        &self,
        standing: Standing,
        replaces: bool,
        make: impl FnOnce() -> Result<Box<dyn File>>,
    ) -> Result<(Box<dyn File>, SharedFileUsage, UsageDelta)> {
        self.make_with_usage(standing, replaces, || {
            let file = make()?;
            let file_usage = self.quota.share_new(&file.metadata()?);
            Ok((file, file_usage))
        })
    }

    /// Counts what `make` returns with its usage, as [`SessionContext::make_file`] does.
    ///
    /// # Errors
    /// As [`SessionContext::make_file`].
    pub(crate) fn make_with_usage<T>(
        &self,
        standing: Standing,
        replaces: bool,
        make: impl FnOnce() -> Result<(T, SharedFileUsage)>,
    ) -> Result<(T, SharedFileUsage, UsageDelta)> {
        let reserved = UsageDelta {
            size: 0,
            files: i32::from(!replaces),
        };
        self.quota.reserve_staged(reserved)?;
        let (made, file_usage) = make().inspect_err(|_| self.quota.release_staged(reserved))?;
        let mut usage = lock(&file_usage);
        let state = FileState {
            standing,
            reserves_file: standing == Standing::Unnamed && !replaces,
            ..usage.state
        };
        let change = [(&mut *usage, state)];
        let delta = self.quota.replace_reservation(change, reserved);
        drop(usage);
        Ok((made, file_usage, delta))
    }

    /// Writes a finished operation's delta; the files are as they are even when the ledger fails.
    pub(crate) fn commit(&self, delta: UsageDelta) {
        if let Err(error) = self.quota.commit(delta) {
            log::error!(
                "the usage of user {:?} could not be written to the database and is kept in memory until it answers: {error}",
                self.user.username
            );
        }
    }
}
