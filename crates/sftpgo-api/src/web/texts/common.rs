//! Texts: what several pages say.

pub(in super::super) const ADMINS: &str = "Admins";
pub(in super::super) const USERNAME: &str = "Username";
pub(in super::super) const CONFIRM: &str = "Confirm";
pub(in super::super) const LAST_LOGIN: &str = "Last login";
pub(in super::super) const EMPTY_KEEPS_IT: &str = "Leave it empty to keep the one there is.";
pub(in super::super) const NOTHING_WAS_SAVED: &str =
    "Nothing was saved: some fields are not right.";
pub(in super::super) const PASSWORD: &str = "Password";
pub(in super::super) const EMAIL: &str = "Email";
pub(in super::super) const DESCRIPTION: &str = "Description";
pub(in super::super) const ENABLED: &str = "Enabled";
pub(in super::super) const DISABLED: &str = "Disabled";
pub(in super::super) const IS_NOT_A_DATE: &str = "is not a date as in 2026-12-31";
pub(in super::super) const API_KEYS: &str = "API keys";
pub(in super::super) const EXPIRES_AT_UTC: &str = "Expires at (UTC)";
pub(in super::super) const EMPTY_IS_NEVER: &str = "Empty is never.";
pub(in super::super) const CONNECTIONS: &str = "Connections";
pub(in super::super) const DEFENDER: &str = "Defender";
pub(in super::super) const EVENTS: &str = "Events";
pub(in super::super) const USERS: &str = "Users";
pub(in super::super) const QUOTA_SCANS: &str = "Quota scans";
pub(in super::super) const STATUS: &str = "Status";
pub(in super::super) const PROFILE: &str = "Profile";
pub(in super::super) const SECOND_FACTOR: &str = "Second factor";
pub(in super::super) const NOT_THE_SAME_PASSWORD: &str = "is not the same password";
pub(in super::super) const CODE: &str = "Code";
