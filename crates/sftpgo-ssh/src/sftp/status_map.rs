//! The one table from the domain's kinds to SSH_FX codes.

use sftpgo_core::ErrorKind;

use super::proto::status::StatusCode;

pub(super) fn code(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NoSuchFile,
        ErrorKind::PermissionDenied => StatusCode::PermissionDenied,
        ErrorKind::Unsupported => StatusCode::OpUnsupported,
        _ => StatusCode::Failure,
    }
}
