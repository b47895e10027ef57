//! Why a store does not change a list of addresses, in one wording for all of them.

use sftpgo_core::{Error, ErrorKind};

pub(crate) fn is_listed() -> Error {
    Error::new(ErrorKind::AlreadyExists, "ipornet: is in this list already")
}

pub(crate) fn not_listed() -> Error {
    Error::not_found("no such entry")
}
