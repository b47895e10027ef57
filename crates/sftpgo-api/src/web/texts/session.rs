//! Texts: sessions.

pub(in super::super) const FORM_TOO_OLD: &str =
    "This form is too old, or not of this server. Open its page again, and repeat what you did.";
