//! A storage that takes uploads in order and does not answer: the connection's thread does not wait for it.

use std::{sync::Arc, thread, time::Duration};

use sftpgo_test_support::MemoryHomes;

use crate::{
    copy_data,
    sftp_session::{SftpSession, packet, status_of, string, u32s},
    write,
};

fn framed(packet: Vec<u8>) -> Vec<u8> {
    [(packet.len() as u32).to_be_bytes().to_vec(), packet].concat()
}

/// A session over a storage that may hang.
struct Hanging {
    homes: Arc<MemoryHomes>,
    session: SftpSession,
}

impl Hanging {
    fn new() -> Self {
        let homes = Arc::new(MemoryHomes::default());
        Self {
            session: SftpSession::at(homes.clone()),
            homes,
        }
    }

    /// Sends a request that the storage does not answer, in two parts, and gives it turns; none waits, and there is no reply.
    fn deferred(&mut self, request: &[u8], first: usize) {
        self.homes.hang();
        self.homes.hang_at_beginnings();
        let engine = &mut self.session.engine;
        for part in [&request[..first], &request[first..]] {
            let taken = engine.write_through(part);
            engine.push(part[taken..].to_vec());
            for _ in 0..3 {
                engine.step().unwrap();
                let pause = engine.take_pause();
                assert!(pause < Duration::from_millis(100), "{pause:?}");
            }
        }
        assert_eq!(engine.replies_len(), 0);
    }

    /// The reply when the storage answers.
    fn reply(&mut self) -> Vec<u8> {
        self.homes.answer();
        let engine = &mut self.session.engine;
        loop {
            let worked = engine.step().unwrap();
            let pause = engine.take_pause();
            if !worked && pause.is_zero() {
                return engine.take_replies();
            }
            thread::sleep(pause);
        }
    }
}

#[test]
fn writes_and_closes_are_answered_when_the_storage_has_answered() {
    let mut hanging = Hanging::new();
    let handle = hanging.session.open("a", 0x1a);
    let whole = write(2, &handle, 0, b"hello");
    hanging.deferred(&whole, 0);
    assert_eq!(status_of(&hanging.reply()), 0);

    // The storage takes what has come first, and then the rest.
    let in_parts = write(3, &handle, 5, b" world");
    hanging.deferred(&in_parts, in_parts.len() - 3);
    assert_eq!(status_of(&hanging.reply()), 0);

    let close = framed(packet(4, 4, &[string(&handle)]));
    hanging.deferred(&close, 0);
    assert_eq!(status_of(&hanging.reply()), 0);
    assert_eq!(hanging.session.service.stored_usage(), (11, 1));
}

#[test]
fn a_file_is_opened_emptied_and_copied_when_the_storage_has_answered() {
    let mut hanging = Hanging::new();
    let name = string(b"a");
    let open = framed(packet(3, 1, &[name.clone(), u32s(&[0x1a, 0])]));
    hanging.deferred(&open, 0);
    let reply = hanging.reply();
    assert_eq!(reply[4], 102, "no handle: {reply:?}");
    hanging
        .session
        .receive(&write(2, &reply[13..], 0, b"hello"));
    let close = packet(4, 3, &[string(&reply[13..])]);
    let answers = hanging.session.send(&close).unwrap();
    assert_eq!(status_of(&answers), 0);
    assert_eq!(hanging.session.service.stored_usage(), (5, 1));

    let (source, target) = (
        hanging.session.open("a", 0x1),
        hanging.session.open("b", 0x1a),
    );
    hanging.deferred(&framed(copy_data(&source, 0, 0, &target, 0)), 0);
    assert_eq!(status_of(&hanging.reply()), 0);
    for handle in [source, target] {
        let close = packet(4, 4, &[string(&handle)]);
        assert_eq!(status_of(&hanging.session.send(&close).unwrap()), 0);
    }
    assert_eq!(hanging.session.service.stored_usage(), (10, 2));

    let empty = [name, u32s(&[1, 0, 0])];
    hanging.deferred(&framed(packet(9, 5, &empty)), 0);
    assert_eq!(status_of(&hanging.reply()), 0);
    assert_eq!(hanging.session.service.stored_usage(), (5, 2));
}

#[test]
fn what_was_closed_is_finished_when_the_client_has_gone() {
    let mut hanging = Hanging::new();
    let handle = hanging.session.open("a", 0x1a);
    hanging.session.receive(&write(2, &handle, 0, b"hello"));
    hanging.session.engine.forget_replies();
    hanging.deferred(&framed(packet(4, 3, &[string(&handle)])), 0);
    let engine = &mut hanging.session.engine;
    engine.client_is_gone();
    while engine.step().unwrap() {}
    assert!(engine.take_pause().is_zero());
    hanging.homes.answer();
    let service = &hanging.session.service;
    sftpgo_test_support::wait_for("the upload to be stored", || {
        service.stored_usage() == (5, 1)
    });
}
