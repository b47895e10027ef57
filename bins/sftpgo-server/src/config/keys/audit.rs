//! Keys of the audit log.

use serde::{Deserialize, Serialize};

/// `common.audit`, not in SFTPGo.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Audit {
    /// Empty is off.
    pub(crate) file: String,
    /// Empty is none.
    pub(crate) key_file: String,
    /// Megabytes; 0 is no limit.
    pub(crate) max_size: i64,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            file: String::new(),
            key_file: String::new(),
            max_size: 100,
        }
    }
}
