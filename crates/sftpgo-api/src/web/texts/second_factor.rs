//! Texts: the second factor.

pub(in super::super) const IS_OFF: &str = "The second factor is off.";
pub(in super::super) const CODE_HINT: &str = "The six digits that the app shows now.";
pub(in super::super) const SECRET_TOO_LONG: &str = "The secret is too long for a picture.";
pub(in super::super) const WRONG_CODE: &str = "is wrong";
pub(in super::super) const IS_ON_ALREADY: &str =
    "The second factor is on already. Switch it off first.";
