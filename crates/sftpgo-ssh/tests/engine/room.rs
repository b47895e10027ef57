//! Room that a database has to be asked for, which several servers use: the connection's thread does not wait for it.

use std::{fs, thread, time::Duration};

use crate::{
    sftp_session::{SftpSession, packet, status_of, string, u32s},
    write,
};

fn session(quota_size: i64, quota_files: i64) -> SftpSession {
    SftpSession::on_shared_database(|draft| {
        draft.quota_size = quota_size;
        draft.quota_files = quota_files;
    })
}

/// Hands over bytes as they arrive, and comes back whenever the engine asks for a pause; says how often it did.
fn come_back(session: &mut SftpSession, bytes: &[u8]) -> usize {
    let taken = session.engine.write_through(bytes);
    session.engine.push(bytes[taken..].to_vec());
    let mut pauses = usize::from(!session.engine.take_pause().is_zero());
    loop {
        let worked = session.engine.step().unwrap();
        let pause = session.engine.take_pause();
        if pause.is_zero() && !worked {
            return pauses;
        }
        if !pause.is_zero() {
            assert!(!worked && session.engine.replies_len() == 0);
            assert!(pause < Duration::from_millis(50), "{pause:?}");
            pauses += 1;
            thread::sleep(pause);
        }
    }
}

#[test]
fn a_write_is_done_when_there_is_an_answer() {
    let mut session = session(1000, 0);
    let handle = session.open("a", 0x1a);
    let request = write(2, &handle, 0, b"hello");
    assert!(come_back(&mut session, &request) > 0);
    assert_eq!(status_of(&session.engine.take_replies()), 0);
    assert_eq!(fs::read(session.path("a")).unwrap(), b"hello");
    // There is room ahead now.
    let request = write(3, &handle, 5, b" world");
    assert_eq!(come_back(&mut session, &request), 0);
    assert_eq!(fs::read(session.path("a")).unwrap(), b"hello world");
}

#[test]
fn a_write_that_has_not_all_arrived_is_done_too() {
    let mut session = session(1000, 0);
    let handle = session.open("a", 0x1a);
    let request = write(2, &handle, 0, b"hello");
    let (head, tail) = request.split_at(request.len() - 2);
    assert_eq!(session.engine.write_through(head), 0);
    come_back(&mut session, head);
    assert_eq!(fs::read(session.path("a")).unwrap(), b"hel");
    come_back(&mut session, tail);
    assert_eq!(status_of(&session.engine.take_replies()), 0);
    assert_eq!(fs::read(session.path("a")).unwrap(), b"hello");
}

#[test]
fn what_does_not_fit_is_refused_when_there_is_an_answer() {
    let mut session = session(8, 0);
    let handle = session.open("a", 0x1a);
    for (data, status) in [(b"123456789".as_slice(), 4), (b"12345678", 0)] {
        come_back(&mut session, &write(2, &handle, 0, data));
        assert_eq!(status_of(&session.engine.take_replies()), status);
    }
    assert_eq!(fs::read(session.path("a")).unwrap(), b"12345678");
}

#[test]
fn a_new_file_is_made_when_there_is_an_answer() {
    let mut session = session(0, 1);
    for (name, reply_kind) in [("a", 102), ("b", 101)] {
        let request = packet(3, 1, &[string(name.as_bytes()), u32s(&[0x1a, 0])]);
        let mut framed = u32s(&[request.len() as u32]);
        framed.extend(request);
        assert!(come_back(&mut session, &framed) > 0, "{name}");
        assert_eq!(session.engine.take_replies()[4], reply_kind, "{name}");
    }
    assert!(session.path("a").exists() && !session.path("b").exists());
}
