//! What the kernel says, as the domain has it.

use rustix::io::Errno;

use crate::{
    error::{Error, ErrorKind},
    rule::Rule,
};

/// The one table from what the kernel says of one name to the domain's kinds.
pub(super) fn error(errno: Errno) -> Error {
    let (kind, message) = match errno {
        Errno::NOENT => (ErrorKind::NotFound, "no such file or directory"),
        Errno::ACCESS | Errno::PERM => (ErrorKind::PermissionDenied, "permission denied"),
        // openat2(2) beneath the home; calls with two names go through `error_of_two`.
        Errno::XDEV => (
            ErrorKind::PermissionDenied,
            "leads outside the home directory",
        ),
        Errno::LOOP => (
            ErrorKind::Unresolvable,
            "too many or forbidden symbolic links",
        ),
        Errno::ROFS => (ErrorKind::PermissionDenied, "read-only file system"),
        Errno::EXIST => (ErrorKind::AlreadyExists, "already exists"),
        Errno::NOTDIR => (ErrorKind::NotADirectory, "not a directory"),
        Errno::ISDIR => (ErrorKind::IsADirectory, "is a directory"),
        Errno::NOTEMPTY => (ErrorKind::DirectoryNotEmpty, "directory not empty"),
        Errno::NOSPC | Errno::DQUOT => (ErrorKind::StorageFull, "no space left on the storage"),
        Errno::FBIG => (ErrorKind::StorageFull, "file too large"),
        Errno::NAMETOOLONG => (ErrorKind::Unresolvable, "name too long"),
        Errno::INVAL => (ErrorKind::Invalid, "invalid argument"),
        Errno::NXIO => (ErrorKind::Invalid, "not a regular file"),
        Errno::NOTSUP => (ErrorKind::Invalid, "not supported by the file system"),
        Errno::MLINK => (ErrorKind::LimitReached, "too many names or directories"),
        Errno::MFILE | Errno::NFILE => (ErrorKind::LimitReached, "too many open files"),
        Errno::BUSY | Errno::TXTBSY => (ErrorKind::Conflict, "in use by the system"),
        _ => (ErrorKind::Internal, "input/output error"),
    };
    let error = Error::new(kind, message).with_source(std::io::Error::from(errno));
    match errno {
        Errno::XDEV => error.decided_by(Rule::OutsideHome),
        Errno::LOOP => error.decided_by(Rule::ForbiddenLink),
        _ => error,
    }
}

/// Returns the error of a rename or a hard link, where two names that were found are not on one file system.
pub(super) fn error_of_two(errno: Errno) -> Error {
    match errno {
        Errno::XDEV => Error::new(
            ErrorKind::CrossesMounts,
            "the names are on two file systems",
        )
        .with_source(std::io::Error::from(errno)),
        other => error(other),
    }
}

/// Returns the error of removing a directory: its name is there, so what else has it is not missing.
pub(super) fn error_of_rmdir(errno: Errno) -> Error {
    match errno {
        Errno::NOTDIR => Error::new(ErrorKind::Invalid, "not a directory")
            .with_source(std::io::Error::from(errno)),
        other => error(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_has_its_kind() {
        for (errno, expected) in [
            (Errno::NOENT, ErrorKind::NotFound),
            (Errno::NOTDIR, ErrorKind::NotADirectory),
            (Errno::LOOP, ErrorKind::Unresolvable),
            (Errno::NAMETOOLONG, ErrorKind::Unresolvable),
            (Errno::ACCESS, ErrorKind::PermissionDenied),
            (Errno::PERM, ErrorKind::PermissionDenied),
            (Errno::ROFS, ErrorKind::PermissionDenied),
            (Errno::XDEV, ErrorKind::PermissionDenied),
            (Errno::EXIST, ErrorKind::AlreadyExists),
            (Errno::NOTEMPTY, ErrorKind::DirectoryNotEmpty),
            (Errno::ISDIR, ErrorKind::IsADirectory),
            (Errno::NOSPC, ErrorKind::StorageFull),
            (Errno::IO, ErrorKind::Internal),
        ] {
            assert_eq!(error(errno).kind(), expected, "{errno}");
        }
        assert_eq!(error(Errno::XDEV).rule(), Some(Rule::OutsideHome));
    }

    #[test]
    fn two_file_systems_of_a_rename_are_not_outside_the_home() {
        let refused = error_of_two(Errno::XDEV);
        let expected = (ErrorKind::CrossesMounts, None);
        assert_eq!((refused.kind(), refused.rule()), expected);
        let others = error_of_two(Errno::ACCESS);
        assert_eq!(others.kind(), ErrorKind::PermissionDenied);
    }
}
