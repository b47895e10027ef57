//! REALPATH and expand-path: where a path leads, as OpenSSH's `sftp_realpath` has it, and absolute links that were on the
//! disk before, as SFTPGo 0.9.x makes them.

use std::{fs, os::unix::fs::symlink};

use super::{
    errors::{extended, requests_on},
    sftp_session::{SftpSession, packet, status_of, string},
};

const OK: u32 = 0;
const NO_SUCH_FILE: u32 = 2;
const PERMISSION_DENIED: u32 = 3;

fn furnish(session: &SftpSession) {
    fs::create_dir_all(session.path("a/b")).unwrap();
    fs::write(session.path("a/b/file"), b"f").unwrap();
    fs::write(session.path("other"), b"o").unwrap();
    let absolute = |name: &str| session.path(name).to_string_lossy().into_owned();
    for (target, link) in [
        ("a/b".to_owned(), "dlink"),
        ("a/b/file".to_owned(), "flink"),
        (absolute("a"), "absolute"),
        (absolute("a/b/file"), "afile"),
        (absolute("dlink"), "twice"),
        (format!("{}2", session.service.home().display()), "sibling"),
        (absolute("../x"), "climbs"),
        ("/etc".to_owned(), "out"),
        ("nothing".to_owned(), "dangling"),
        ("circle".to_owned(), "circle"),
        (".sftpgo-upload.x".to_owned(), "hidden"),
    ] {
        symlink(target, session.path(link)).unwrap();
    }
}

/// The path that is answered, or the status.
fn resolved(reply: &[u8]) -> Result<String, u32> {
    if reply[4] == 101 {
        return Err(status_of(reply));
    }
    assert_eq!(reply[4], 104);
    let length = u32::from_be_bytes(reply[13..17].try_into().unwrap()) as usize;
    Ok(String::from_utf8(reply[17..17 + length].to_vec()).unwrap())
}

#[test]
fn a_path_is_answered_with_where_it_leads() {
    let mut session = SftpSession::new();
    furnish(&session);
    for (path, expected) in [
        ("", Ok("/")),
        (".", Ok("/")),
        ("..", Ok("/")),
        ("/a/./b/../b/", Ok("/a/b")),
        ("dlink", Ok("/a/b")),
        ("dlink/file", Ok("/a/b/file")),
        ("dlink/..", Ok("/a")),
        ("dlink/../../x", Ok("/x")),
        ("flink", Ok("/a/b/file")),
        ("missing", Ok("/missing")),
        ("dlink/missing", Ok("/a/b/missing")),
        ("dangling", Ok("/nothing")),
        ("absolute/b/file", Ok("/a/b/file")),
        ("twice", Ok("/a/b")),
        ("missing/", Err(NO_SUCH_FILE)),
        ("dangling/", Err(NO_SUCH_FILE)),
        ("flink/", Ok("/a/b/file")),
        ("missing/x", Err(NO_SUCH_FILE)),
        ("missing/..", Err(NO_SUCH_FILE)),
        ("flink/x", Err(NO_SUCH_FILE)),
        ("circle", Err(NO_SUCH_FILE)),
        (".sftpgo-upload.x", Err(NO_SUCH_FILE)),
        ("hidden", Err(NO_SUCH_FILE)),
        ("out", Err(PERMISSION_DENIED)),
        ("out/passwd", Err(PERMISSION_DENIED)),
        ("sibling", Err(PERMISSION_DENIED)),
        ("climbs", Err(PERMISSION_DENIED)),
    ] {
        let realpath = packet(16, 1, &[string(path.as_bytes())]);
        let reply = session.send(&realpath).unwrap();
        assert_eq!(
            resolved(&reply).as_deref().map_err(|s| *s),
            expected,
            "{path}"
        );
        let home = format!("~/{path}");
        let expand = extended("expand-path@openssh.com", &[string(home.as_bytes())]);
        let reply = session.send(&expand).unwrap();
        assert_eq!(
            resolved(&reply).as_deref().map_err(|s| *s),
            expected,
            "{home}"
        );
    }
}

#[test]
fn who_may_not_list_is_told_the_words_alone() {
    let mut session =
        SftpSession::of_user(|draft| draft.permissions = vec!["upload".into(), "download".into()]);
    furnish(&session);
    for (path, expected) in [
        ("dlink/", "/dlink"),
        ("dlink/..", "/"),
        ("missing/x", "/missing/x"),
        ("out/passwd", "/out/passwd"),
        ("circle", "/circle"),
        (".sftpgo-upload.x", "/.sftpgo-upload.x"),
    ] {
        let realpath = packet(16, 1, &[string(path.as_bytes())]);
        let reply = session.send(&realpath).unwrap();
        assert_eq!(resolved(&reply).as_deref(), Ok(expected), "{path}");
    }
}

/// The statuses of all requests on `name`, a reply that is none as OK.
fn answers(name: &str) -> Vec<(&'static str, u32)> {
    let answer = |(what, request): (&'static str, Vec<u8>)| {
        let mut session = SftpSession::new();
        furnish(&session);
        let reply = session.send(&request).unwrap();
        (
            what,
            if reply[4] == 101 {
                status_of(&reply)
            } else {
                OK
            },
        )
    };
    requests_on(name.as_bytes())
        .into_iter()
        .map(answer)
        .collect()
}

#[test]
fn absolute_links_inside_the_home_are_followed_by_every_request_like_relative_ones() {
    for (absolute, relative) in [
        ("absolute/b/file", "a/b/file"),
        ("absolute/b", "a/b"),
        ("absolute/new", "a/new"),
        ("twice/file", "dlink/file"),
        ("twice", "dlink"),
        ("twice/", "dlink/"),
        ("afile", "flink"),
    ] {
        assert_eq!(answers(absolute), answers(relative), "{absolute}");
    }
}

#[test]
fn links_that_lead_out_are_followed_by_no_request() {
    for name in ["out/passwd", "sibling/x", "climbs/x"] {
        for (what, status) in answers(name) {
            assert_eq!(status, PERMISSION_DENIED, "{what} {name}");
        }
    }
}
