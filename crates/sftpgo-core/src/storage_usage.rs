//! Storage usage: as a store keeps it, as an operation changes it, and as it is added up.

/// The usage of a user's files, as last counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes in all files.
    pub size: i64,
    /// Number of files.
    pub files: i32,
    /// The time of the last change, in Unix milliseconds; 0 is never.
    pub updated_at: i64,
}

/// Is more than nine tenths of a limit used, in bytes or files? A limit of 0 is none.
pub fn is_nearly_full(used: i64, limit: u64) -> bool {
    limit > 0 && i128::from(used) * 10 > i128::from(limit) * 9
}

/// A change of usage, as an operation on files caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageDelta {
    /// Bytes more (or fewer).
    pub size: i64,
    /// Files more (or fewer).
    pub files: i32,
}

impl UsageDelta {
    /// The part of it that has to be found room for.
    pub(crate) fn growth(self) -> Self {
        Self {
            size: self.size.max(0),
            files: self.files.max(0),
        }
    }
}

impl std::ops::Neg for UsageDelta {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            size: self.size.saturating_neg(),
            files: self.files.saturating_neg(),
        }
    }
}

impl std::ops::AddAssign for UsageDelta {
    fn add_assign(&mut self, other: Self) {
        self.size = self.size.saturating_add(other.size);
        self.files = self.files.saturating_add(other.files);
    }
}

/// Bytes and files, wide enough for any sum: a file alone may say that it has 2^63 - 1 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageUsage {
    /// The size in bytes.
    pub size: i128,
    /// Number of files.
    pub files: i64,
}

impl StorageUsage {
    /// The figures of `usage`.
    pub fn of(usage: Usage) -> Self {
        Self {
            size: usage.size.into(),
            files: usage.files.into(),
        }
    }

    /// The sum after a change.
    pub(crate) fn with(self, delta: UsageDelta) -> Self {
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

    /// The larger size and the larger number of files.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            size: self.size.max(other.size),
            files: self.files.max(other.files),
        }
    }

    /// The smaller size and the smaller number of files.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            size: self.size.min(other.size),
            files: self.files.min(other.files),
        }
    }

    /// Returns the usage as a store keeps it that only this server writes to, which knows nothing below zero; changed at a
    /// time (Unix milliseconds).
    pub fn as_usage_at(self, updated_at: i64) -> Usage {
        self.max(Self::default()).as_sum_at(updated_at)
    }

    /// The bytes as a store keeps them, which has 64 bits for them.
    pub fn size_to_store(self) -> i64 {
        let size = self.size.clamp(i64::MIN.into(), i64::MAX.into());
        i64::try_from(size).unwrap_or(i64::MAX)
    }

    /// Returns the usage as the ledger keeps it while nodes share it: a sum that may be below zero, see
    /// [`ClusterStore`](crate::provider::ClusterStore).
    pub fn as_sum_at(self, updated_at: i64) -> Usage {
        let files = self.files.clamp(i32::MIN.into(), i32::MAX.into());
        Usage {
            size: self.size_to_store(),
            files: i32::try_from(files).unwrap_or(i32::MAX),
            updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_nine_tenths_are_nearly_full() {
        for (used, limit, is_so) in [
            (9, 10, false),
            (10, 10, true),
            (90, 100, false),
            (91, 100, true),
            (91, 101, true),
            (4, 5, false),
            (5, 5, true),
            (1, 1, true),
            (0, 1, false),
            (i64::MAX, 0, false),
            (i64::MAX, u64::MAX, false),
            (i64::MAX, i64::MAX as u64, true),
            (i64::MIN, 1, false),
        ] {
            assert_eq!(is_nearly_full(used, limit), is_so, "{used} of {limit}");
        }
    }

    #[test]
    fn sums_past_what_a_store_keeps_are_undone_part_by_part() {
        let largest = UsageDelta {
            size: i64::MAX,
            files: 1,
        };
        let three = StorageUsage::default()
            .with(largest)
            .with(largest)
            .with(largest);
        assert_eq!(three.as_usage_at(0).size, i64::MAX);
        let none = three.with(-largest).with(-largest).with(-largest);
        assert_eq!(none, StorageUsage::default());
    }
}
