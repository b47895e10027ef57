//! Texts: the profile.

pub(in super::super) const WAS_SAVED: &str = "Your profile was saved.";
pub(in super::super) const PASSWORD_WAS_CHANGED: &str =
    "Your password was changed. Other sessions of yours have ended.";
pub(in super::super) const CURRENT_PASSWORD: &str = "Current password";
pub(in super::super) const NEW_PASSWORD: &str = "New password";
pub(in super::super) const NEW_PASSWORD_AGAIN: &str = "The new password again";
