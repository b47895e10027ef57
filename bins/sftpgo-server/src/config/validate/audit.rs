//! The audit log.

use super::Check;
use crate::config::{keys, settings::Audit};

const MEGABYTE: u64 = 1024 * 1024;

impl Check<'_> {
    /// None where it is off.
    pub(super) fn audit(&mut self, keys: &keys::Audit) -> Option<Audit> {
        let max_size = self.range("common.audit.max_size", keys.max_size, 1024 * 1024);
        let key_file = self.path(&keys.key_file);
        let Some(file) = self.path(&keys.file) else {
            if key_file.is_some() {
                self.problem(
                    "common.audit.key_file",
                    "seals nothing, because common.audit.file is empty: name the audit log there",
                );
            }
            return None;
        };
        if key_file
            .as_ref()
            .is_some_and(|key| key.parent() == file.parent())
        {
            self.problem(
                "common.audit.key_file",
                format_args!(
                    "is in the directory of the audit log, {}: put it elsewhere, so that a copy of the logs has no key with it",
                    file.parent().unwrap_or(&file).display()
                ),
            );
        }
        Some(Audit {
            file,
            key_file,
            max_size: u64::from(max_size) * MEGABYTE,
        })
    }
}
