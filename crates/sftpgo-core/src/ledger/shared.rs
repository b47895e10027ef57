//! The ledger of a store that several servers write to: each has a share in a user's usage, and reports what it did as a
//! whole, so that a report whose answer was lost counts once when it is sent again.

use std::sync::Arc;

use super::{
    Cleared, Ledger, LedgerClient, LedgerUpdate, LeftDirty, MarkError, MarkLeft, Opened,
    RescanWrite, Since,
};
use crate::{
    error::{Error, ErrorKind, Result},
    provider::{ClusterStore, NodeId, Report, RescanStart},
    storage_usage::StorageUsage,
    usage::{Lease, LedgerState, UsageSnapshot},
    user::{UserId, now_ms},
};

/// See the module.
pub(crate) struct SharedLedger {
    store: Arc<dyn ClusterStore>,
    server: NodeId,
}

impl SharedLedger {
    pub(crate) fn new(store: Arc<dyn ClusterStore>, server: NodeId) -> Self {
        Self { store, server }
    }

    /// A client for a user whose usage the store has as it is, with this server's changes up to `contributed` in it.
    ///
    /// # Errors
    /// Any error of the store.
    pub(crate) fn move_in(
        &self,
        user: UserId,
        contributed: StorageUsage,
    ) -> Result<Box<dyn LedgerClient>> {
        let share = self.store.share(self.server, user)?;
        Ok(Box::new(SharedClient {
            store: Arc::clone(&self.store),
            server: self.server,
            user,
            usage: share.usage,
            contributed,
            reserved: share.reserved,
            last_report: LastReport::Unanswered,
        }))
    }

    fn begin_share(&self, user: UserId, contributed: StorageUsage, since: Since) -> Result<()> {
        let late = since == Since::Before;
        self.store.begin_share(self.server, user, contributed, late)
    }
}

impl Ledger for SharedLedger {
    fn open(&self, user: UserId, pending: Option<UsageSnapshot>) -> Result<Opened> {
        let share = self.store.share(self.server, user)?;
        let usage = match pending {
            None => UsageSnapshot {
                committed: share.usage,
                contributed: share.contributed,
            },
            Some(pending) => UsageSnapshot {
                committed: share
                    .usage
                    .plus(pending.contributed.minus(share.contributed)),
                contributed: pending.contributed,
            },
        };
        Ok(Opened {
            client: Box::new(SharedClient {
                store: Arc::clone(&self.store),
                server: self.server,
                user,
                usage: share.usage,
                contributed: share.contributed,
                reserved: share.reserved,
                last_report: pending.map_or(LastReport::Answered, |_| LastReport::Unanswered),
            }),
            usage,
            lease: Some(Lease::none(usage.committed)),
        })
    }

    fn mark(&self, user: UserId, contributed: StorageUsage, since: Since) -> Result<(), MarkError> {
        self.begin_share(user, contributed, since).map_err(unknown)
    }

    fn clear(&self, user: UserId) -> Result<Cleared, MarkError> {
        match self.store.end_share(self.server, user).map_err(unknown)? {
            true => Ok(Cleared::Clean),
            false => Ok(Cleared::RescanFirst),
        }
    }

    fn begin_rescan(
        &self,
        user: UserId,
        contributed: StorageUsage,
        since: Since,
    ) -> Result<Option<RescanStart>, MarkError> {
        self.begin_share(user, contributed, since)
            .and_then(|()| self.store.begin_rescan(self.server, user))
            .map(Some)
            .map_err(unknown)
    }

    fn left_dirty(&self) -> Result<LeftDirty> {
        Ok(LeftDirty::Shared)
    }
}

/// The store may have done what it did not answer; who knows of nothing to end would leave it there.
fn unknown(error: Error) -> MarkError {
    let mark = match error.kind() {
        ErrorKind::NotFound => MarkLeft::AsBefore,
        _ => MarkLeft::Unknown,
    };
    MarkError { error, mark }
}

/// Was the last report answered?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastReport {
    Answered,
    Unanswered,
}

struct SharedClient {
    store: Arc<dyn ClusterStore>,
    server: NodeId,
    user: UserId,
    /// The usage that the store had last.
    usage: StorageUsage,
    /// This server's part of that usage since its share began.
    contributed: StorageUsage,
    /// The headroom that this server may take beyond the usage.
    reserved: StorageUsage,
    last_report: LastReport,
}

impl SharedClient {
    fn report(&mut self, update: &LedgerUpdate) -> Result<LedgerState> {
        let contributed = update.usage.contributed;
        let report = Report {
            contributed,
            in_motion: update.in_motion,
            wanted: update.wanted,
            limits: update.limits.as_amount(),
            at: now_ms(),
        };
        let share = self.store.report(self.server, self.user, &report)?;
        let own = contributed.minus(self.contributed);
        let foreign = share.usage.minus(self.usage.plus(own));
        self.usage = share.usage;
        self.contributed = contributed;
        self.reserved = share.reserved;
        Ok(LedgerState {
            contributed,
            foreign,
            up_to: share.usage.plus(share.reserved),
            reserved_by_others: share.reserved_by_others,
            was_lost: share.was_lost,
        })
    }
}

impl LedgerClient for SharedClient {
    fn contributed(&self) -> StorageUsage {
        self.contributed
    }

    fn lacks(&self, update: &LedgerUpdate) -> bool {
        self.last_report == LastReport::Unanswered
            || self.contributed != update.usage.contributed
            || self.reserved != update.in_motion.plus(update.wanted)
    }

    fn write(&mut self, update: &LedgerUpdate) -> Result<LedgerState> {
        self.last_report = LastReport::Unanswered;
        let state = self.report(update)?;
        self.last_report = LastReport::Answered;
        Ok(state)
    }

    fn write_rescan(&mut self, update: &LedgerUpdate, even_roughly: bool) -> RescanWrite {
        let UsageSnapshot {
            committed,
            contributed,
        } = update.usage;
        self.last_report = LastReport::Unanswered;
        let replaced = self.store.replace_usage(
            self.server,
            self.user,
            committed.as_usage_at(now_ms()),
            contributed,
            even_roughly,
        );
        match replaced {
            Err(error) => RescanWrite::Lost(error),
            Ok(false) if !even_roughly => RescanWrite::Refused,
            Ok(is_exact) => {
                self.usage = committed;
                self.contributed = contributed;
                let state = LedgerState {
                    contributed,
                    foreign: StorageUsage::default(),
                    up_to: committed.plus(self.reserved),
                    reserved_by_others: StorageUsage::default(),
                    was_lost: false,
                };
                RescanWrite::Written { state, is_exact }
            }
        }
    }
}
