//! Texts: the menu.

pub(in super::super) const DASHBOARD: &str = "Dashboard";
pub(in super::super) const MAINTENANCE: &str = "Maintenance";
