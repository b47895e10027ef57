//! The texts of pages that code chooses; all others are in `templates/`.

/// What wants attention.
pub(super) mod attention {
    pub(in super::super) const CAME_IN_CLEAR: &str = "This page came without TLS: passwords of admins and users can be read on \
        the way. Set httpd.certificate_file and httpd.certificate_key_file.";

    pub(in super::super) fn store_away(problem: &str) -> String {
        format!("The data provider does not answer: {problem}.")
    }

    pub(in super::super) fn listens_in_clear(addresses: &str) -> String {
        format!(
            "HTTP listens at {addresses} without TLS: passwords of admins and users can be read on the way. \
             Set httpd.certificate_file and httpd.certificate_key_file."
        )
    }

    pub(in super::super) fn disk_nearly_full(path: &str, part: u64) -> String {
        format!("The disk of {path} is {part} % full.")
    }

    pub(in super::super) fn disk_silent(path: &str, problem: &str) -> String {
        format!("The disk of {path} cannot be asked how full it is: {problem}.")
    }

    pub(in super::super) fn actions_failed(count: u64, last: &str) -> String {
        match count {
            1 => format!("An action failed in the last hour: {last}."),
            _ => format!("{count} actions failed in the last hour. The last: {last}."),
        }
    }
}

/// Of the dashboard.
pub(super) mod dashboard {
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
}

/// Of the maintenance page.
pub(super) mod maintenance {
    pub(in super::super) const TITLE: &str = "Maintenance";
    pub(in super::super) const NO_FILE: &str = "Choose the file of a dump first.";
    pub(in super::super) const TOO_MANY: &str =
        "Other imports are running. Send the dump again when they have ended.";
    pub(in super::super) const GONE: &str =
        "There is no such import any more: send the dump again.";
    pub(in super::super) const TO_ADD: &str = "To be added";
    pub(in super::super) const TO_CHANGE: &str = "To be changed";
    pub(in super::super) const ADDED: &str = "Added";
    pub(in super::super) const CHANGED: &str = "Changed";
    pub(in super::super) const FAILED: &str = "Failed";
    pub(in super::super) const NOT_DONE: &str = "Not done";
    pub(in super::super) const UNCHANGED: &str = "As they are already";
    pub(in super::super) const EXIST: &str = "Exist already and stay as they are";
    pub(in super::super) const REFUSED: &str = "Refused";
    pub(in super::super) const STOPPED: &str =
        "The import was stopped, because you may not add users any more. The rest was not done.";
    pub(in super::super) const CHANGED_MEANWHILE: &str =
        "somebody else changed this user since the import was shown";
    pub(in super::super) const PASSWORD_SET: &str = "password: set, whatever it was";

    pub(in super::super) fn dump_too_large(largest: &str) -> String {
        format!(
            "The dump is larger than {largest}, and nothing was done. sftpgo-cli user import takes larger ones."
        )
    }

    pub(in super::super) fn no_dump(problem: &str) -> String {
        format!("The file {problem}.")
    }

    pub(in super::super) fn other_parts(parts: &str) -> String {
        format!("Not imported: {parts}.")
    }

    pub(in super::super) fn passwords_kept(users: usize) -> String {
        format!("{users} users keep the password that they have, whether it is the same or not.")
    }

    pub(in super::super) fn not_counted(users: usize) -> String {
        format!(
            "{users} of the users to be added had files and have a quota: start quota scans of them afterwards."
        )
    }

    pub(in super::super) fn store_away(problem: &str) -> String {
        format!("The import was stopped, and the rest was not done: {problem}.")
    }
}
