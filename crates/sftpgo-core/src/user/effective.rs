//! A user as a session enforces it.

use std::path::PathBuf;

use super::UserId;
use crate::policy::Policy;

/// A user as sessions enforce it: where the files are, who owns new ones, what may be done, and how much.
///
/// [`StoredUser::effective`](super::StoredUser::effective) makes it of what is stored. Whoever logs in may be told apart
/// here from what is stored of them, as by a policy that differs between directories; nothing of it is written back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveUser {
    /// Provider's id.
    pub id: UserId,
    /// Unique, case-sensitive.
    pub username: String,
    /// Absolute path of the home directory.
    pub home_dir: PathBuf,
    /// Owner given to new files when running as root; 0 leaves it.
    pub uid: u32,
    /// Group given to new files when running as root; 0 leaves it.
    pub gid: u32,
    /// Sessions at once; 0 is unlimited.
    pub max_sessions: u32,
    /// Bytes; 0 is unlimited.
    pub quota_size: u64,
    /// Files; 0 is unlimited.
    pub quota_files: u32,
    /// The policy of the user: permissions by path.
    pub policy: Policy,
    /// KB/s (1 KB = 1000 bytes); 0 is unlimited.
    pub upload_bandwidth: u32,
    /// KB/s (1 KB = 1000 bytes); 0 is unlimited.
    pub download_bandwidth: u32,
}

impl EffectiveUser {
    /// Is any quota set?
    pub fn has_quota_limits(&self) -> bool {
        self.quota_size > 0 || self.quota_files > 0
    }
}
