//! Texts: refusals.

pub(in super::super) const NO_SUCH_PAGE: &str = "There is no such page.";
pub(in super::super) const NOT_ALLOWED: &str = "Your permissions do not allow this.";
pub(in super::super) const ERROR: &str = "Error";
pub(in super::super) const INTERNAL_ERROR: &str = "internal error";
pub(in super::super) const SEE_THE_LOG: &str = "internal error, see the server's log";

pub(in super::super) fn takes_only(methods: &str) -> String {
    format!("This page takes {methods} only.")
}
