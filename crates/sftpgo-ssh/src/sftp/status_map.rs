//! The one table from the domain's kinds to SSH_FX codes, and what is said behind a code's own words.

use sftpgo_core::{Error, ErrorKind};

use super::proto::status::StatusCode;

/// Returns the code of a kind as OpenSSH's sftp-server has it (`errno_to_portable`); a name that is too long is not there
/// either.
pub(super) fn code(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::Unresolvable => {
            StatusCode::NoSuchFile
        }
        ErrorKind::PermissionDenied => StatusCode::PermissionDenied,
        ErrorKind::Unsupported => StatusCode::OpUnsupported,
        _ => StatusCode::Failure,
    }
}

/// Returns why, without the words that the code says already.
pub(super) fn why(error: &Error) -> &str {
    let message = error.message();
    let words = code(error.kind()).words();
    let said = message
        .get(..words.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(words));
    match message.get(words.len()..) {
        Some("" | " or directory") if said => "",
        Some(rest) if said => rest.strip_prefix(": ").unwrap_or(message),
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_twice() {
        for (error, expected) in [
            (Error::not_found("no such file or directory"), ""),
            (Error::denied("permission denied"), ""),
            (
                Error::denied("permission denied: needs overwrite"),
                "needs overwrite",
            ),
            (
                Error::denied("read-only file system"),
                "read-only file system",
            ),
            (Error::not_found("no such filter"), "no such filter"),
            (
                Error::new(ErrorKind::QuotaExceeded, "quota exceeded"),
                "quota exceeded",
            ),
        ] {
            assert_eq!(why(&error), expected);
        }
    }
}
