//! Why a store does not change an admin or a key, in one wording for all of them.

use sftpgo_core::{Error, ErrorKind};

/// Why the store does not change something.
#[derive(Clone, Copy)]
pub(crate) enum Refusal {
    NameTaken,
    NotTheFirst,
    LastOne,
    NoAdmin,
    NoKey,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NameTaken => Self::new(ErrorKind::AlreadyExists, "username: is already taken"),
            Refusal::NotTheFirst => Self::new(ErrorKind::Conflict, "there is an admin already"),
            Refusal::LastOne => Self::new(
                ErrorKind::Conflict,
                "nobody could do everything any more: one enabled admin with the permission \"*\" has to stay",
            ),
            Refusal::NoAdmin => Self::not_found("no such admin"),
            Refusal::NoKey => Self::not_found("no such API key"),
        }
    }
}
