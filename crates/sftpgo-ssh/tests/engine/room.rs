//! Room that a database has to be asked for, which several servers use: the connection's thread does not wait for it.

use std::{fs, thread, time::Duration};

use sftpgo_core::UserDraft;

use crate::{
    world::{World, packet, status_of, string, u32s},
    write,
};

fn world(quota_size: i64, quota_files: i64) -> World {
    World::on_shared_database(UserDraft {
        quota_size,
        quota_files,
        ..UserDraft::default()
    })
}

/// Hands over bytes as they arrive, and comes back whenever the engine asks for a pause; says how often it did.
fn come_back(world: &mut World, bytes: &[u8]) -> usize {
    let taken = world.engine.write_through(bytes);
    world.engine.push(bytes[taken..].to_vec());
    let mut pauses = usize::from(!world.engine.take_pause().is_zero());
    loop {
        let worked = world.engine.step().unwrap();
        let pause = world.engine.take_pause();
        if pause.is_zero() && !worked {
            return pauses;
        }
        if !pause.is_zero() {
            assert!(!worked && world.engine.replies_len() == 0);
            assert!(pause < Duration::from_millis(50), "{pause:?}");
            pauses += 1;
            thread::sleep(pause);
        }
    }
}

#[test]
fn a_write_is_done_when_there_is_an_answer() {
    let mut world = world(1000, 0);
    let handle = world.open("a", 0x1a);
    let request = write(2, &handle, 0, b"hello");
    assert!(come_back(&mut world, &request) > 0);
    assert_eq!(status_of(&world.engine.take_replies()), 0);
    assert_eq!(fs::read(world.path("a")).unwrap(), b"hello");
    // There is room ahead now.
    let request = write(3, &handle, 5, b" world");
    assert_eq!(come_back(&mut world, &request), 0);
    assert_eq!(fs::read(world.path("a")).unwrap(), b"hello world");
}

#[test]
fn a_write_that_has_not_all_arrived_is_done_too() {
    let mut world = world(1000, 0);
    let handle = world.open("a", 0x1a);
    let request = write(2, &handle, 0, b"hello");
    let (head, tail) = request.split_at(request.len() - 2);
    assert_eq!(world.engine.write_through(head), 0);
    come_back(&mut world, head);
    assert_eq!(fs::read(world.path("a")).unwrap(), b"hel");
    come_back(&mut world, tail);
    assert_eq!(status_of(&world.engine.take_replies()), 0);
    assert_eq!(fs::read(world.path("a")).unwrap(), b"hello");
}

#[test]
fn what_does_not_fit_is_refused_when_there_is_an_answer() {
    let mut world = world(8, 0);
    let handle = world.open("a", 0x1a);
    for (data, status) in [(b"123456789".as_slice(), 4), (b"12345678", 0)] {
        come_back(&mut world, &write(2, &handle, 0, data));
        assert_eq!(status_of(&world.engine.take_replies()), status);
    }
    assert_eq!(fs::read(world.path("a")).unwrap(), b"12345678");
}

#[test]
fn a_new_file_is_made_when_there_is_an_answer() {
    let mut world = world(0, 1);
    for (name, reply_kind) in [("a", 102), ("b", 101)] {
        let request = packet(3, 1, &[string(name.as_bytes()), u32s(&[0x1a, 0])]);
        let mut framed = u32s(&[request.len() as u32]);
        framed.extend(request);
        assert!(come_back(&mut world, &framed) > 0, "{name}");
        assert_eq!(world.engine.take_replies()[4], reply_kind, "{name}");
    }
    assert!(world.path("a").exists() && !world.path("b").exists());
}
