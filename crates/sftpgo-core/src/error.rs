//! The neutral error of the domain: what went wrong, never how a protocol says it.

use std::{borrow::Cow, error::Error as StdError, fmt};

use crate::{permission::BadPermissions, rule::Rule};

/// The kind of an error; each edge maps it once to its own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The named user, file or connection does not exist.
    NotFound,
    /// A name that cannot lead to anything, whatever exists: links in a circle, or longer than names may be.
    Unresolvable,
    /// The caller may not do this, whether by permission, by mode bits or by the home's wall.
    PermissionDenied,
    /// The name is taken.
    AlreadyExists,
    /// A value the caller sent is not acceptable; the message names the field.
    Invalid,
    /// The operation would pass the user's quota.
    QuotaExceeded,
    /// A directory was needed and something else was found.
    NotADirectory,
    /// A file was needed and a directory was found.
    IsADirectory,
    /// The directory still has entries.
    DirectoryNotEmpty,
    /// The two names of a rename or a hard link are on two mounts, as `EXDEV` says.
    CrossesMounts,
    /// The operation is switched off or not offered here.
    Unsupported,
    /// The same work is already going on.
    Conflict,
    /// A bounded resource (sessions, handles, …) is used up.
    LimitReached,
    /// The provider does not answer.
    Unavailable,
    /// The storage has no space left.
    StorageFull,
    /// Anything else the storage or the system reported.
    Internal,
}

/// A domain error: a kind for the program, a message for a person, the cause for the log.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    rule: Option<Rule>,
    message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of every fallible operation of the domain.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that tells a person `message`.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            rule: None,
            message: message.into(),
            source: None,
        }
    }

    /// Shorthand for [`ErrorKind::NotFound`].
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Shorthand for [`ErrorKind::PermissionDenied`].
    pub fn denied(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::PermissionDenied, message)
    }

    /// An unacceptable value of `field`, said as `field: message`.
    pub fn invalid(field: &str, message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Invalid, format!("{field}: {message}"))
    }

    /// Returns the error with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the error with the rule that decided.
    #[must_use]
    pub fn decided_by(mut self, rule: Rule) -> Self {
        self.rule = Some(rule);
        self
    }

    /// The rule that decided; none where the storage, the provider or a protocol refuses for its own reasons.
    pub fn rule(&self) -> Option<Rule> {
        self.rule
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message for a person; it never holds a path outside the user's home.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<BadPermissions> for Error {
    fn from(bad: BadPermissions) -> Self {
        Self::invalid("permissions", bad)
    }
}
