//! What a client hears of a request that fails: the code, and the words that begin with the code's own.

use std::{fs, os::unix::fs::symlink};

use super::sftp_session::{SftpSession, packet, status_of, string, u32s, words_of};

const NO_SUCH_FILE: u32 = 2;
const PERMISSION_DENIED: u32 = 3;
const FAILURE: u32 = 4;

/// A packet with an extended request.
pub(crate) fn extended(name: &str, fields: &[Vec<u8>]) -> Vec<u8> {
    packet(200, 1, &[string(name.as_bytes()), fields.concat()])
}

/// A request for each that takes a name, made of that name.
pub(crate) fn requests_on(name: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let name = string(name);
    let other = string(b"other");
    let target = string(b"t");
    let mtime = u32s(&[8, 1, 1]);
    vec![
        (
            "OPEN to read",
            packet(3, 1, &[name.clone(), u32s(&[0x01, 0])]),
        ),
        (
            "OPEN to write",
            packet(3, 1, &[name.clone(), u32s(&[0x02, 0])]),
        ),
        (
            "OPEN to create",
            packet(3, 1, &[name.clone(), u32s(&[0x1a, 0])]),
        ),
        ("OPENDIR", packet(11, 1, std::slice::from_ref(&name))),
        ("STAT", packet(17, 1, std::slice::from_ref(&name))),
        ("LSTAT", packet(7, 1, std::slice::from_ref(&name))),
        ("SETSTAT", packet(9, 1, &[name.clone(), mtime.clone()])),
        (
            "SETSTAT of the size",
            packet(9, 1, &[name.clone(), u32s(&[1, 0, 0])]),
        ),
        (
            "lsetstat",
            extended("lsetstat@openssh.com", &[name.clone(), mtime]),
        ),
        ("REMOVE", packet(13, 1, std::slice::from_ref(&name))),
        ("RMDIR", packet(15, 1, std::slice::from_ref(&name))),
        ("MKDIR", packet(14, 1, &[name.clone(), u32s(&[0])])),
        ("READLINK", packet(19, 1, std::slice::from_ref(&name))),
        ("SYMLINK", packet(20, 1, &[target, name.clone()])),
        (
            "RENAME from",
            packet(18, 1, &[name.clone(), string(b"new")]),
        ),
        ("RENAME to", packet(18, 1, &[other.clone(), name.clone()])),
        ("REALPATH", packet(16, 1, std::slice::from_ref(&name))),
        (
            "expand-path",
            extended("expand-path@openssh.com", std::slice::from_ref(&name)),
        ),
        (
            "posix-rename from",
            extended("posix-rename@openssh.com", &[name.clone(), string(b"new")]),
        ),
        (
            "posix-rename to",
            extended("posix-rename@openssh.com", &[other.clone(), name.clone()]),
        ),
        (
            "hardlink from",
            extended("hardlink@openssh.com", &[name.clone(), string(b"new")]),
        ),
        (
            "hardlink to",
            extended("hardlink@openssh.com", &[other, name.clone()]),
        ),
        (
            "statvfs",
            extended("statvfs@openssh.com", std::slice::from_ref(&name)),
        ),
    ]
}

/// A home with a file, directories and links of every kind.
fn furnished() -> SftpSession {
    let session = SftpSession::new();
    fs::write(session.path("file"), b"f").unwrap();
    fs::write(session.path("other"), b"o").unwrap();
    fs::create_dir_all(session.path("full/inner")).unwrap();
    fs::create_dir(session.path("empty")).unwrap();
    for (target, link) in [("loop", "loop"), ("..", "out"), ("file", "link")] {
        symlink(target, session.path(link)).unwrap();
    }
    session
}

#[test]
fn what_cannot_be_there_is_no_such_file_for_every_request() {
    let long = vec![b'n'; 256];
    let long_path = b"d/".repeat(2100);
    for name in [
        b"file/x".as_slice(),
        b"file/x/y",
        b"loop/x",
        b"missing/x",
        &long,
        &[b"empty/".as_slice(), &long].concat(),
        &[long.as_slice(), b"/x"].concat(),
        &long_path,
    ] {
        for (what, request) in requests_on(name) {
            let mut session = furnished();
            let reply = session.send(&request).unwrap();
            let shown = String::from_utf8_lossy(&name[..name.len().min(20)]).into_owned();
            assert_eq!(reply[4], 101, "{what} {shown}: {reply:?}");
            assert_eq!(status_of(&reply), NO_SUCH_FILE, "{what} {shown}");
            let words = words_of(&reply);
            assert!(
                words == "No such file" || words.starts_with("No such file: "),
                "{what} {shown}: {words}"
            );
        }
    }
}

