//! What operations on files do to the user's count.

use super::{SessionContext, if_there};
use crate::{
    error::Result,
    filesystem::{File, FileType, Metadata},
    storage_usage::UsageDelta,
    sync::lock,
    usage::{FileFigures, SharedCount, Standing},
    vpath::VirtualPath,
};

impl SessionContext {
    /// A name that is to be removed, replaced or moved, with the count of its file.
    pub(crate) fn look_up(&self, path: &VirtualPath) -> Result<(Metadata, SharedCount)> {
        self.quota.look_up(|| self.filesystem.metadata(path, false))
    }

    /// The same for a name that need not be there.
    pub(crate) fn find_counted(
        &self,
        path: &VirtualPath,
    ) -> Result<Option<(Metadata, SharedCount)>> {
        if_there(self.look_up(path))
    }

    /// Takes a file whose name has gone out of the count. What is open of it stays reserved until it is closed.
    pub(crate) fn release(&self, gone: &Metadata, count: &SharedCount) -> UsageDelta {
        let mut counted = lock(count);
        let mut figures = counted.figures;
        if gone.links >= 2 || figures.standing != Standing::Named {
            return UsageDelta::default();
        }
        figures.standing = Standing::Unnamed;
        self.quota.retire(counted.file_id);
        self.quota.set_file(&mut counted, figures)
    }

    /// A name moved or was added: a count that is going on might miss the file, or meet it twice.
    pub(crate) fn moved(&self, found: &Metadata, count: &SharedCount) {
        match found.file_type {
            FileType::Directory => self.quota.tree_changed(),
            FileType::File => {
                let mut counted = lock(count);
                let figures = counted.figures;
                self.quota.set_file(&mut counted, figures);
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
    ) -> Result<(Box<dyn File>, SharedCount, UsageDelta)> {
        self.make_counted(standing, replaces, || {
            let file = make()?;
            let count = self.quota.share_new(&file.metadata()?);
            Ok((file, count))
        })
    }

    /// The same for what `make` returns with its count.
    ///
    /// # Errors
    /// As [`SessionContext::make_file`].
    pub(crate) fn make_counted<T>(
        &self,
        standing: Standing,
        replaces: bool,
        make: impl FnOnce() -> Result<(T, SharedCount)>,
    ) -> Result<(T, SharedCount, UsageDelta)> {
        let reserved = UsageDelta {
            size: 0,
            files: i32::from(!replaces),
        };
        self.quota.reserve_staged(reserved)?;
        let (made, count) = make().inspect_err(|_| self.quota.release_staged(reserved))?;
        let mut counted = lock(&count);
        let figures = FileFigures {
            standing,
            reserves_file: standing == Standing::Unnamed && !replaces,
            ..counted.figures
        };
        let change = [(&mut *counted, figures)];
        let delta = self.quota.count_instead(change, reserved);
        drop(counted);
        Ok((made, count, delta))
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
