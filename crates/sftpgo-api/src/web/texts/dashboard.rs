//! Texts: the dashboard.

pub(in super::super) const TITLE: &str = "Dashboard";
pub(in super::super) const USERS: &str = "Users";
pub(in super::super) const USERS_UNKNOWN: &str = "unknown";
pub(in super::super) const CONNECTED: &str = "Users connected";
pub(in super::super) const SESSIONS: &str = "Sessions";
pub(in super::super) const TRANSFERS: &str = "Transfers";
pub(in super::super) const UPLOADED: &str = "Uploaded in the last hour";
pub(in super::super) const DOWNLOADED: &str = "Downloaded in the last hour";
pub(in super::super) const LOGINS_OF_HOUR: &str = "Logins in the last hour";
pub(in super::super) const FAILURES_OF_HOUR: &str = "Failed logins in the last hour";
pub(in super::super) const THROUGHPUT_HOUR: &str = "Throughput, last hour";
pub(in super::super) const THROUGHPUT_DAY: &str = "Throughput, last day";
pub(in super::super) const LOGINS_HOUR: &str = "Logins, last hour";
pub(in super::super) const LOGINS_DAY: &str = "Logins, last day";
pub(in super::super) const HOUR_AGO: &str = "an hour ago";
pub(in super::super) const DAY_AGO: &str = "a day ago";
pub(in super::super) const UPLOAD: &str = "Upload";
pub(in super::super) const DOWNLOAD: &str = "Download";
pub(in super::super) const LOGINS: &str = "Logins";
pub(in super::super) const FAILURES: &str = "Failures";
pub(in super::super) const PROVIDER: &str = "Data provider";
pub(in super::super) const VERSION: &str = "Version";

pub(in super::super) fn highest(line: &str, value: &str) -> String {
    format!("{line}: {value} at the most")
}

pub(in super::super) fn part_of(used: &str, all: &str) -> String {
    format!("{used} of {all}")
}
