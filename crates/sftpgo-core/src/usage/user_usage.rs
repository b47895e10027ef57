//! What one user takes up and may take up, with what running operations have reserved.

use super::{
    file_usage::{FileChange, FileState, FileUsage},
    lease::Lease,
    limits::Limits,
    rescan::Changes,
};
use crate::{
    rule::Rule,
    storage_usage::{StorageUsage, UsageDelta},
};

#[derive(Debug)]
pub(crate) struct UserUsage {
    pub(crate) limits: Limits,
    pub(crate) tracked: bool,
    /// What the user takes up now, reservations of running operations included.
    pub(crate) live: StorageUsage,
    /// The part of `live` that finished operations left.
    pub(crate) committed: StorageUsage,
    /// The part of `committed` that this server brought in since its share in the ledger began.
    pub(crate) contributed: StorageUsage,
    /// The part of `live` that no rescan would find: uploads whose data is not under its name yet.
    pub(crate) staged: StorageUsage,
    /// What changed since a rescan began; none while there is no rescan.
    pub(crate) changes: Option<Changes>,
    /// The headroom that this node has from the ledger that it shares with others; none where it is alone.
    pub(crate) lease: Option<Lease>,
}

/// Is there headroom for a change?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headroom {
    Enough,
    /// There is none within this limit.
    None(Rule),
    /// Only the ledger knows; within this limit as far as is known here.
    Ask(Rule),
}

impl UserUsage {
    pub(crate) fn headroom(&self, delta: UsageDelta) -> Headroom {
        if !self.tracked {
            return Headroom::Enough;
        }
        let after = self.live.with(delta);
        let passed = self.limits.passed(delta, after);
        match &self.lease {
            None => passed.map_or(Headroom::Enough, Headroom::None),
            Some(lease) => passed
                .or_else(|| lease.lacks(self.limits, delta, after))
                .map_or(Headroom::Enough, Headroom::Ask),
        }
    }

    /// Reserves `delta` for what no rescan would find.
    pub(crate) fn hold(&mut self, delta: UsageDelta) {
        self.live = self.live.with(delta);
        self.staged = self.staged.with(delta);
    }

    /// Makes a file count for `to`, and says how that changes what a rescan would find.
    pub(crate) fn change_file(&mut self, file: &mut FileUsage, to: FileState) -> UsageDelta {
        let (before, after) = (file.state.footprint(), to.footprint());
        let mut held = after.held;
        held += -before.held;
        self.hold(held);
        file.state = to;
        if before.named.is_none() && after.named.is_none() {
            return UsageDelta::default();
        }
        self.record(FileChange {
            file_id: file.file_id,
            before: before.named,
            after: after.named,
        })
    }

    /// Is there no room whatever other servers give back?
    pub(crate) fn is_full_for(&self, delta: UsageDelta) -> bool {
        self.limits.passed(delta, self.live.with(delta)).is_some()
    }

    pub(crate) fn snapshot(&self) -> UsageSnapshot {
        UsageSnapshot {
            committed: self.committed,
            contributed: self.contributed,
        }
    }

    pub(crate) fn record(&mut self, change: FileChange) -> UsageDelta {
        let delta = change.delta();
        self.live = self.live.with(delta);
        if let Some(changes) = &mut self.changes {
            changes.record(change);
        }
        delta
    }
}

/// The usage that finished operations came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsageSnapshot {
    /// The user's whole usage, as this node sees it.
    pub(crate) committed: StorageUsage,
    /// This node's own part of it since its share began.
    pub(crate) contributed: StorageUsage,
}
