//! What a browser sends for a form, and the fields that a page shows of it.

use sftpgo_core::{Error, ErrorKind};
use warp::http::StatusCode;

use super::answer::{Refusal, words as sentence};

/// The pairs of a form, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Parses a form as a body or a query has it.
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// Of these pairs.
    pub(super) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The first value of this name; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// Was it sent at all?
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns all values of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.0.iter();
        pairs
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The faults of a form, by the names of its fields.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults(Vec<(String, String)>);

impl Faults {
    pub(super) fn add(&mut self, field: &str, text: impl Into<String>) {
        self.0.push((field.to_owned(), text.into()));
    }

    /// Adds an error of the domain, which begins with the name of its field, unless the field has one already.
    pub(super) fn add_error(&mut self, error: &Error) {
        let (field, text) = error
            .message()
            .split_once(": ")
            .unwrap_or(("", error.message()));
        if !self.has(field) {
            self.add(field, text);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.0.iter().any(|(known, _)| known == field)
    }

    /// Returns all that is wrong with a field; empty if nothing is.
    pub(super) fn of(&self, field: &str) -> String {
        let texts = self.0.iter().filter(|(known, _)| known == field);
        texts
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// Says at the form why what was sent is not stored, as far as an admin can mend that; returns the status of the answer.
///
/// # Errors
/// The page that says the rest.
pub(super) fn not_stored(error: Error, faults: &mut Faults) -> Result<StatusCode, Refusal> {
    match error.kind() {
        ErrorKind::AlreadyExists => faults.add("username", error.message()),
        ErrorKind::Invalid | ErrorKind::PermissionDenied => faults.add_error(&error),
        ErrorKind::Conflict => {
            faults.add("", sentence(error.message()));
            return Ok(StatusCode::CONFLICT);
        }
        _ => return Err(error.into()),
    }
    Ok(StatusCode::BAD_REQUEST)
}

/// One field of a form as a page shows it.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// Empty for none.
    pub(super) hint: &'static str,
    pub(super) value: String,
    /// Empty for none.
    pub(super) error: String,
    pub(super) kind: FieldKind,
    pub(super) autocomplete: &'static str,
    pub(super) is_required: bool,
}

/// How a field is filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    Text,
    Number,
    Password,
    Moment,
    Lines,
}

impl Field {
    pub(super) fn new(name: &'static str, label: &'static str, kind: FieldKind) -> Self {
        Self {
            name,
            label,
            hint: "",
            value: String::new(),
            error: String::new(),
            kind,
            autocomplete: "off",
            is_required: false,
        }
    }

    pub(super) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    pub(super) fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }

    pub(super) fn autocomplete(self, autocomplete: &'static str) -> Self {
        Self {
            autocomplete,
            ..self
        }
    }

    /// Returns the field with what was typed, and what is wrong with it.
    pub(super) fn filled(self, value: &str, faults: &Faults) -> Self {
        Self {
            value: value.to_owned(),
            error: faults.of(self.name),
            ..self
        }
    }

    fn input_type(&self) -> &'static str {
        match self.kind {
            FieldKind::Password => "password",
            FieldKind::Moment => "datetime-local",
            FieldKind::Text | FieldKind::Number | FieldKind::Lines => "text",
        }
    }

    /// Returns more attributes of its `input`.
    pub(super) fn attributes(&self) -> String {
        let mut text = format!(
            "type=\"{}\" autocomplete=\"{}\"",
            self.input_type(),
            self.autocomplete
        );
        match self.kind {
            FieldKind::Number => text.push_str(" inputmode=\"numeric\""),
            FieldKind::Moment => text.push_str(" step=\"1\""),
            FieldKind::Text | FieldKind::Password | FieldKind::Lines => {}
        }
        text
    }

    pub(super) fn is_lines(&self) -> bool {
        self.kind == FieldKind::Lines
    }

    /// Returns the ids of what describes it, for `aria-describedby`; empty for nothing.
    pub(super) fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if !self.error.is_empty() {
            ids.push(format!("{}-error", self.name));
        }
        if !self.hint.is_empty() {
            ids.push(format!("{}-hint", self.name));
        }
        ids.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_values_in_order() {
        let form = Form::parse(b"a=1&b=x+y%26&a=2&c=");
        assert_eq!(form.get("b"), "x y&");
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert!(form.has("c") && !form.has("d"));
        assert_eq!((form.get("c"), form.get("d")), ("", ""));
    }

    #[test]
    fn an_error_goes_to_its_field_once() {
        let mut faults = Faults::default();
        faults.add("uid", "is not a number");
        faults.add_error(&Error::invalid("uid", "too large"));
        faults.add_error(&Error::invalid("gid", "too large"));
        assert_eq!(faults.of("uid"), "is not a number");
        assert_eq!(faults.of("gid"), "too large");
        assert_eq!(faults.of("username"), "");
    }
}
