//! A slash behind a name (POSIX.1-2017 4.13, path_resolution(7)): what Linux and so OpenSSH's sftp-server answer.

use std::{fs, os::unix::fs::symlink};

use super::{
    errors::{extended, requests_on},
    sftp_session::{SftpSession, packet, status_of, string, u32s},
};

const OK: u32 = 0;
const NO_SUCH_FILE: u32 = 2;
const PERMISSION_DENIED: u32 = 3;
const FAILURE: u32 = 4;
/// The type bits of a directory.
const DIRECTORY: u32 = 0o040_000;

fn furnished() -> SftpSession {
    let session = SftpSession::new();
    fs::write(session.path("file"), b"f").unwrap();
    fs::write(session.path("other"), b"o").unwrap();
    fs::create_dir_all(session.path("full/inner")).unwrap();
    fs::create_dir(session.path("empty")).unwrap();
    for (target, link) in [
        ("file", "flink"),
        ("full", "dlink"),
        ("..", "out"),
        ("missing", "dangling"),
    ] {
        symlink(target, session.path(link)).unwrap();
    }
    session
}

/// The status of each request on `name`; a reply that is none is OK.
fn answers(name: &[u8]) -> Vec<(&'static str, u32)> {
    requests_on(name)
        .into_iter()
        .map(|(what, request)| {
            let mut session = furnished();
            let reply = session.send(&request).unwrap();
            let status = if reply[4] == 101 {
                status_of(&reply)
            } else {
                OK
            };
            // Whatever was asked, nothing has come or gone but what the answer says.
            if status != OK {
                for kept in [
                    "file",
                    "other",
                    "full/inner",
                    "empty",
                    "flink",
                    "dlink",
                    "out",
                    "dangling",
                ] {
                    assert!(
                        session.path(kept).symlink_metadata().is_ok(),
                        "{what}: {kept}"
                    );
                }
                assert!(
                    session.path("missing").symlink_metadata().is_err(),
                    "{what}"
                );
                assert_eq!(fs::read(session.path("file")).unwrap(), b"f", "{what}");
            }
            (what, status)
        })
        .collect()
}

fn check(name: &str, expected: impl Fn(&str) -> u32) {
    for (what, status) in answers(name.as_bytes()) {
        assert_eq!(status, expected(what), "{what} {name}");
    }
}

#[test]
fn a_file_with_a_slash_is_not_there() {
    for name in ["file/", "flink/", "file//", "file/.", "flink/./"] {
        check(name, |what| match what {
            "OPEN to create" if !name.contains('.') => FAILURE,
            // sftp_realpath of OpenSSH takes the slash off.
            "REALPATH" | "expand-path" => OK,
            // The name is taken, and of rmdir it is there.
            "MKDIR" | "SYMLINK" | "RMDIR" | "hardlink to" if !name.contains('.') => FAILURE,
            _ => NO_SUCH_FILE,
        });
    }
}

#[test]
fn a_missing_name_with_a_slash_can_become_a_directory_only() {
    for name in ["missing/", "missing/."] {
        check(name, |what| match what {
            "OPEN to create" | "MKDIR" if name == "missing/." => NO_SUCH_FILE,
            "OPEN to create" => FAILURE,
            "MKDIR" => OK,
            _ => NO_SUCH_FILE,
        });
    }
    let mut session = furnished();
    let renamed = packet(18, 1, &[string(b"full/"), string(b"new/")]);
    assert_eq!(status_of(&session.send(&renamed).unwrap()), OK);
    assert!(session.path("new/inner").is_dir());
}

#[test]
fn a_link_with_a_slash_is_the_directory_it_leads_to_and_stays() {
    for name in ["dlink/", "dlink/."] {
        check(name, |what| match what {
            "OPENDIR" | "STAT" | "LSTAT" | "SETSTAT" | "lsetstat" | "statvfs" | "REALPATH"
            | "expand-path" => OK,
            "hardlink from" => PERMISSION_DENIED,
            "OPEN to read" => FAILURE,
            "REMOVE" | "RENAME from" | "posix-rename from" | "posix-rename to"
                if name == "dlink/" =>
            {
                NO_SUCH_FILE
            }
            _ => FAILURE,
        });
        let mut session = furnished();
        let reply = session
            .send(&packet(7, 1, &[string(name.as_bytes())]))
            .unwrap();
        // type, id, flags, size, uid and gid, then the mode
        let mode = u32::from_be_bytes(reply[29..33].try_into().unwrap());
        assert_eq!((reply[4], mode & 0o170_000), (105, DIRECTORY), "{name}");
        let times = [string(name.as_bytes()), u32s(&[8, 5, 5])];
        let set = extended("lsetstat@openssh.com", &times);
        assert_eq!(status_of(&session.send(&set).unwrap()), OK);
        let modified = fs::metadata(session.path("full"))
            .unwrap()
            .modified()
            .unwrap();
        let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(modified.as_secs(), 5, "{name}");
    }
}

#[test]
fn a_directory_with_a_slash_is_itself_and_with_a_dot_has_no_name_to_change() {
    for (kind, name, expected) in [
        (15, b"empty/".as_slice(), OK),
        (15, b"empty//", OK),
        (15, b"empty/.", FAILURE),
        (13, b"empty/", FAILURE),
        (14, b"new/", OK),
        (14, b"empty/", FAILURE),
        (14, b"empty/.", FAILURE),
    ] {
        let mut session = furnished();
        let request = packet(kind, 1, &[string(name), u32s(&[0])]);
        let status = status_of(&session.send(&request).unwrap());
        let shown = String::from_utf8_lossy(name);
        assert_eq!(status, expected, "{kind} {shown}");
        if kind == 15 {
            assert_eq!(session.path("empty").exists(), expected != OK, "{shown}");
        }
    }
}

#[test]
fn a_slash_tells_nothing_of_what_is_outside() {
    for name in ["out/", "out/."] {
        check(name, |what| match what {
            "OPEN to create" | "MKDIR" | "SYMLINK" | "hardlink to" | "RMDIR" if name == "out/" => {
                FAILURE
            }
            _ => PERMISSION_DENIED,
        });
    }
}

#[test]
fn an_upload_to_a_directory_that_is_not_there_makes_no_file() {
    for flags in [0x1a, 0x0a, 0x2a, 0x08, 0x0e] {
        let mut session = furnished();
        let open = packet(3, 1, &[string(b"inbox/"), u32s(&[flags, 0])]);
        let reply = session.send(&open).unwrap();
        assert_eq!(reply[4], 101, "{flags:#x}");
        assert!(!session.path("inbox").exists(), "{flags:#x}");
    }
}
