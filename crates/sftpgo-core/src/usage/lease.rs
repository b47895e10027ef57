//! How far a user may go on this server before it has to ask the ledger that it shares with others.

use std::time::{Duration, Instant};

use super::limits::Limits;
use crate::{
    rule::Rule,
    storage_usage::{StorageUsage, UsageDelta},
};

/// The headroom that this node asks for at the most. More would keep others from what this node may never use; less would
/// ask too often.
const MOST_WANTED: StorageUsage = StorageUsage {
    size: 64 << 20,
    files: 1000,
};

/// The part of what is left that one server takes at once.
const PART_OF_REST: i64 = 8;

/// The time for which an answer of the ledger is not asked for again: whoever writes on and on against a limit does not
/// make the ledger say so each time.
const FRESH: Duration = Duration::from_millis(100);

/// The usage of a user as the ledger has it after a write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LedgerState {
    /// This node's part of it.
    pub(crate) contributed: StorageUsage,
    /// The usage that other nodes added since the last look.
    pub(crate) foreign: StorageUsage,
    /// The usage that the user may come to through this node before it has to ask again.
    pub(crate) up_to: StorageUsage,
    pub(crate) reserved_by_others: StorageUsage,
    /// Other nodes had rescanned the user's home meanwhile, see [`Share`](crate::provider::Share).
    pub(crate) was_lost: bool,
}

/// The headroom that the ledger leased last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    up_to: StorageUsage,
    reserved_by_others: StorageUsage,
    contact: Contact,
}

/// When the ledger was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contact {
    /// It was not asked yet.
    None,
    At(Instant),
    /// It does not answer: transfers go on by what was known last.
    Lost,
}

impl Lease {
    /// Makes a lease of nothing, where the ledger has `usage`.
    pub(crate) fn none(usage: StorageUsage) -> Self {
        Self {
            up_to: usage,
            reserved_by_others: StorageUsage::default(),
            contact: Contact::None,
        }
    }

    pub(crate) fn renew(&mut self, written: &LedgerState, now: Instant) {
        *self = Self {
            up_to: written.up_to,
            reserved_by_others: written.reserved_by_others,
            contact: Contact::At(now),
        };
    }

    /// Was it renewed a moment ago?
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        match self.contact {
            Contact::At(then) => now.saturating_duration_since(then) < FRESH,
            Contact::None | Contact::Lost => false,
        }
    }

    /// Leases nothing beyond `live` while the ledger is asked.
    pub(crate) fn hold(&mut self, live: StorageUsage) {
        self.up_to = live;
    }

    pub(crate) fn lose_touch(&mut self) {
        self.contact = Contact::Lost;
    }

    /// Do others hold what they may yet give back?
    pub(crate) fn may_grow(&self) -> bool {
        self.contact != Contact::Lost && self.reserved_by_others != StorageUsage::default()
    }

    /// Returns the limit for whose sake `delta`, which leads to `after`, is not leased.
    pub(crate) fn lacks(
        &self,
        limits: Limits,
        delta: UsageDelta,
        after: StorageUsage,
    ) -> Option<Rule> {
        let bound = if self.contact == Contact::Lost {
            limits.as_amount().minus(self.reserved_by_others)
        } else {
            self.up_to
        };
        if delta.files > 0 && limits.files > 0 && after.files > bound.files {
            return Some(Rule::QuotaFiles);
        }
        (delta.size > 0 && limits.size > 0 && after.size > bound.size).then_some(Rule::QuotaSize)
    }
}

/// Returns what to ask for when `delta` is needed: that, and some of what is left for what comes next.
pub(crate) fn wanted(limits: Limits, live: StorageUsage, delta: UsageDelta) -> StorageUsage {
    let left = limits.as_amount().minus(live);
    let part = StorageUsage {
        size: left.size / i128::from(PART_OF_REST),
        files: left.files / PART_OF_REST,
    };
    StorageUsage::default()
        .with(delta)
        .max(part.min(MOST_WANTED))
        .max(StorageUsage::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        size: 800,
        files: 80,
    };

    fn amount(size: i64, files: i64) -> StorageUsage {
        StorageUsage {
            size: size.into(),
            files,
        }
    }

    fn bytes(size: i64) -> UsageDelta {
        UsageDelta { size, files: 0 }
    }

    #[test]
    fn what_is_wanted_is_needed_or_a_part_of_what_is_left() {
        assert_eq!(wanted(LIMITS, amount(0, 0), bytes(1)), amount(100, 10));
        assert_eq!(wanted(LIMITS, amount(0, 0), bytes(300)), amount(300, 10));
        assert_eq!(wanted(LIMITS, amount(799, 80), bytes(1)), amount(1, 0));
        assert_eq!(wanted(LIMITS, amount(900, 90), bytes(-5)), amount(0, 0));
        let roomy = Limits {
            size: i64::MAX,
            files: 0,
        };
        assert_eq!(wanted(roomy, amount(0, 0), bytes(1)), amount(64 << 20, 0));
    }

    #[test]
    fn only_what_was_leased_is_taken_until_the_ledger_is_out_of_touch() {
        let mut lease = Lease::none(amount(10, 1));
        let after = amount(11, 1);
        let lacks = |lease: &Lease| lease.lacks(LIMITS, bytes(1), after);
        assert_eq!(lacks(&lease), Some(Rule::QuotaSize));
        assert_eq!(lease.lacks(LIMITS, bytes(-1), after), None);
        let unlimited = Limits { size: 0, files: 1 };
        assert_eq!(lease.lacks(unlimited, bytes(1), after), None);
        let state = LedgerState {
            contributed: amount(0, 0),
            foreign: amount(0, 0),
            up_to: amount(11, 1),
            reserved_by_others: amount(700, 0),
            was_lost: false,
        };
        let now = Instant::now();
        assert!(!lease.is_fresh(now));
        lease.renew(&state, now);
        assert!(lease.is_fresh(now) && !lease.is_fresh(now + FRESH));
        assert_eq!(lacks(&lease), None);
        lease.hold(amount(10, 1));
        assert_eq!(lacks(&lease), Some(Rule::QuotaSize));
        lease.lose_touch();
        assert_eq!(lacks(&lease), None);
        // What others were leased stays theirs.
        let too_much = lease.lacks(LIMITS, bytes(1), amount(101, 1));
        assert_eq!(too_much, Some(Rule::QuotaSize));
    }
}
