//! Texts: the status.

pub(in super::super) const CONFINEMENT: &str = "Confinement";
pub(in super::super) const NOT_CONFINED: &str = "off (common.confine_to)";
pub(in super::super) const DATA_PROVIDER: &str = "Data provider";
pub(in super::super) const SESSIONS: &str = "Sessions";
pub(in super::super) const TRANSFERS: &str = "Transfers";
pub(in super::super) const VERSION: &str = "Version";
pub(in super::super) const BUILT: &str = "Built";
pub(in super::super) const COMMIT: &str = "Commit";
