//! Texts: the setup.

pub(in super::super) const NOT_THE_CODE: &str =
    "is not the code that the server printed when it started";
pub(in super::super) const MUST_NOT_BE_EMPTY: &str = "must not be empty";
pub(in super::super) const SETUP_CODE: &str = "Setup code";
pub(in super::super) const CODE_HINT: &str =
    "The server printed it when it started. It is in the file setup-code beside the database, too.";
pub(in super::super) const THE_PASSWORD_AGAIN: &str = "The password again";
