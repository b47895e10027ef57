//! Texts: users.

pub(in super::super) const NOT_THE_NAME: &str = "this is not the user's name";
pub(in super::super) const WAS_NOT_DELETED: &str = "The user was not deleted.";
pub(in super::super) const CHANGED_MEANWHILE: &str = "somebody else changed this user since this page was opened, and nothing was saved: open the page again to see what it is now";
pub(in super::super) const FACTOR_IS_OFF: &str = "The second factor of the user is off.";
pub(in super::super) const ADD_A_USER: &str = "Add a user";
pub(in super::super) const TYPE_THE_NAME: &str = "Type the user's name.";
pub(in super::super) const SIZE: &str = "Size";
pub(in super::super) const FILES: &str = "Files";
pub(in super::super) const USAGE_WRITTEN: &str = "Usage written";
pub(in super::super) const YES: &str = "Yes";
pub(in super::super) const NO: &str = "No";
pub(in super::super) const ALL: &str = "All";
pub(in super::super) const EXPIRED: &str = "Expired";
pub(in super::super) const EXPIRES: &str = "Expires";
pub(in super::super) const NEARLY_FULL: &str = "Over 90 % of quota";
pub(in super::super) const WAS_ADDED: &str = "The user was added.";
pub(in super::super) const WAS_SAVED: &str = "The user was saved.";
pub(in super::super) const DELETED: &str = "Deleted.";
pub(in super::super) const ARE_ENABLED: &str = "The selected users are enabled.";
pub(in super::super) const ARE_DISABLED: &str = "The selected users are disabled.";
pub(in super::super) const SCANS_HAVE_STARTED: &str =
    "The quota scans of the selected users have started.";
pub(in super::super) const ENABLE: &str = "Enable";
pub(in super::super) const DISABLE: &str = "Disable";
pub(in super::super) const RESCAN_QUOTA: &str = "Rescan quota";
pub(in super::super) const DELETE: &str = "Delete…";
pub(in super::super) const NO_SUCH_ACTION: &str = "There is no such action.";
pub(in super::super) const TOO_MANY: &str = "These are too many users at once.";
pub(in super::super) const NOT_THE_WORD: &str = "this is not the word";
pub(in super::super) const TYPE_THE_WORD: &str = "Type the word: delete";
pub(in super::super) const EVERYTHING_BELOW: &str = "Everything below.";
pub(in super::super) const UID_HINT: &str = "Owner of new files. 0 leaves it to the server.";
pub(in super::super) const GID_HINT: &str = "Group of new files. 0 leaves it to the server.";
pub(in super::super) const SESSIONS_AT_ONCE: &str = "Sessions at once";
pub(in super::super) const ZERO_IS_ANY_NUMBER: &str = "0 is any number.";
pub(in super::super) const QUOTA_SIZE: &str = "Quota, size";
pub(in super::super) const BYTES_HINT: &str = "Bytes, or as in 10 GiB. 0 is no limit.";
pub(in super::super) const QUOTA_FILES: &str = "Quota, files";
pub(in super::super) const ZERO_IS_NO_LIMIT: &str = "0 is no limit.";
pub(in super::super) const UPLOAD_BANDWIDTH: &str = "Upload bandwidth";
pub(in super::super) const BANDWIDTH_HINT: &str = "KB/s. 0 is no limit.";
pub(in super::super) const DOWNLOAD_BANDWIDTH: &str = "Download bandwidth";
pub(in super::super) const MAY_BE_EMPTY: &str = "May be empty when there is a public key.";
pub(in super::super) const PUBLIC_KEYS: &str = "Public keys";
pub(in super::super) const KEYS_HINT: &str =
    "One a line, as in authorized_keys. A file can be dropped here.";
pub(in super::super) const HOME_DIRECTORY: &str = "Home directory";
pub(in super::super) const HOME_HINT: &str =
    "A path on the server. Empty is the user's name below users_base_dir, where that is set.";
pub(in super::super) const IS_NO_STATUS: &str = "is neither 0 (disabled) nor 1 (enabled)";
pub(in super::super) const IS_NO_NUMBER: &str = "is not a whole number";

pub(in super::super) fn second_factor_of(username: &str) -> String {
    format!("Second factor of {username}")
}

pub(in super::super) fn login_method(name: &str) -> &'static str {
    match name {
        "publickey" => "A key or a certificate alone.",
        "password" => "A password alone.",
        "password-over-SSH" => "The same: there is no other protocol.",
        "keyboard-interactive" => {
            "A password, and a code where there is a second factor, as answers to questions."
        }
        "publickey+password" => "A key, and then a password, where nothing else is left.",
        "publickey+keyboard-interactive" => {
            "A key, and then a code or a password, where nothing else is left."
        }
        _ => "Not spoken by this server.",
    }
}

pub(in super::super) fn user(username: &str) -> String {
    format!("User {username}")
}

pub(in super::super) fn unreadable_key(problem: &str) -> String {
    format!("cannot be read: {problem}")
}

pub(in super::super) fn failure_of(id: i32, problem: &str) -> String {
    format!("User {id}: {problem}")
}
