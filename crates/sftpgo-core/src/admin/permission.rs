//! What an admin may do, by the names that SFTPGo 2.7 has for it.

use crate::error::{Error, Result};

bitflags::bitflags! {
    /// A set of permissions of an admin.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct AdminPermissions: u16 {
        /// Everything, also what has no permission of its own: managing admins, API keys and lists of
        /// addresses.
        const ANYTHING = 1;
        /// Add users.
        const ADD_USERS = 1 << 1;
        /// Change users.
        const EDIT_USERS = 1 << 2;
        /// Delete users.
        const DELETE_USERS = 1 << 3;
        /// See users and what they may do.
        const VIEW_USERS = 1 << 4;
        /// See who is connected.
        const VIEW_CONNECTIONS = 1 << 5;
        /// Close connections.
        const CLOSE_CONNECTIONS = 1 << 6;
        /// See the state of the server, and its metrics.
        const VIEW_STATUS = 1 << 7;
        /// Start quota scans.
        const QUOTA_SCANS = 1 << 8;
        /// See what happened.
        const VIEW_EVENTS = 1 << 9;
        /// Switch off the second factor of users.
        const DISABLE_MFA = 1 << 10;
        /// See what the defender has counted, and whom it has banned.
        const VIEW_DEFENDER = 1 << 11;
        /// Take bans and scores back.
        const MANAGE_DEFENDER = 1 << 12;
    }
}

const NAMES: [(&str, AdminPermissions); 13] = [
    ("*", AdminPermissions::ANYTHING),
    ("add_users", AdminPermissions::ADD_USERS),
    ("edit_users", AdminPermissions::EDIT_USERS),
    ("del_users", AdminPermissions::DELETE_USERS),
    ("view_users", AdminPermissions::VIEW_USERS),
    ("view_conns", AdminPermissions::VIEW_CONNECTIONS),
    ("close_conns", AdminPermissions::CLOSE_CONNECTIONS),
    ("view_status", AdminPermissions::VIEW_STATUS),
    ("quota_scans", AdminPermissions::QUOTA_SCANS),
    ("view_events", AdminPermissions::VIEW_EVENTS),
    ("disable_mfa", AdminPermissions::DISABLE_MFA),
    ("view_defender", AdminPermissions::VIEW_DEFENDER),
    ("manage_defender", AdminPermissions::MANAGE_DEFENDER),
];

/// Permissions of SFTPGo 2.x for things that this server does not have.
const OF_OTHER_THINGS: [&str; 10] = [
    "manage_admins",
    "manage_apikeys",
    "manage_event_rules",
    "manage_folders",
    "manage_groups",
    "manage_ip_lists",
    "manage_roles",
    "manage_system",
    "metadata_checks",
    "retention_checks",
];

impl AdminPermissions {
    /// The set that a list of names means. `*` swallows the others.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when the list is empty, or a name means nothing here.
    pub fn from_names<S: AsRef<str>>(names: &[S]) -> Result<Self> {
        let mut set = Self::empty();
        for name in names {
            set |= Self::named(name.as_ref())?;
        }
        if set.is_empty() {
            return Err(Error::invalid("permissions", "at least one is needed"));
        }
        Ok(if set.contains(Self::ANYTHING) {
            Self::ANYTHING
        } else {
            set
        })
    }

    fn named(name: &str) -> Result<Self> {
        if let Some((_, permission)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(*permission);
        }
        Err(Error::invalid(
            "permissions",
            if OF_OTHER_THINGS.contains(&name) {
                format!("{name:?} is for something that this server does not have")
            } else {
                format!("unknown permission {name:?}")
            },
        ))
    }

    /// The names of this set, in one order.
    pub fn names(self) -> Vec<&'static str> {
        let named = NAMES
            .iter()
            .filter(|(_, permission)| self.contains(*permission));
        named.map(|(name, _)| *name).collect()
    }

    /// May whoever has these do what needs that one?
    pub fn allow(self, needed: Self) -> bool {
        self.contains(Self::ANYTHING) || self.contains(needed)
    }

    /// The permissions that there are, with their names.
    pub fn known() -> impl Iterator<Item = (&'static str, Self)> {
        NAMES.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_survives_and_a_star_swallows_the_rest() {
        for (name, permission) in AdminPermissions::known() {
            let set = AdminPermissions::from_names(&[name]).unwrap();
            assert_eq!((set, set.names()), (permission, vec![name]));
        }
        let all = AdminPermissions::from_names(&["view_users", "*"]).unwrap();
        assert_eq!(all.names(), ["*"]);
        assert!(all.allow(AdminPermissions::DISABLE_MFA));
        assert!(!AdminPermissions::VIEW_USERS.allow(AdminPermissions::EDIT_USERS));
    }

    #[test]
    fn no_name_and_unknown_names_are_refused() {
        for names in [&[][..], &["root"], &["view_users", "manage_groups"], &[""]] {
            assert!(AdminPermissions::from_names(names).is_err(), "{names:?}");
        }
    }
}
