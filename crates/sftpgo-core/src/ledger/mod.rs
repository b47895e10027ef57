//! What the store knows of users' usage, as this server writes it.
//!
//! There are two ways to write it, and the server chooses when it starts: `ExclusiveLedger` where nobody else writes to the
//! store, `SharedLedger` where several servers do. A server that another is about to follow goes from the first to the
//! second, one user after the other. Nothing above asks which of them it is.

mod dirty_journal;
mod dirty_tracker;
mod exclusive;
mod shared;
mod write_behind;

use std::sync::{Arc, OnceLock};

pub use self::dirty_journal::{DirtyJournal, MemoryJournal};
use self::exclusive::ExclusiveLedger;
pub(crate) use self::{
    dirty_tracker::{DirtyState, DirtyTracker},
    shared::SharedLedger,
    write_behind::WriteBehind,
};
use crate::{
    error::{Error, Result},
    provider::{NodeId, Provider, RescanStart},
    storage_usage::StorageUsage,
    usage::{Lease, LedgerState, Limits, UsageSnapshot},
    user::UserId,
};

/// The stored usage of all users, and the marks that say whose files may differ from it.
pub(crate) trait Ledger: Send + Sync {
    /// A client for one user. `pending` is what an earlier one could not write.
    ///
    /// # Errors
    /// Any error of the store.
    fn open(&self, user: UserId, pending: Option<UsageSnapshot>) -> Result<Opened>;

    /// Marks a user dirty: from now on the files may differ from the usage, `since` before if so. `contributed` of the
    /// usage came from this server already.
    ///
    /// # Errors
    /// Any error of the store, with the state of the mark.
    fn mark(&self, user: UserId, contributed: StorageUsage, since: Since) -> Result<(), MarkError>;

    /// Ends a mark.
    ///
    /// # Errors
    /// Any error of the store, with the state of the mark.
    fn clear(&self, user: UserId) -> Result<Cleared, MarkError>;

    /// A rescan begins. None where no other server could change files meanwhile; there nothing is marked for it.
    ///
    /// # Errors
    /// Any error of the store, with the state of the mark.
    fn begin_rescan(
        &self,
        user: UserId,
        contributed: StorageUsage,
        since: Since,
    ) -> Result<Option<RescanStart>, MarkError>;

    /// Returns whom an earlier run of this server has left dirty.
    ///
    /// # Errors
    /// Any error of the store.
    fn left_dirty(&self) -> Result<LeftDirty>;
}

/// One user's part of the ledger, and what is known to be in it.
pub(crate) trait LedgerClient: Send {
    /// This server's part of the stored usage since its share began, as far as is known.
    fn contributed(&self) -> StorageUsage;

    /// Does the store lack anything of this?
    fn lacks(&self, update: &LedgerUpdate) -> bool;

    /// Writes what it lacks.
    ///
    /// # Errors
    /// Any error of the store; the next write makes up for it.
    fn write(&mut self, update: &LedgerUpdate) -> Result<LedgerState>;

    /// Writes what a rescan found. Where others may have changed files meanwhile that is only done if it is wanted
    /// `even_roughly`.
    fn write_rescan(&mut self, update: &LedgerUpdate, even_roughly: bool) -> RescanWrite;
}

/// The client for a user, and what the ledger says at the start.
pub(crate) struct Opened {
    pub(crate) client: Box<dyn LedgerClient>,
    pub(crate) usage: UsageSnapshot,
    /// How far this server may go without asking; none where it never has to.
    pub(crate) lease: Option<Lease>,
}

/// The usage that is to be written, and the headroom that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LedgerUpdate {
    pub(crate) usage: UsageSnapshot,
    /// The usage that running operations have taken.
    pub(crate) in_motion: StorageUsage,
    /// The usage that they want next.
    pub(crate) wanted: StorageUsage,
    pub(crate) limits: Limits,
}

/// Since when a user's files may differ from the usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// From now on.
    Now,
    /// Perhaps before, when the ledger could not be told: nodes that share it may have rescanned the home meanwhile.
    Before,
}

/// What ending a mark came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cleared {
    /// The user is clean.
    Clean,
    /// The mark stays: the ledger asks for a rescan first.
    RescanFirst,
}

/// A mark could not be changed.
#[derive(Debug)]
pub(crate) struct MarkError {
    pub(crate) error: Error,
    pub(crate) mark: MarkLeft,
}

/// What has become of a mark that could not be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkLeft {
    /// The mark is taken to be as before. Where it is not, the next start rescans once more than it needs to.
    AsBefore,
    /// The mark may be there or not, and somebody has to end it: other servers rely on it.
    Unknown,
}

/// Whom an earlier run has left dirty.
pub(crate) enum LeftDirty {
    /// These, whose homes this server has to rescan.
    Here(Vec<UserId>),
    /// The nodes that share the store share the rescans out among themselves.
    Shared,
}

/// What writing the result of a rescan came to.
pub(crate) enum RescanWrite {
    /// The store has it; `is_exact` unless others may have changed files meanwhile.
    Written { state: LedgerState, is_exact: bool },
    /// Other nodes may have changed files meanwhile, and the result was not wanted roughly: the usage is as before.
    Refused,
    /// The store does not answer. It gets the usage with the next write.
    Later(Error),
    /// The store does not answer, and what others do meanwhile would not be in the result: the usage is as before.
    Lost(Error),
}

/// The ledger that was chosen at the start, and the one that all users move to when others begin to use the store.
pub(crate) struct Ledgers {
    chosen: Arc<dyn Ledger>,
    shared: OnceLock<SharedLedger>,
}

/// In which of them a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Residence {
    #[default]
    Chosen,
    /// In the shared one, where everybody is or will be.
    Moved,
}

impl Ledgers {
    /// The ledger of `provider`, as the server `server` writes it.
    pub(crate) fn choose(provider: &Arc<dyn Provider>, server: NodeId) -> Self {
        Self::of(match Arc::clone(provider).shared() {
            Some(store) => Arc::new(SharedLedger::new(store, server)),
            None => Arc::new(ExclusiveLedger::new(Arc::clone(provider))),
        })
    }

    pub(crate) fn of(chosen: Arc<dyn Ledger>) -> Self {
        Self {
            chosen,
            shared: OnceLock::new(),
        }
    }

    /// Users are to move to `shared`; who comes from here on is there already.
    pub(crate) fn begin_move(&self, shared: SharedLedger) {
        // Trying again goes on where it failed.
        let _ = self.shared.set(shared);
    }

    /// The ledger that users move to, where they do.
    pub(crate) fn shared(&self) -> Option<&SharedLedger> {
        self.shared.get()
    }

    /// Where a user is who is new here.
    pub(crate) fn residence(&self) -> Residence {
        match self.shared() {
            Some(_) => Residence::Moved,
            None => Residence::Chosen,
        }
    }

    /// The ledger in which a user is.
    pub(crate) fn at(&self, residence: Residence) -> &dyn Ledger {
        match (residence, self.shared()) {
            (Residence::Moved, Some(shared)) => shared,
            _ => self.chosen.as_ref(),
        }
    }
}
