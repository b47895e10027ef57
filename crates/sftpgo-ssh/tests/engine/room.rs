//! Room that a database has to be asked for, which several servers use: the connection's thread does not wait for it.

use std::{
    fs,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use sftpgo_store::MemoryProvider;
use sftpgo_test_support::{FaultyProvider, LedgerState, PATIENCE};

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

/// A session over a database that may hang.
struct Hanging {
    provider: Arc<FaultyProvider>,
    session: SftpSession,
}

impl Hanging {
    fn new(quota_size: i64) -> Self {
        let provider = FaultyProvider::new(MemoryProvider::shared());
        let session = SftpSession::of_atomic_uploads(provider.clone(), |draft| {
            draft.quota_size = quota_size;
        });
        Self { provider, session }
    }

    /// Sends a request that is done by a database which answers.
    fn done(&mut self, request: &[u8]) -> Vec<u8> {
        come_back(&mut self.session, &framed(request));
        self.session.engine.take_replies()
    }

    /// Sends a request while the database hangs: the thread goes on with other work, and the request is done when the
    /// database answers.
    fn deferred(&mut self, what: &str, request: &[u8]) -> Vec<u8> {
        self.provider.ledger_is(LedgerState::Hanging);
        // Whoever waits is not left to wait for ever.
        let (gone_on, is_gone_on) = mpsc::channel::<()>();
        let provider = Arc::clone(&self.provider);
        let watchdog = thread::spawn(move || {
            if is_gone_on.recv_timeout(PATIENCE).is_err() {
                provider.ledger_is(LedgerState::Up);
            }
        });
        let engine = &mut self.session.engine;
        engine.push(framed(request));
        let worked = engine.step().unwrap();
        let pause = engine.take_pause();
        assert!(
            !worked && !pause.is_zero() && engine.replies_len() == 0,
            "{what} waited for the database"
        );
        gone_on.send(()).unwrap();
        watchdog.join().unwrap();
        self.provider.ledger_is(LedgerState::Up);
        come_back(&mut self.session, &[]);
        self.session.engine.take_replies()
    }

    /// A file that was uploaded.
    fn upload(&mut self, name: &str, len: usize) {
        let handle = self.open(name);
        let request = write(2, &handle, 0, &vec![b'x'; len]);
        come_back(&mut self.session, &request);
        self.session.engine.take_replies();
        let closed = self.done(&packet(4, 3, &[string(&handle)]));
        assert_eq!(status_of(&closed), 0);
    }

    fn open(&mut self, name: &str) -> Vec<u8> {
        let reply = self.done(&packet(3, 1, &[string(name.as_bytes()), u32s(&[0x1a, 0])]));
        assert_eq!(reply[4], 102, "no handle: {reply:?}");
        reply[13..].to_vec()
    }
}

fn framed(request: &[u8]) -> Vec<u8> {
    let mut framed = u32s(&[request.len() as u32]);
    framed.extend(request);
    framed
}

/// The size of SETSTAT and FSETSTAT.
fn sized(size: u64) -> Vec<u8> {
    [u32s(&[1]), size.to_be_bytes().to_vec()].concat()
}

#[test]
fn before_the_first_change_the_mark_is_not_waited_for() {
    let (a, b) = (|| string(b"a"), || string(b"b"));
    let requests = [
        ("OPEN", packet(3, 1, &[a(), u32s(&[0x02, 0])])),
        ("SETSTAT", packet(9, 1, &[a(), sized(1)])),
        ("REMOVE", packet(13, 1, &[a()])),
        ("RENAME", packet(18, 1, &[a(), b()])),
        ("SYMLINK", packet(20, 1, &[a(), b()])),
        (
            "posix-rename",
            packet(200, 1, &[string(b"posix-rename@openssh.com"), a(), b()]),
        ),
        (
            "hardlink",
            packet(200, 1, &[string(b"hardlink@openssh.com"), a(), b()]),
        ),
    ];
    for (what, request) in requests {
        let mut hanging = Hanging::new(0);
        fs::write(hanging.session.path("a"), b"12").unwrap();
        let reply = hanging.deferred(what, &request);
        match what {
            "OPEN" => assert_eq!(reply[4], 102),
            _ => assert_eq!(status_of(&reply), 0, "{what}"),
        }
        // What is told once is known.
        fs::write(hanging.session.path("c"), b"").unwrap();
        let request = framed(&packet(13, 2, &[string(b"c")]));
        assert_eq!(come_back(&mut hanging.session, &request), 0, "{what}");
    }
}

#[test]
fn a_longer_size_is_set_when_there_is_an_answer() {
    let mut hanging = Hanging::new(10_000);
    hanging.upload("a", 100);
    let request = packet(9, 1, &[string(b"a"), sized(6000)]);
    assert_eq!(status_of(&hanging.deferred("SETSTAT", &request)), 0);
    let handle = hanging.open("b");
    let request = packet(10, 1, &[string(&handle), sized(3000)]);
    assert_eq!(status_of(&hanging.deferred("FSETSTAT", &request)), 0);
    // What does not fit is refused when that is known.
    let request = packet(9, 1, &[string(b"a"), sized(9000)]);
    assert_eq!(status_of(&hanging.deferred("SETSTAT", &request)), 4);
    assert_eq!(fs::metadata(hanging.session.path("a")).unwrap().len(), 6000);
}

#[test]
fn an_upload_that_costs_more_under_its_name_gets_it_when_there_is_an_answer() {
    for (quota_size, status) in [(100_000, 0), (7000, 4)] {
        let mut hanging = Hanging::new(quota_size);
        hanging.upload("a", 5000);
        // The bytes of the old content are lent to the new one, until that is to stay as well.
        let handle = hanging.open("a");
        come_back(&mut hanging.session, &write(2, &handle, 0, &[b'y'; 5000]));
        hanging.session.engine.take_replies();
        fs::rename(hanging.session.path("a"), hanging.session.path("kept")).unwrap();
        let close = packet(4, 3, &[string(&handle)]);
        let closed = hanging.deferred("CLOSE", &close);
        assert_eq!(status_of(&closed), status, "{quota_size}");
        assert_eq!(hanging.session.path("a").exists(), status == 0);
    }
}
