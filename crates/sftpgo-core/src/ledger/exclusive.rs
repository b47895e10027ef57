//! The ledger of a store that nobody else writes to: it has the usage as a whole, which this server knows.

use std::sync::Arc;

use super::{
    Cleared, Ledger, LedgerClient, LedgerUpdate, LeftDirty, MarkError, MarkLeft, Opened,
    RescanWrite, Since,
};
use crate::{
    error::{Error, Result},
    provider::{Provider, RescanStart},
    storage_usage::StorageUsage,
    usage::{LedgerState, UsageSnapshot},
    user::{UserId, now_ms},
};

/// See the module.
pub(super) struct ExclusiveLedger {
    store: Arc<dyn Provider>,
}

impl ExclusiveLedger {
    pub(super) fn new(store: Arc<dyn Provider>) -> Self {
        Self { store }
    }
}

impl Ledger for ExclusiveLedger {
    fn open(&self, user: UserId, pending: Option<UsageSnapshot>) -> Result<Opened> {
        let stored = StorageUsage::of(self.store.usage(user)?);
        Ok(Opened {
            client: Box::new(ExclusiveClient {
                store: Arc::clone(&self.store),
                user,
                contributed: StorageUsage::default(),
                last_write: pending.map_or(LastWrite::Stored, |_| LastWrite::Unknown),
            }),
            usage: pending.unwrap_or(UsageSnapshot {
                committed: stored,
                contributed: StorageUsage::default(),
            }),
            lease: None,
        })
    }

    fn mark(&self, user: UserId, _: StorageUsage, _: Since) -> Result<(), MarkError> {
        self.store.set_dirty(user, true).map_err(as_before)
    }

    fn clear(&self, user: UserId) -> Result<Cleared, MarkError> {
        let cleared = self.store.set_dirty(user, false);
        cleared.map(|()| Cleared::Clean).map_err(as_before)
    }

    fn begin_rescan(
        &self,
        _: UserId,
        _: StorageUsage,
        _: Since,
    ) -> Result<Option<RescanStart>, MarkError> {
        Ok(None)
    }

    fn left_dirty(&self) -> Result<LeftDirty> {
        self.store.dirty_users().map(LeftDirty::Here)
    }
}

fn as_before(error: Error) -> MarkError {
    MarkError {
        error,
        mark: MarkLeft::AsBefore,
    }
}

/// Does the store have what was written last?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastWrite {
    Stored,
    Unknown,
}

struct ExclusiveClient {
    store: Arc<dyn Provider>,
    user: UserId,
    /// Which part of this server's changes the store has.
    contributed: StorageUsage,
    last_write: LastWrite,
}

impl LedgerClient for ExclusiveClient {
    fn contributed(&self) -> StorageUsage {
        self.contributed
    }

    fn lacks(&self, update: &LedgerUpdate) -> bool {
        self.last_write == LastWrite::Unknown || self.contributed != update.usage.contributed
    }

    fn write(&mut self, update: &LedgerUpdate) -> Result<LedgerState> {
        let UsageSnapshot {
            committed,
            contributed,
        } = update.usage;
        self.last_write = LastWrite::Unknown;
        self.store
            .set_usage(self.user, committed.as_usage_at(now_ms()))?;
        self.last_write = LastWrite::Stored;
        self.contributed = contributed;
        Ok(LedgerState {
            contributed,
            foreign: StorageUsage::default(),
            up_to: committed,
            reserved_by_others: StorageUsage::default(),
            was_lost: false,
        })
    }

    fn write_rescan(&mut self, update: &LedgerUpdate, _: bool) -> RescanWrite {
        match self.write(update) {
            Ok(state) => RescanWrite::Written {
                state,
                is_exact: true,
            },
            Err(error) => RescanWrite::Later(error),
        }
    }
}
