//! Figures of usage, and what is shown of them.

use crate::{
    filesystem::SpaceInfo,
    provider::UsageDelta,
    rule::Rule,
    user::{Usage, User, now_ms},
};

/// Bytes and files, wide enough for any sum: a file alone may say that it has 2^63 - 1 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Amount {
    pub size: i128,
    pub files: i64,
}

impl Amount {
    /// The figures of `usage`.
    pub fn of(usage: Usage) -> Self {
        Self {
            size: usage.size.into(),
            files: usage.files.into(),
        }
    }

    pub(super) fn with(self, delta: UsageDelta) -> Self {
        self.plus(Self {
            size: delta.size.into(),
            files: delta.files.into(),
        })
    }

    /// The sum; what would pass the largest value stays there.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            size: self.size.saturating_add(other.size),
            files: self.files.saturating_add(other.files),
        }
    }

    /// The difference, limited likewise.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            size: self.size.saturating_sub(other.size),
            files: self.files.saturating_sub(other.files),
        }
    }

    /// Whatever is larger, of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            size: self.size.max(other.size),
            files: self.files.max(other.files),
        }
    }

    /// Whatever is smaller, of each.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            size: self.size.min(other.size),
            files: self.files.min(other.files),
        }
    }

    /// As the ledger keeps it, which knows nothing below zero.
    pub(super) fn as_usage(self) -> Usage {
        self.as_usage_at(now_ms())
    }

    /// The same, as it was at a time (Unix milliseconds).
    pub fn as_usage_at(self, updated_at: i64) -> Usage {
        self.max(Self::default()).as_sum_at(updated_at)
    }

    /// The bytes as a store keeps them, which has 64 bits for them.
    pub fn size_to_store(self) -> i64 {
        let size = self.size.clamp(i64::MIN.into(), i64::MAX.into());
        i64::try_from(size).unwrap_or(i64::MAX)
    }

    /// As the ledger keeps it while servers share it: a sum that may be below zero, see
    /// [`SharedStore`](crate::provider::SharedStore).
    pub fn as_sum_at(self, updated_at: i64) -> Usage {
        let files = self.files.clamp(i32::MIN.into(), i32::MAX.into());
        Usage {
            size: self.size_to_store(),
            files: i32::try_from(files).unwrap_or(i32::MAX),
            updated_at,
        }
    }
}

/// A user's limits; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) size: i64,
    pub(super) files: i64,
}

impl Limits {
    pub(super) fn of(user: &User) -> Self {
        Self {
            size: i64::try_from(user.quota_size).unwrap_or(i64::MAX),
            files: user.quota_files.into(),
        }
    }

    /// Is there one?
    pub(super) fn any(self) -> bool {
        self.size > 0 || self.files > 0
    }

    pub(super) fn as_amount(self) -> Amount {
        Amount {
            size: self.size.into(),
            files: self.files,
        }
    }

    /// The limit that `delta`, which leads to `after`, would pass. Shrinking passes none.
    pub(super) fn passed(self, delta: UsageDelta, after: Amount) -> Option<Rule> {
        if delta.files > 0 && self.files > 0 && after.files > self.files {
            return Some(Rule::QuotaFiles);
        }
        (delta.size > 0 && self.size > 0 && after.size > self.size.into())
            .then_some(Rule::QuotaSize)
    }
}

/// Limits and what is left of them; a limit of 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct QuotaStatus {
    pub size_limit: i64,
    pub size_used: i64,
    pub files_limit: i64,
    pub files_used: i64,
}

impl QuotaStatus {
    /// The space of `disk` as a user with these limits sees it.
    pub fn shown_in(self, disk: SpaceInfo) -> SpaceInfo {
        let mut shown = disk;
        if self.size_limit > 0 {
            let fragment = disk.fragment_size.max(1);
            let left = left_of(self.size_limit, self.size_used) / fragment;
            shown.blocks = u64::try_from(self.size_limit).unwrap_or(0) / fragment;
            shown.blocks_free = left.min(disk.blocks_free);
            shown.blocks_available = left.min(disk.blocks_available);
        }
        if self.files_limit > 0 {
            let left = left_of(self.files_limit, self.files_used);
            shown.files = u64::try_from(self.files_limit).unwrap_or(0);
            shown.files_free = left.min(disk.files_free);
            shown.files_available = left.min(disk.files_available);
        }
        shown
    }
}

/// None when the limit is passed. A figure that never was counted may be below zero, which makes it no more.
fn left_of(limit: i64, used: i64) -> u64 {
    u64::try_from(limit.saturating_sub(used.max(0))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_past_what_a_store_keeps_are_undone_part_by_part() {
        let largest = UsageDelta {
            size: i64::MAX,
            files: 1,
        };
        let three = Amount::default().with(largest).with(largest).with(largest);
        assert_eq!(three.as_usage().size, i64::MAX);
        let none = three.with(-largest).with(-largest).with(-largest);
        assert_eq!(none, Amount::default());
    }

    #[test]
    fn what_is_left_is_between_nothing_and_the_limit() {
        for (limit, used, left) in [
            (10, 0, 10),
            (10, 4, 6),
            (10, 11, 0),
            (10, -5000, 10),
            (i64::MAX, -1, i64::MAX.unsigned_abs()),
            (1, i64::MAX, 0),
        ] {
            assert_eq!(left_of(limit, used), left, "{limit} {used}");
        }
    }
}
