//! Texts: the login.

pub(in super::super) const WRONG_NAME_OR_PASSWORD: &str =
    "This name or password is wrong, or you may not log in from here.";
pub(in super::super) const WRONG_CODE: &str = "This code is wrong, or was used before.";
pub(in super::super) const BEING_STOPPED: &str = "The server is being stopped.";
pub(in super::super) const PASSCODE_HINT: &str = "Of the app on your phone: six digits.";
pub(in super::super) const OR_A_RECOVERY_CODE: &str = "Or a recovery code";
pub(in super::super) const RECOVERY_HINT: &str = "Without your phone. Each passes once.";