#[test]
fn links_in_a_circle_are_no_such_file_where_they_are_followed() {
    for (what, request) in requests_on(b"loop") {
        let followed = ["OPEN", "OPENDIR", "STAT", "SETSTAT", "statvfs"];
        if followed.iter().any(|name| what.starts_with(name)) {
            let reply = furnished().send(&request).unwrap();
            assert_eq!(status_of(&reply), NO_SUCH_FILE, "{what}");
        }
    }
}

#[test]
fn what_leads_out_of_the_home_is_denied() {
    for (what, request) in requests_on(b"out/x") {
        let reply = furnished().send(&request).unwrap();
        let words = words_of(&reply);
        assert_eq!(status_of(&reply), PERMISSION_DENIED, "{what}: {words}");
        assert_eq!(
            words, "Permission denied: leads outside the home directory",
            "{what}"
        );
    }
}

#[test]
fn what_the_storage_does_not_do_is_a_failure() {
    let both = |kind, one: &[u8], other: &[u8]| packet(kind, 1, &[string(one), string(other)]);
    let create_exclusively = u32s(&[0x2a, 0]);
    let posix_rename = |one: &[u8], other: &[u8]| {
        extended("posix-rename@openssh.com", &[string(one), string(other)])
    };
    for (request, code, words) in [
        (
            packet(14, 1, &[string(b"empty"), u32s(&[0])]),
            FAILURE,
            "Failure: already exists",
        ),
        (
            packet(3, 1, &[string(b"file"), create_exclusively]),
            FAILURE,
            "Failure: already exists",
        ),
        (both(20, b"t", b"file"), FAILURE, "Failure: already exists"),
        (
            extended("hardlink@openssh.com", &[string(b"other"), string(b"file")]),
            FAILURE,
            "Failure: already exists",
        ),
        (
            both(18, b"other", b"file"),
            FAILURE,
            "Failure: the target exists",
        ),
        (
            packet(15, 1, &[string(b"full")]),
            FAILURE,
            "Failure: directory not empty",
        ),
        (
            posix_rename(b"empty", b"full"),
            FAILURE,
            "Failure: directory not empty",
        ),
        (
            posix_rename(b"file", b"empty"),
            FAILURE,
            "Failure: is a directory",
        ),
        (
            posix_rename(b"empty", b"file"),
            NO_SUCH_FILE,
            "No such file: not a directory",
        ),
        (
            both(18, b"full", b"full/inner/x"),
            FAILURE,
            "Failure: invalid argument",
        ),
        (
            packet(13, 1, &[string(b"empty")]),
            FAILURE,
            "Failure: is a directory",
        ),
        (
            packet(3, 1, &[string(b"empty"), u32s(&[0x01, 0])]),
            FAILURE,
            "Failure: is a directory",
        ),
        (
            packet(3, 1, &[string(b"empty"), u32s(&[0x1a, 0])]),
            FAILURE,
            "Failure: is a directory",
        ),
        (
            packet(15, 1, &[string(b"file")]),
            FAILURE,
            "Failure: not a directory",
        ),
        (
            packet(11, 1, &[string(b"file")]),
            NO_SUCH_FILE,
            "No such file: not a directory",
        ),
        (
            packet(19, 1, &[string(b"file")]),
            FAILURE,
            "Failure: not a symbolic link",
        ),
        (
            packet(4, 1, &[string(b"forged")]),
            FAILURE,
            "Failure: no such handle",
        ),
        (
            packet(99, 1, &[]),
            8,
            "Operation unsupported: unknown request",
        ),
        (
            extended("x@y", &[]),
            8,
            "Operation unsupported: unknown extended request",
        ),
    ] {
        let reply = furnished().send(&request).unwrap();
        assert_eq!(
            (status_of(&reply), words_of(&reply).as_str()),
            (code, words)
        );
    }
}

#[test]
fn what_is_done_and_what_is_at_its_end_say_so_as_openssh_does() {
    let mut session = furnished();
    let reply = session.send(&packet(13, 9, &[string(b"file")])).unwrap();
    assert_eq!(
        reply,
        b"\0\0\0\x1a\x65\0\0\0\x09\0\0\0\0\0\0\0\x07Success\0\0\0\x02en"
    );
    let handle = session.open("other", 0x1);
    let read = packet(5, 9, &[string(&handle), vec![0; 8], u32s(&[10])]);
    session.send(&read).unwrap();
    let beyond = packet(5, 9, &[string(&handle), vec![1; 8], u32s(&[10])]);
    assert_eq!(
        session.send(&beyond).unwrap(),
        b"\0\0\0\x1e\x65\0\0\0\x09\0\0\0\x01\0\0\0\x0bEnd of file\0\0\0\x02en"
    );
}
