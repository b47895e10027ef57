//! Counting a user's files while the user goes on changing them.
//!
//! A walk through the tree takes time, and what changes behind it would be missed. So the account keeps the files
//! that change meanwhile, each with the bytes it counts for now; for these the size that the walk saw does not matter.
//! A directory that moves could hide any number of files from the walk: then it has to be walked again.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard},
};

use super::account::QuotaAccount;
use crate::{
    error::Result, filesystem::FileId, storage_usage::StorageUsage, sync::lock, usage::Changes,
};

/// A rescan that is going on; at most one for an account at a time.
pub struct Rescan {
    account: Arc<QuotaAccount>,
    seen: HashMap<FileId, u64>,
    coverage: Coverage,
}

/// How much of the home the walk saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Whole,
    Part,
}

/// The difference between what a rescan found and the usage that was known.
pub(super) struct Adjustment {
    pub(super) committed: StorageUsage,
    pub(super) live: StorageUsage,
}

/// The outcome of a rescan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanOutcome {
    /// The ledger has the usage that was found.
    Exact,
    /// Another node may have changed files meanwhile: the ledger asks for another rescan.
    Rough,
    /// Directories moved, and the tree has to be walked again.
    TreeMoved,
}

impl Rescan {
    /// Begins a rescan: from here on the account remembers which files change.
    pub fn begin(account: Arc<QuotaAccount>) -> Self {
        account.watch_changes();
        Self {
            account,
            seen: HashMap::new(),
            coverage: Coverage::Whole,
        }
    }

    /// The walk saw a file; one with several names counts once.
    pub fn saw(&mut self, file_id: FileId, size: u64) {
        self.seen.insert(file_id, size);
    }

    /// Says that something could not be looked at. Then the rescan finds what there is at least, and lowers nothing: else
    /// whoever takes the right to read from a directory would have room for its files once more.
    pub fn missed(&mut self) {
        self.coverage = Coverage::Part;
    }

    /// Ends the rescan and writes what it found to the ledger; where other nodes may have changed files meanwhile, only if
    /// that is wanted `even_roughly`. A caller that holds the account's names during the walk gives them here, and then no
    /// directory moved.
    ///
    /// Uploads that run are committed at their end; what was counted of them is not counted twice.
    ///
    /// # Errors
    /// Any error of the ledger; it gets the usage with the next operation then, unless others share it.
    pub fn finish(
        &self,
        held: Option<MutexGuard<'_, ()>>,
        even_roughly: bool,
    ) -> Result<ScanOutcome> {
        let names = held.unwrap_or_else(|| self.account.lock_namespace());
        // What others did is learned before or after, not in between.
        let mut client = lock(&self.account.client);
        let mut state = lock(&self.account.state);
        let Some(Changes::Files(changed)) = state.changes.take() else {
            return Ok(ScanOutcome::TreeMoved);
        };
        let unchanged = self
            .seen
            .iter()
            .filter(|(file_id, _)| !changed.contains_key(file_id))
            .map(|(_, size)| *size);
        let mut found = StorageUsage::default();
        for size in unchanged.chain(changed.values().filter_map(|size| *size)) {
            found = found.plus(StorageUsage {
                size: size.into(),
                files: 1,
            });
        }
        if self.coverage == Coverage::Part {
            found = found.max(state.live.minus(state.staged));
        }
        let uncommitted = state.live.minus(state.committed).minus(state.staged);
        let (committed, live) = (found.minus(uncommitted), found.plus(state.staged));
        let adjustment = Adjustment {
            committed: committed.minus(state.committed),
            live: live.minus(state.live),
        };
        (state.committed, state.live) = (committed, live);
        drop((state, names));
        let is_exact = self
            .account
            .store_rescan(client.as_mut(), &adjustment, even_roughly)?;
        Ok(if is_exact {
            ScanOutcome::Exact
        } else {
            ScanOutcome::Rough
        })
    }
}

impl Drop for Rescan {
    fn drop(&mut self) {
        lock(&self.account.state).changes = None;
    }
}
