//! SYMLINK in both orders, by who sends it and by what is there.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::sftp_session::{SftpSession, packet, status_of, string};

const DRAFT: [&str; 4] = [
    "SSH-2.0-AsyncSSH_2.24.1",
    "SSH-2.0-libssh_0.10.6",
    "SSH-2.0-ssh2js1.15.0",
    "SSH-2.0-WinSCP_release_6.3",
];
const OPENSSH: [&str; 4] = [
    "SSH-2.0-OpenSSH_9.2p1",
    "SSH-2.0-paramiko_3.4.0",
    "SSH-2.0-Go",
    "SSH-2.0-APACHE-SSHD-2.13.2",
];
const UNKNOWN: [&str; 3] = ["SSH-2.0-x", "SSH-2.0-libssh2_1.11.0", "SSH-2.0-Erlang/5.1"];

/// Sends SYMLINK with these names in this order and answers the code.
fn send(session: &mut SftpSession, first: &str, second: &str) -> u32 {
    let names = [string(first.as_bytes()), string(second.as_bytes())];
    status_of(&session.send(&packet(20, 1, &names)).unwrap())
}

fn furnished(client: &str) -> SftpSession {
    let session = SftpSession::as_client(client);
    fs::create_dir_all(session.path("d/e")).unwrap();
    fs::write(session.path("file"), b"f").unwrap();
    fs::write(session.path("d/file"), b"f").unwrap();
    symlink("file", session.path("taken")).unwrap();
    session
}

/// Where the links of a home lead.
fn links(session: &SftpSession) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for directory in ["", "d", "d/e"] {
        for entry in fs::read_dir(session.path(directory)).unwrap() {
            let path = entry.unwrap().path();
            if let Ok(target) = fs::read_link(&path) {
                let name = path.strip_prefix(session.path("")).unwrap().to_owned();
                found.push((name.to_str().unwrap().to_owned(), target));
            }
        }
    }
    found.sort();
    found.retain(|(name, _)| name != "taken");
    found
}

#[test]
fn who_is_known_is_taken_at_its_word_whatever_is_there() {
    for (clients, target_first) in [(DRAFT, false), (OPENSSH, true)] {
        for client in clients {
            // The second: nothing is there that would tell.
            for (target, link) in [
                ("file", "new"),
                ("nothing", "d/e/new"),
                ("../file", "d/new"),
            ] {
                let mut session = furnished(client);
                let (first, second) = match target_first {
                    true => (target, link),
                    false => (link, target),
                };
                assert_eq!(send(&mut session, first, second), 0, "{client} {link}");
                let expected = [(link.to_owned(), PathBuf::from(target))];
                assert_eq!(links(&session), expected, "{client}");
            }
            // A name that is taken is an error, and no link appears where the target was meant.
            let mut session = furnished(client);
            let (first, second) = match target_first {
                true => ("nothing", "taken"),
                false => ("taken", "nothing"),
            };
            assert_eq!(send(&mut session, first, second), 4, "{client}");
            assert_eq!(links(&session), [], "{client}");
        }
    }
}

#[test]
fn what_is_there_tells_what_others_mean() {
    for client in UNKNOWN.into_iter().chain(["SSH-2.0-phpseclib_3.0"]) {
        for (target, link) in [
            ("file", "new"),
            ("/file", "new"),
            ("d", "d2"),
            ("file", "d/new"),
            ("../file", "d/new"),
            ("../../file", "d/e/new"),
            ("taken", "new"),
        ] {
            for swapped in [false, true] {
                let mut session = furnished(client);
                let (first, second) = match swapped {
                    false => (target, link),
                    true => (link, target),
                };
                assert_eq!(
                    send(&mut session, first, second),
                    0,
                    "{client} {first} {second}"
                );
                let made = links(&session);
                assert_eq!(made.len(), 1, "{client} {first} {second}");
                assert_eq!(made[0].0, link, "{client} {first} {second}");
                let resolved = fs::canonicalize(session.path(link)).unwrap();
                let meant = Path::new(link)
                    .parent()
                    .unwrap()
                    .join(target.trim_start_matches('/'));
                assert_eq!(
                    resolved,
                    fs::canonicalize(session.path(meant.to_str().unwrap())).unwrap()
                );
            }
        }
        // The directory of one is missing: it is the target.
        let mut session = furnished(client);
        assert_eq!(send(&mut session, "d/new", "no/where"), 0, "{client}");
        assert_eq!(links(&session)[0].0, "d/new", "{client}");
    }
}

#[test]
fn in_doubt_the_order_is_openssh_s_but_for_who_asks_the_server() {
    for client in UNKNOWN {
        let mut session = furnished(client);
        assert_eq!(send(&mut session, "nothing", "new"), 0);
        assert_eq!(
            links(&session),
            [("new".to_owned(), "nothing".into())],
            "{client}"
        );
    }
    let mut session = furnished("SSH-2.0-phpseclib_3.0");
    assert_eq!(send(&mut session, "new", "nothing"), 0);
    assert_eq!(links(&session), [("new".to_owned(), "nothing".into())]);
}
