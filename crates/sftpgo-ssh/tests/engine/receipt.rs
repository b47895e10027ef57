//! Receipts by SFTP.

use std::{fs, thread, time::Duration};

use crate::sftp_session::{INIT, SftpSession, packet, status_of, string};

const NAME: &[u8] = b"receipt@sftpgo-rs.github.io";
const NO_SUCH_FILE: u32 = 2;
const UNSUPPORTED: u32 = 8;
const BETWEEN_PIECES: Duration = Duration::from_millis(1);

fn asked(fields: &[u8]) -> Vec<u8> {
    packet(200, 7, &[string(NAME), fields.to_vec()])
}

fn names_it(reply: &[u8]) -> bool {
    reply.windows(NAME.len()).any(|window| window == NAME)
}

#[test]
fn a_receipt_has_the_statement_and_its_signature() {
    let mut session = SftpSession::with_receipts();
    assert!(names_it(&session.send(INIT).unwrap()));
    // More than a piece.
    fs::write(session.path("a"), vec![7; 3 << 20]).unwrap();
    let reply = session.send(&asked(&string(b"a"))).unwrap();
    assert_eq!(reply[4..9], *b"\xc9\x00\x00\x00\x07");
    let length = usize::try_from(u32::from_be_bytes(reply[9..13].try_into().unwrap())).unwrap();
    let (statement, signature) = reply[13..].split_at(length);
    assert!(statement.starts_with(b"{\"receipt\":1,\"server_key\":\"ssh-ed25519 "));
    assert!(statement.ends_with(b"Z\"}\n"));
    assert!(signature[4..].starts_with(b"-----BEGIN SSH SIGNATURE-----\n"));
    assert!(signature.ends_with(b"\n-----END SSH SIGNATURE-----\n"));
    assert_eq!(
        status_of(&session.send(&asked(&string(b"b"))).unwrap()),
        NO_SUCH_FILE
    );
    // What is cut ends the session, as with every request.
    assert!(session.send(&asked(b"\x00\x00\x00\x02a")).is_err());
}

#[test]
fn there_are_none_where_they_are_off() {
    let mut session = SftpSession::fresh(sftpgo_ssh::Limits::default());
    assert!(!names_it(&session.send(INIT).unwrap()));
    fs::write(session.path("a"), "content").unwrap();
    let reply = session.send(&asked(&string(b"a"))).unwrap();
    assert_eq!(status_of(&reply), UNSUPPORTED);
}

#[test]
fn a_file_that_changes_while_it_is_read_gets_none() {
    let mut session = SftpSession::with_receipts();
    session.send(INIT).unwrap();
    fs::write(session.path("a"), vec![7; 3 << 20]).unwrap();
    let request = asked(&string(b"a"));
    let mut framed = u32::try_from(request.len()).unwrap().to_be_bytes().to_vec();
    framed.extend(request);
    session.engine.push(framed);
    // It waits until a change would show, and then reads a piece.
    loop {
        assert!(session.engine.step().unwrap());
        assert!(session.engine.take_replies().is_empty());
        match session.engine.take_pause() {
            BETWEEN_PIECES => break,
            wait => thread::sleep(wait),
        }
    }
    fs::write(session.path("a"), "shorter").unwrap();
    let reply = session.send_raw(Vec::new()).unwrap();
    assert!(String::from_utf8_lossy(&reply).contains("changed while it was read"));
}
