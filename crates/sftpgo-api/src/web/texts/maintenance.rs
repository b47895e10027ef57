//! Texts: maintenance.

pub(in super::super) const TITLE: &str = "Maintenance";
pub(in super::super) const NO_FILE: &str = "Choose the file of a dump first.";
pub(in super::super) const TOO_MANY: &str =
    "Other imports are running. Send the dump again when they have ended.";
pub(in super::super) const GONE: &str = "There is no such import any more: send the dump again.";
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
pub(in super::super) const NOT_TAKEN: &str = "a user of a dump cannot be taken";
pub(in super::super) const PASSWORD_SET: &str = "password: set, whatever it was";
pub(in super::super) const SECOND_FACTOR_SET: &str = "second factor: set, whatever it was";

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
