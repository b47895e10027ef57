//! Texts: units.

pub(in super::super) const KIB: &str = "KiB";
pub(in super::super) const MIB: &str = "MiB";
pub(in super::super) const GIB: &str = "GiB";
pub(in super::super) const TIB: &str = "TiB";
pub(in super::super) const PIB: &str = "PiB";
pub(in super::super) const EIB: &str = "EiB";
