//! One user's line in the ledger, as this server writes it: alone, or beside other servers.

use std::sync::Arc;

use crate::{
    error::Result,
    provider::{Provider, Report, ServerId, SharedStore},
    storage_usage::StorageUsage,
    usage::{LedgerState, Limits, UsageSnapshot},
    user::{UserId, now_ms},
};

/// The line, and what is known to be in it.
pub(super) struct Line {
    provider: Arc<dyn Provider>,
    server: ServerId,
    user: UserId,
    /// What the ledger had last.
    usage: StorageUsage,
    /// This server's part of it since its share began.
    contributed: StorageUsage,
    /// What this server may take beyond it.
    reserved: StorageUsage,
    /// A write failed: the ledger may have it or not.
    unsure: bool,
    /// A count was not written: what the ledger has is not the sum that `usage` takes it for. Where others share the
    /// ledger it is not written later: they may have changed what was counted.
    owes_count: bool,
}

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) figures: UsageSnapshot,
    /// What running operations have taken.
    pub(super) in_motion: StorageUsage,
    /// What they want next.
    pub(super) wanted: StorageUsage,
    pub(super) limits: Limits,
}

impl Line {
    /// The line as it stands.
    ///
    /// # Errors
    /// What the ledger says.
    pub(super) fn open(
        provider: Arc<dyn Provider>,
        server: ServerId,
        user: UserId,
    ) -> Result<Self> {
        let (usage, contributed, reserved) = match provider.shared() {
            None => (
                StorageUsage::of(provider.usage(user)?),
                StorageUsage::default(),
                StorageUsage::default(),
            ),
            Some(store) => {
                let share = store.share(server, user)?;
                (share.usage, share.contributed, share.reserved)
            }
        };
        Ok(Self {
            provider,
            server,
            user,
            usage,
            contributed,
            reserved,
            unsure: false,
            owes_count: false,
        })
    }

    /// The figures to go on with, after an account whose figures the ledger may lack.
    pub(super) fn resume(&mut self, unwritten: Option<UsageSnapshot>) -> UsageSnapshot {
        let Some(unwritten) = unwritten else {
            return UsageSnapshot {
                settled: self.usage,
                contributed: self.contributed,
            };
        };
        self.unsure = true;
        let settled = if self.is_shared() {
            let own = unwritten.contributed.minus(self.contributed);
            self.usage.plus(own)
        } else {
            unwritten.settled
        };
        UsageSnapshot {
            settled,
            contributed: unwritten.contributed,
        }
    }

    /// Do other servers write this line too?
    pub(super) fn is_shared(&self) -> bool {
        self.provider.shared().is_some()
    }

    /// Says that the user's files may differ from the figures from now on, or `late` that they may have before.
    pub(super) fn begin(
        provider: &dyn Provider,
        server: ServerId,
        user: UserId,
        contributed: StorageUsage,
        late: bool,
    ) -> Result<()> {
        match provider.shared() {
            None => provider.set_unsettled(user, true),
            Some(store) => store.begin_share(server, user, contributed, late),
        }
    }

    /// Says that they do not any more; false when the ledger wants them counted first.
    pub(super) fn end(provider: &dyn Provider, server: ServerId, user: UserId) -> Result<bool> {
        match provider.shared() {
            None => provider.set_unsettled(user, false).map(|()| true),
            Some(store) => store.end_share(server, user),
        }
    }

    /// Does the ledger lack anything of `entry`?
    pub(super) fn lacks(&self, entry: &Entry) -> bool {
        self.unsure
            || self.owes_count
            || self.contributed != entry.figures.contributed
            || self.is_shared() && self.reserved != entry.in_motion.plus(entry.wanted)
    }

    /// Writes the figures of a count, and answers what is written: nothing when others may have changed what was counted,
    /// unless that is wanted `even_roughly`. False when that is so.
    ///
    /// # Errors
    /// What the ledger says; the next write makes up for it where the ledger is this server's alone.
    pub(super) fn write_count(
        &mut self,
        entry: &Entry,
        even_roughly: bool,
    ) -> Result<(Option<LedgerState>, bool)> {
        let provider = Arc::clone(&self.provider);
        let Some(store) = provider.shared() else {
            self.owes_count = true;
            return Ok((Some(self.write(entry)?), true));
        };
        self.unsure = true;
        let usage = entry.figures.settled.as_usage_at(now_ms());
        let contributed = entry.figures.contributed;
        let is_exact =
            store.replace_usage(self.server, self.user, usage, contributed, even_roughly)?;
        let is_written = is_exact || even_roughly;
        let written = is_written.then(|| self.has(entry.figures.settled, contributed));
        Ok((written, is_exact))
    }

    /// This server's part of the ledger since its share began.
    pub(super) fn contributed(&self) -> StorageUsage {
        self.contributed
    }

    /// Writes what the ledger lacks.
    ///
    /// # Errors
    /// What the ledger says; the next write makes up for it.
    pub(super) fn write(&mut self, entry: &Entry) -> Result<LedgerState> {
        self.unsure = true;
        let provider = Arc::clone(&self.provider);
        let written = match provider.shared() {
            None => self.write_alone(entry),
            Some(store) => self.report(store, entry),
        }?;
        self.unsure = false;
        self.owes_count = false;
        Ok(written)
    }

    fn write_alone(&mut self, entry: &Entry) -> Result<LedgerState> {
        self.provider
            .set_usage(self.user, entry.figures.settled.as_usage_at(now_ms()))?;
        Ok(self.has(entry.figures.settled, entry.figures.contributed))
    }

    fn report(&mut self, store: &dyn SharedStore, entry: &Entry) -> Result<LedgerState> {
        let report = Report {
            contributed: entry.figures.contributed,
            in_motion: entry.in_motion,
            wanted: entry.wanted,
            limits: entry.limits.as_amount(),
            at: now_ms(),
        };
        let share = store.report(self.server, self.user, &report)?;
        let own = entry.figures.contributed.minus(self.contributed);
        let foreign = share.usage.minus(self.usage.plus(own));
        self.reserved = share.reserved;
        Ok(LedgerState {
            foreign,
            up_to: share.usage.plus(share.reserved),
            reserved_by_others: share.reserved_by_others,
            was_lost: share.was_lost,
            ..self.has(share.usage, entry.figures.contributed)
        })
    }

    fn has(&mut self, usage: StorageUsage, contributed: StorageUsage) -> LedgerState {
        self.usage = usage;
        self.contributed = contributed;
        LedgerState {
            contributed,
            foreign: StorageUsage::default(),
            up_to: usage.plus(self.reserved),
            reserved_by_others: StorageUsage::default(),
            was_lost: false,
        }
    }
}
