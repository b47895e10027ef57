//! What servers that share a store tell each other through it: who is alive, who is logged in where, and what each of
//! them does to a user's usage.

use std::time::Duration;

use crate::{
    error::Result,
    random,
    storage_usage::{StorageUsage, Usage},
    user::UserId,
};

/// One of the servers that share a store, by a number that no other has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub i64);

impl NodeId {
    /// A number for a server that starts: nobody has it, not even the same server's last run.
    pub fn random() -> Self {
        Self(random::positive())
    }
}

/// The report of one node: how it changed a user's usage, and how much it is about to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The usage that all of this node's finished operations came to since its share began. The ledger adds what it has not
    /// heard of yet, so that a report that is sent again counts once.
    pub contributed: StorageUsage,
    /// The usage that running operations have taken beyond it; reserved whether or not it fits.
    pub in_motion: StorageUsage,
    /// The usage that they would like to take next; reserved as far as it fits.
    pub wanted: StorageUsage,
    /// The user's limits; 0 is none.
    pub limits: StorageUsage,
    /// Now (Unix milliseconds).
    pub at: i64,
}

/// A user's usage, and the part that one server has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// The usage that all nodes have reported together.
    pub usage: StorageUsage,
    /// The usage that this node has reported since its share began.
    pub contributed: StorageUsage,
    /// The headroom that this node may take beyond `usage`; no other node gets it.
    pub reserved: StorageUsage,
    /// The headroom that all other nodes may take.
    pub reserved_by_others: StorageUsage,
    /// This node had expired: nothing of the report was added, and the home is to be rescanned.
    pub was_lost: bool,
}

/// The state that a node gets when it begins to rescan a user's home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RescanStart {
    /// No other node has a share in the user.
    pub is_alone: bool,
    /// The home is to be rescanned, see [`ClusterStore::users_to_rescan`].
    pub is_due: bool,
}

/// The share of one node, as a store keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoredShare {
    /// See [`Share::contributed`].
    pub contributed: StorageUsage,
    /// See [`Share::reserved`].
    pub reserved: StorageUsage,
}

impl Report {
    /// Returns what becomes of a report: the usage and the share to be stored, and the answer. `share` is none when others
    /// have reclaimed it. The store sees to it that nobody else reports of the same user meanwhile.
    pub fn apply(
        &self,
        usage: Usage,
        share: Option<StoredShare>,
        reserved_by_others: StorageUsage,
    ) -> (Usage, StoredShare, Share) {
        // Nobody knows what of it the rescans of others have found.
        let known = share.map_or(self.contributed, |share| share.contributed);
        let change = self.contributed.minus(known);
        let after = StorageUsage::of(usage).plus(change);
        let reserved = StorageUsage {
            size: reserve(
                self.in_motion.size,
                self.wanted.size,
                self.limits.size,
                after.size.saturating_add(reserved_by_others.size),
            ),
            files: i64::try_from(reserve(
                self.in_motion.files.into(),
                self.wanted.files.into(),
                self.limits.files.into(),
                after.files.saturating_add(reserved_by_others.files).into(),
            ))
            .unwrap_or(i64::MAX),
        };
        let updated_at = if change == StorageUsage::default() {
            usage.updated_at
        } else {
            self.at
        };
        let answer = Share {
            usage: after,
            contributed: self.contributed,
            reserved,
            reserved_by_others,
            was_lost: share.is_none(),
        };
        let stored = StoredShare {
            contributed: self.contributed,
            reserved,
        };
        (after.as_sum_at(updated_at), stored, answer)
    }
}

/// Returns what is in motion, and as much of what is wanted as the limit (0 is none) leaves beside all else that is
/// `taken`.
fn reserve(in_motion: i128, wanted: i128, limit: i128, taken: i128) -> i128 {
    let taken = taken.saturating_add(in_motion);
    let left = if limit > 0 {
        limit.saturating_sub(taken).max(0)
    } else {
        i128::MAX
    };
    in_motion.saturating_add(wanted.min(left))
}

/// A store that several servers use at a time. Each call is one transaction, or several that may be begun again.
///
/// A user's usage is the sum of what all nodes have reported: while one of them has a share, that sum may be below zero,
/// because one node may report that a file is gone before another reports that it came.
///
/// A share may say that the user's home is to be rescanned. The store knows which rescan can be trusted: one from whose
/// beginning to whose end no other node had a share.
///
/// Every error is [`Unavailable`](crate::ErrorKind::Unavailable) unless a call says more.
pub trait ClusterStore: Send + Sync {
    /// Says that `server` is alive. True when it was not known as that: new, or expired by
    /// [`ClusterStore::expire_silent`].
    ///
    /// # Errors
    /// See the trait.
    fn keep_alive(&self, server: NodeId) -> Result<bool>;

    /// Expires all servers but `server` that have been silent for so long: they are not known any more.
    ///
    /// # Errors
    /// See the trait.
    fn expire_silent(&self, server: NodeId, silent_for: Duration) -> Result<()>;

    /// Ends the sessions of nodes that are not known, and reclaims shares of theirs for `server`: these users' homes are to
    /// be rescanned. True when there are more, and the caller calls again.
    ///
    /// # Errors
    /// See the trait.
    fn reclaim(&self, server: NodeId) -> Result<bool>;

    /// The server has ended, or is about to with no session left. Shares that it could not end are there to be reclaimed.
    ///
    /// # Errors
    /// See the trait.
    fn leave(&self, server: NodeId) -> Result<()>;

