//! Texts: admins.

pub(in super::super) const ALLOWS_EVERYTHING: &str = "Everything, admins and API keys too.";
pub(in super::super) const ADD_USERS: &str = "Add users.";
pub(in super::super) const CHANGE_USERS: &str = "Change users.";
pub(in super::super) const DELETE_USERS: &str = "Delete users.";
pub(in super::super) const SEE_USERS: &str = "See users and what they may do.";
pub(in super::super) const SEE_CONNECTIONS: &str = "See who is connected.";
pub(in super::super) const CLOSE_CONNECTIONS: &str = "Close connections.";
pub(in super::super) const SEE_STATUS: &str = "See the state of the server, and its metrics.";
pub(in super::super) const START_QUOTA_SCANS: &str = "Start quota scans.";
pub(in super::super) const SEE_WHAT_HAPPENED: &str = "See what happened.";
pub(in super::super) const SWITCH_FACTORS_OFF: &str = "Switch off the second factor of users.";
pub(in super::super) const SEE_DEFENDER: &str = "See whom the defender has banned.";
pub(in super::super) const MANAGE_DEFENDER: &str = "Take bans and scores back.";
pub(in super::super) const WAS_ADDED: &str = "The admin was added.";
pub(in super::super) const WAS_SAVED: &str = "The admin was saved.";
pub(in super::super) const WAS_DELETED: &str = "The admin was deleted.";
pub(in super::super) const FACTOR_IS_OFF: &str = "The second factor of the admin is off.";
pub(in super::super) const ONES_OWN_FACTOR: &str =
    "Your own second factor is switched off by a code, on the page Second factor.";
pub(in super::super) const CHANGED_MEANWHILE: &str = "somebody else changed this admin since this page was opened, and nothing was saved: open the page again to see what it is now";
pub(in super::super) const NOT_THE_NAME: &str = "this is not the admin's name";
pub(in super::super) const WAS_NOT_DELETED: &str = "The admin was not deleted.";
pub(in super::super) const NEEDED_FOR_A_LOGIN: &str = "Needed for a login.";
pub(in super::super) const TYPE_THE_NAME: &str = "Type the admin's name.";
pub(in super::super) const ADDED: &str = "Added";
pub(in super::super) const CHANGED: &str = "Changed";
pub(in super::super) const ADD_AN_ADMIN: &str = "Add an admin";
pub(in super::super) const MAY_COME_FROM: &str = "May come from";
pub(in super::super) const NETWORKS_HINT: &str =
    "Networks as in 192.0.2.0/24, one a line. Empty is everywhere.";
pub(in super::super) const KEYS_MAY_ACT: &str = "API keys may act for this admin";
pub(in super::super) const MUST_CHANGE_PASSWORD: &str =
    "The password has to be changed at the next login";
pub(in super::super) const MUST_SET_UP_FACTOR: &str = "A second factor has to be set up";
pub(in super::super) const ON: &str = "On";
pub(in super::super) const OFF: &str = "Off";

pub(in super::super) fn admin(username: &str) -> String {
    format!("Admin {username}")
}
