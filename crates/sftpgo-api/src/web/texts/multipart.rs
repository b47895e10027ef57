//! Texts: forms with files.

pub(in super::super) const TOO_MANY_FIELDS: &str = "the form has too many fields";

pub(in super::super) fn unreadable(problem: &str) -> String {
    format!("the form cannot be read: {problem}")
}

pub(in super::super) fn no_text(field: &str) -> String {
    format!("{field} is not text in UTF-8")
}