    /// Takes one of the user's sessions, unless the user has `most` (0 is no limit) on all servers together. A number
    /// is used for one session only; taking it again changes nothing.
    ///
    /// # Errors
    /// [`LimitReached`](crate::ErrorKind::LimitReached), [`NotFound`](crate::ErrorKind::NotFound).
    fn take_session(&self, server: NodeId, number: i64, id: UserId, most: u32) -> Result<()>;

    /// The numbers of the server's sessions.
    ///
    /// # Errors
    /// See the trait.
    fn sessions(&self, server: NodeId) -> Result<Vec<i64>>;

    /// Takes sessions again that others have ended, whatever the limits are.
    ///
    /// # Errors
    /// See the trait; an id nobody has is ignored.
    fn take_sessions_again(&self, server: NodeId, sessions: &[(i64, UserId)]) -> Result<()>;

    /// Gives sessions back.
    ///
    /// # Errors
    /// See the trait.
    fn give_back_sessions(&self, server: NodeId, numbers: &[i64]) -> Result<()>;

    /// The user's usage, and this server's share in it, which may not have begun.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn share(&self, server: NodeId, id: UserId) -> Result<Share>;

    /// Begins a share unless it has begun: from here on the user's files may differ from the stored usage, of which
    /// `contributed` came from this server already. With `late` they may have before: if the share begins now, the home
    /// is to be rescanned.
    ///
    /// # Errors
    /// See the trait; an id nobody has is ignored.
    fn begin_share(
        &self,
        server: NodeId,
        id: UserId,
        contributed: StorageUsage,
        late: bool,
    ) -> Result<()>;

    /// Brings the ledger up to date, and reserves. A share that others have reclaimed begins anew, and the home is to be
    /// rescanned.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn report(&self, server: NodeId, id: UserId, report: &Report) -> Result<Share>;

    /// Returns the users with a share of this server that says that their homes are to be rescanned.
    ///
    /// # Errors
    /// See the trait.
    fn users_to_rescan(&self, server: NodeId) -> Result<Vec<UserId>>;

    /// The server, which has a share, begins to rescan the user's home. A share that was lost begins anew, and the home is
    /// to be rescanned once more.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn begin_rescan(&self, server: NodeId, id: UserId) -> Result<RescanStart>;

    /// Replaces the usage by what a rescan found; `contributed` of it came from this server's share. False when another
    /// node had a share meanwhile: then the home is to be rescanned again, and the usage is only replaced if
    /// `even_roughly`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn replace_usage(
        &self,
        server: NodeId,
        id: UserId,
        usage: Usage,
        contributed: StorageUsage,
        even_roughly: bool,
    ) -> Result<bool>;

    /// Ends a share that has reported everything. If the home is to be rescanned, another node's share says so from then
    /// on; the only share does not end, and false is returned.
    ///
    /// # Errors
    /// See the trait.
    fn end_share(&self, server: NodeId, id: UserId) -> Result<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(size: i64, files: i64) -> StorageUsage {
        StorageUsage {
            size: size.into(),
            files,
        }
    }

    fn stored(contributed: StorageUsage) -> Option<StoredShare> {
        Some(StoredShare {
            contributed,
            reserved: amount(0, 0),
        })
    }

    const USAGE: Usage = Usage {
        size: 100,
        files: 10,
        updated_at: 1,
    };

    fn report(contributed: StorageUsage) -> Report {
        Report {
            contributed,
            in_motion: amount(0, 0),
            wanted: amount(0, 0),
            limits: amount(0, 0),
            at: 2,
        }
    }

    #[test]
    fn what_was_contributed_counts_once_however_often_it_is_reported() {
        let sent = report(amount(30, 3));
        let (usage, share, answer) = sent.apply(USAGE, stored(amount(10, 1)), amount(0, 0));
        assert_eq!((usage.size, usage.files, usage.updated_at), (120, 12, 2));
        assert_eq!(answer.usage, amount(120, 12));
        let (again, _, _) = sent.apply(usage, Some(share), amount(0, 0));
        assert_eq!(again, usage);
    }

    #[test]
    fn what_others_may_have_counted_is_not_added_again() {
        let (usage, share, answer) = report(amount(30, 3)).apply(USAGE, None, amount(0, 0));
        assert_eq!(usage, USAGE);
        assert_eq!(share.contributed, amount(30, 3));
        assert!(answer.was_lost);
    }

    #[test]
    fn what_goes_before_it_came_is_a_figure_below_zero() {
        let gone = report(amount(-500, -50));
        let (usage, ..) = gone.apply(USAGE, stored(amount(0, 0)), amount(0, 0));
        assert_eq!((usage.size, usage.files), (-400, -40));
    }

    #[test]
    fn what_is_wanted_is_reserved_as_far_as_it_fits_beside_others() {
        for (limit, in_motion, wanted, others, reserved) in [
            (0, 5, 1000, 1000, 1005),
            (200, 0, 50, 0, 50),
            (200, 0, 50, 60, 40),
            (200, 20, 50, 60, 40),
            // What is in motion is so whether or not it fits.
            (200, 70, 50, 60, 70),
            (90, 0, 50, 0, 0),
        ] {
            let report = Report {
                in_motion: amount(in_motion, 0),
                wanted: amount(wanted, 0),
                limits: amount(limit, 0),
                ..report(amount(0, 0))
            };
            let (_, share, answer) = report.apply(USAGE, stored(amount(0, 0)), amount(others, 0));
            assert_eq!(share.reserved.size, reserved, "{report:?} {others}");
            assert_eq!(answer.reserved, share.reserved);
        }
    }
}
