//! What is around every page.

use sftpgo_core::admin::AdminPermissions;

use super::{
    assets,
    session::Session,
    texts::{common, frame as texts},
};

/// A page that the menu leads to, and what it needs.
const MENU: [(&str, &str, AdminPermissions); 12] = [
    (texts::DASHBOARD, "/web", AdminPermissions::empty()),
    (common::USERS, "/web/users", AdminPermissions::VIEW_USERS),
    (
        common::CONNECTIONS,
        "/web/connections",
        AdminPermissions::VIEW_CONNECTIONS,
    ),
    (common::EVENTS, "/web/events", AdminPermissions::VIEW_EVENTS),
    (common::ADMINS, "/web/admins", AdminPermissions::ANYTHING),
    (common::API_KEYS, "/web/apikeys", AdminPermissions::ANYTHING),
    (
        common::QUOTA_SCANS,
        "/web/quotascans",
        AdminPermissions::QUOTA_SCANS,
    ),
    (
        texts::MAINTENANCE,
        "/web/maintenance",
        AdminPermissions::VIEW_USERS,
    ),
    (
        common::DEFENDER,
        "/web/defender",
        AdminPermissions::VIEW_DEFENDER,
    ),
    (common::STATUS, "/web/status", AdminPermissions::VIEW_STATUS),
    (common::PROFILE, "/web/profile", AdminPermissions::empty()),
    (common::SECOND_FACTOR, "/web/mfa", AdminPermissions::empty()),
];

/// What is around a page: the menu that the admin may use, who that is, and the value by which forms are known to be of a
/// page of ours.
pub(super) struct Frame {
    pub(super) menu: Vec<MenuEntry>,
    /// Empty without a session.
    pub(super) admin: String,
    /// Empty without a session.
    pub(super) csrf: String,
    /// See [`assets::version`].
    pub(super) assets: String,
    /// A notice of what was done; empty for none.
    pub(super) notice: &'static str,
}

pub(super) struct MenuEntry {
    pub(super) name: &'static str,
    pub(super) address: &'static str,
    pub(super) is_current: bool,
}

impl Frame {
    /// Around the page that the menu calls `current`.
    pub(super) fn of(session: Option<&Session>, current: &str) -> Self {
        let entries = MENU.iter().filter(|(_, _, needed)| {
            session.is_some_and(|session| session.is_ready() && session.may(*needed))
        });
        Self {
            menu: entries
                .map(|(name, address, _)| MenuEntry {
                    name,
                    address,
                    is_current: *name == current,
                })
                .collect(),
            admin: session.map_or_else(String::new, |session| session.admin.username.clone()),
            csrf: session.map_or_else(String::new, |session| session.csrf.clone()),
            assets: assets::version(),
            notice: "",
        }
    }

    /// Makes the frame of a page for an admin.
    pub(super) fn for_admin(session: &Session, current: &str) -> Self {
        Self::of(Some(session), current)
    }

    /// Says that it is done.
    pub(super) fn noticing(self, notice: &'static str) -> Self {
        Self { notice, ..self }
    }
}
