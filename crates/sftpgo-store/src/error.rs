//! Database errors as domain errors; the only place where one becomes the other.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use sftpgo_core::{Error, ErrorKind};

/// Returns what a failed query means to the domain. It never means that a user does not exist.
pub(crate) fn of_query(error: DieselError) -> Error {
    let (kind, message) = match &error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => (
            ErrorKind::AlreadyExists,
            "username: is already taken".to_owned(),
        ),
        DieselError::DatabaseError(_, information) => (
            ErrorKind::Unavailable,
            format!("the database reports an error: {}", information.message()),
        ),
        DieselError::DeserializationError(reason) => (
            ErrorKind::Internal,
            format!("the database holds a value that cannot be read: {reason}"),
        ),
        _ => (
            ErrorKind::Internal,
            format!("the database query failed: {error}"),
        ),
    };
    Error::new(kind, message).with_source(error)
}

/// Returns the error of a connection that could not be made.
pub(crate) fn of_connecting(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    // The libraries' messages have lines.
    let said = error.to_string();
    let lines: Vec<_> = said.lines().map(str::trim).collect();
    Error::new(
        ErrorKind::Unavailable,
        format!("the database cannot be reached: {}", lines.join(" ")),
    )
    .with_source(error)
}

/// Returns the error of an id that nobody has.
pub(crate) fn no_such_user() -> Error {
    Error::not_found("no such user")
}

/// The outcome of changing the one user with an id.
pub(crate) fn one_user_changed(rows: usize) -> sftpgo_core::Result<()> {
    if rows == 0 {
        return Err(no_such_user());
    }
    Ok(())
}
