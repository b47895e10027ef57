//! A user's limits, and what is left of them.

use crate::{
    error::{Error, ErrorKind, Result},
    filesystem::SpaceInfo,
    rule::Rule,
    storage_usage::{StorageUsage, UsageDelta},
    user::EffectiveUser,
};

/// A user's limits; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) size: i64,
    pub(crate) files: i64,
}

impl Limits {
    pub(crate) fn of(user: &EffectiveUser) -> Self {
        Self {
            size: i64::try_from(user.quota_size).unwrap_or(i64::MAX),
            files: user.quota_files.into(),
        }
    }

    /// Is there any limit?
    pub(crate) fn any(self) -> bool {
        self.size > 0 || self.files > 0
    }

    pub(crate) fn as_amount(self) -> StorageUsage {
        StorageUsage {
            size: self.size.into(),
            files: self.files,
        }
    }

    /// Returns the limit that `delta`, which leads to `after`, would pass. Shrinking passes none.
    pub(crate) fn passed(self, delta: UsageDelta, after: StorageUsage) -> Option<Rule> {
        if delta.files > 0 && self.files > 0 && after.files > self.files {
            return Some(Rule::QuotaFiles);
        }
        (delta.size > 0 && self.size > 0 && after.size > self.size.into())
            .then_some(Rule::QuotaSize)
    }
}

/// Returns the refusal of what would pass this limit.
pub(crate) fn exceeded(limit: Rule) -> Error {
    Error::new(ErrorKind::QuotaExceeded, "quota exceeded").decided_by(limit)
}

/// Limits and what is left of them; a limit of 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaStatus {
    /// Bytes that are allowed; 0 is no limit.
    pub size_limit: i64,
    /// Bytes that are used.
    pub size_used: i64,
    /// Files that are allowed; 0 is no limit.
    pub files_limit: i64,
    /// Files that are used.
    pub files_used: i64,
}

impl QuotaStatus {
    /// Would there be room for `taken` after `freed` bytes were given back?
    ///
    /// # Errors
    /// [`QuotaExceeded`](ErrorKind::QuotaExceeded), naming the limit.
    pub fn check(self, taken: UsageDelta, freed: u64) -> Result<()> {
        let limits = Limits {
            size: self.size_limit,
            files: self.files_limit,
        };
        let used = StorageUsage {
            size: i128::from(self.size_used) - i128::from(freed),
            files: self.files_used,
        };
        let passed = limits.passed(taken, used.with(taken));
        passed.map_or(Ok(()), |limit| Err(exceeded(limit)))
    }

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

/// Returns what is left of a limit; none when it is passed. Usage that never was counted may be below zero, which leaves no
/// more than the limit.
fn left_of(limit: i64, used: i64) -> u64 {
    u64::try_from(limit.saturating_sub(used.max(0))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_makes_room() {
        let status = QuotaStatus {
            size_limit: 10,
            size_used: 12,
            files_limit: 2,
            files_used: 2,
        };
        let taken = |size, files| UsageDelta { size, files };
        for (taken, freed, passed) in [
            (taken(1, 0), 0, Some(Rule::QuotaSize)),
            (taken(1, 0), 2, Some(Rule::QuotaSize)),
            (taken(1, 0), 3, None),
            (taken(0, 0), 0, None),
            (taken(1, 1), 3, Some(Rule::QuotaFiles)),
        ] {
            let checked = status.check(taken, freed);
            assert_eq!(checked.err().and_then(|error| error.rule()), passed);
        }
        let unlimited = QuotaStatus {
            size_limit: 0,
            files_limit: 0,
            ..status
        };
        unlimited.check(taken(i64::MAX, 1), 0).unwrap();
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
