//! The SFTP engine, spoken to in bytes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod endings;
mod errors;
mod links;
mod realpath;
mod receipt;
mod room;
mod sftp_session;
mod storage;

use std::{fs, os::unix::fs::MetadataExt};

use proptest::prelude::*;
use sftpgo_ssh::{Limits, sftp::SessionEnd};

use self::sftp_session::{SftpSession, packet, status_of, string, u32s};

#[test]
fn init_is_answered_with_version_3_and_the_extensions() {
    let reply = SftpSession::fresh(Limits::default())
        .send(b"\x01\x00\x00\x00\x06")
        .unwrap();
    assert_eq!(reply[4..9], *b"\x02\x00\x00\x00\x03");
    for name in [
        "posix-rename@openssh.com",
        "statvfs@openssh.com",
        "fstatvfs@openssh.com",
        "hardlink@openssh.com",
        "fsync@openssh.com",
        "lsetstat@openssh.com",
        "limits@openssh.com",
        "expand-path@openssh.com",
        "copy-data",
        "home-directory",
        "users-groups-by-id@openssh.com",
    ] {
        assert!(
            reply
                .windows(name.len())
                .any(|window| window == name.as_bytes()),
            "{name}"
        );
    }
}

#[test]
fn anything_before_init_ends_the_session() {
    assert_eq!(
        SftpSession::fresh(Limits::default()).send(b"\x10\x00\x00\x00\x01\x00\x00\x00\x01."),
        Err(SessionEnd)
    );
}

#[test]
fn realpath_answers_the_clean_path() {
    let mut session = SftpSession::new();
    fs::create_dir(session.path("a")).unwrap();
    let reply = session
        .send(b"\x10\x00\x00\x00\x2a\x00\x00\x00\x06a/../b")
        .unwrap();
    assert_eq!(reply, b"\x00\x00\x00\x19\x68\x00\x00\x00\x2a\x00\x00\x00\x01\x00\x00\x00\x02/b\x00\x00\x00\x02/b\x00\x00\x00\x00");
}

#[test]
fn a_file_is_written_read_and_closed() {
    let mut session = SftpSession::new();
    let handle = session.open("f", 0x1a);
    let write = packet(
        6,
        2,
        &[
            string(&handle),
            0_u64.to_be_bytes().to_vec(),
            string(b"hello"),
        ],
    );
    assert_eq!(status_of(&session.send(&write).unwrap()), 0);
    assert_eq!(
        status_of(&session.send(&packet(4, 3, &[string(&handle)])).unwrap()),
        0
    );
    assert_eq!(fs::read(session.path("f")).unwrap(), b"hello");

    let handle = session.open("f", 0x1);
    let read = |offset: u64, len: u32| {
        packet(
            5,
            9,
            &[string(&handle), offset.to_be_bytes().to_vec(), u32s(&[len])],
        )
    };
    assert_eq!(
        session.send(&read(1, 100)).unwrap(),
        b"\x00\x00\x00\x0d\x67\x00\x00\x00\x09\x00\x00\x00\x04ello"
    );
    assert_eq!(status_of(&session.send(&read(5, 100)).unwrap()), 1);
    assert_eq!(
        status_of(&session.send(&read(u64::MAX, u32::MAX)).unwrap()),
        1
    );
    for offset in [0, 5, u64::MAX] {
        assert_eq!(
            session.send(&read(offset, 0)).unwrap(),
            b"\x00\x00\x00\x09\x67\x00\x00\x00\x09\x00\x00\x00\x00",
            "nothing was asked for"
        );
    }
}

#[test]
fn the_space_is_told_of_an_open_file_whose_directory_got_another_name() {
    let mut session = SftpSession::new();
    fs::create_dir(session.path("d")).unwrap();
    fs::write(session.path("d/f"), b"x").unwrap();
    let handle = session.open("d/f", 0x1);
    fs::rename(session.path("d"), session.path("e")).unwrap();
    let request = packet(200, 9, &[string(b"fstatvfs@openssh.com"), string(&handle)]);
    assert_eq!(session.send(&request).unwrap().get(4), Some(&201));
}

#[test]
fn a_read_is_answered_with_up_to_261120_bytes() {
    let mut session = SftpSession::new();
    fs::write(session.path("f"), vec![7; 300_000]).unwrap();
    let handle = session.open("f", 0x1);
    let reply = session
        .send(&packet(
            5,
            9,
            &[string(&handle), vec![0; 8], u32s(&[u32::MAX])],
        ))
        .unwrap();
    assert_eq!(reply.len(), 4 + 9 + 261_120);
}

#[test]
fn stale_and_forged_handles_are_refused() {
    let mut session = SftpSession::new();
    let first = session.open("f", 0x1a);
    session.send(&packet(4, 1, &[string(&first)])).unwrap();
    let second = session.open("f", 0x1a);
    assert_ne!(first, second);
    for forged in [
        &first[..],
        b"",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"/etc/passwd",
    ] {
        for kind in [4, 8] {
            assert_eq!(
                status_of(&session.send(&packet(kind, 1, &[string(forged)])).unwrap()),
                4,
                "{kind} {forged:?}"
            );
        }
    }
    assert_eq!(
        status_of(&session.send(&packet(4, 1, &[string(&second)])).unwrap()),
        0
    );
}

#[test]
fn handles_are_limited_and_come_back() {
    let mut session = SftpSession::fresh(Limits {
        handles_per_session: 2,
        ..Limits::default()
    });
    session.send(b"\x01\x00\x00\x00\x03").unwrap();
    let first = session.open("a", 0x1a);
    session.open("b", 0x1a);
    let third = packet(3, 1, &[string(b"c"), u32s(&[0x1a, 0])]);
    assert_eq!(status_of(&session.send(&third).unwrap()), 4);
    assert!(
        !session.path("c").exists(),
        "nothing is made for a handle there is no room for"
    );
    session.send(&packet(4, 1, &[string(&first)])).unwrap();
    session.open("c", 0x1a);
}

#[test]
fn directories_are_limited_apart_and_come_back() {
    let mut session = SftpSession::fresh(Limits {
        directories_per_session: 1,
        ..Limits::default()
    });
    session.send(b"\x01\x00\x00\x00\x03").unwrap();
    let open = packet(11, 1, &[string(b".")]);
    let first = session.send(&open).unwrap();
    assert_eq!(first[4], 102);
    assert_eq!(status_of(&session.send(&open).unwrap()), 4);
    session.open("a", 0x1a);
    session.send(&packet(4, 1, &[first[9..].to_vec()])).unwrap();
    assert_eq!(session.send(&open).unwrap()[4], 102);
}

#[test]
fn unknown_requests_and_extensions_are_unsupported() {
    let mut session = SftpSession::new();
    assert_eq!(status_of(&session.send(&packet(99, 5, &[])).unwrap()), 8);
    assert_eq!(
        status_of(
            &session
                .send(&packet(200, 5, &[string(b"nobody@example.com")]))
                .unwrap()
        ),
        8
    );
}

#[test]
fn lengths_of_zero_and_above_256_kib_end_the_session() {
    assert_eq!(SftpSession::new().send_raw(vec![0; 4]), Err(SessionEnd));
    assert_eq!(
        SftpSession::new().send_raw(vec![0, 4, 0, 1]),
        Err(SessionEnd)
    );
    assert_eq!(SftpSession::new().send_raw(vec![0xff; 4]), Err(SessionEnd));
}

#[test]
fn rename_never_replaces_and_posix_rename_does() {
    let mut session = SftpSession::new();
    fs::write(session.path("a"), b"a").unwrap();
    fs::write(session.path("b"), b"b").unwrap();
    let names = [string(b"a"), string(b"b")];
    assert_eq!(status_of(&session.send(&packet(18, 1, &names)).unwrap()), 4);
    let posix = [string(b"posix-rename@openssh.com"), names.concat()];
    assert_eq!(
        status_of(&session.send(&packet(200, 1, &posix)).unwrap()),
        0
    );
    assert_eq!(fs::read(session.path("b")).unwrap(), b"a");
}

fn copy_data(source: &[u8], from: u64, length: u64, target: &[u8], to: u64) -> Vec<u8> {
    let fields = [
        string(b"copy-data"),
        string(source),
        from.to_be_bytes().to_vec(),
        length.to_be_bytes().to_vec(),
        string(target),
        to.to_be_bytes().to_vec(),
    ];
    packet(200, 7, &fields)
}

#[test]
fn a_part_or_all_of_a_file_is_copied_on_the_server() {
    let mut session = SftpSession::new();
    fs::write(session.path("a"), b"0123456789").unwrap();
    let source = session.open("a", 0x1);
    let target = session.open("b", 0x1a);
    for (from, length, to, expected) in [
        (2, 3, 0, &b"234"[..]),
        (0, 0, 1, b"20123456789"),
        (8, 100, 11, b"2012345678989"),
        (10, 0, 0, b"2012345678989"),
        (u64::MAX, 0, 0, b"2012345678989"),
    ] {
        let reply = session
            .send(&copy_data(&source, from, length, &target, to))
            .unwrap();
        assert_eq!(status_of(&reply), 0);
        assert_eq!(fs::read(session.path("b")).unwrap(), expected);
    }
}

#[test]
fn a_long_copy_takes_several_steps_and_the_next_request_waits_for_it() {
    const SIZE: usize = 40 << 20;
    let mut session = SftpSession::new();
    let data: Vec<u8> = (0..SIZE).map(|at| (at >> 12) as u8).collect();
    fs::write(session.path("a"), &data).unwrap();
    let source = session.open("a", 0x1);
    let target = session.open("b", 0x1a);
    let copy = copy_data(&source, 0, 0, &target, 0);
    let realpath = packet(16, 8, &[string(b".")]);
    for packet in [copy, realpath] {
        let mut framed = u32::try_from(packet.len()).unwrap().to_be_bytes().to_vec();
        framed.extend(packet);
        session.engine.push(framed);
    }
    let mut pauses = 0;
    while session.engine.step().unwrap() {
        pauses += u32::from(!session.engine.take_pause().is_zero());
    }
    assert_eq!(pauses, 2);
    let replies = session.engine.take_replies();
    assert_eq!(
        (status_of(&replies), replies[5..9] == [0, 0, 0, 7]),
        (0, true)
    );
    assert!(replies.ends_with(b"/\0\0\0\x01/\0\0\0\0"));
    assert!(fs::read(session.path("b")).unwrap() == data);
}

#[test]
fn a_copy_that_makes_no_sense_is_refused() {
    let mut session = SftpSession::new();
    fs::write(session.path("a"), b"0123456789").unwrap();
    let read = session.open("a", 0x1);
    let both = session.open("a", 0x3);
    let write = session.open("b", 0x1a);
    for (source, target, to) in [
        (&both, &both, 100),
        (&read, &both, 5),
        (&write, &write, 0),
        (&read, &read, 100),
        (&read, &write, u64::MAX - 3),
    ] {
        let reply = session.send(&copy_data(source, 0, 0, target, to)).unwrap();
        assert_ne!(status_of(&reply), 0);
    }
    let reply = session.send(&copy_data(&write, 0, 0, &both, 0)).unwrap();
    assert_eq!(status_of(&reply), 3, "not open for reading");
    assert_eq!(fs::read(session.path("a")).unwrap(), b"0123456789");
    assert_eq!(fs::read(session.path("b")).unwrap(), b"");
    let reply = session.send(&copy_data(&read, 0, 0, &both, 10)).unwrap();
    assert_eq!(
        status_of(&reply),
        0,
        "ranges of one file that do not overlap"
    );
    assert_eq!(
        fs::read(session.path("a")).unwrap(),
        b"01234567890123456789"
    );
}

#[test]
fn a_file_is_copied_behind_its_own_end_once() {
    const SIZE: u64 = 20 << 20;
    let mut session = SftpSession::new();
    fs::File::create(session.path("a"))
        .unwrap()
        .set_len(SIZE)
        .unwrap();
    let read = session.open("a", 0x1);
    let write = session.open("a", 0x2);
    let reply = session.send(&copy_data(&read, 0, 0, &write, SIZE)).unwrap();
    assert_eq!(status_of(&reply), 0);
    assert_eq!(fs::metadata(session.path("a")).unwrap().len(), 2 * SIZE);
    // Each piece would fit, all of them do not.
    let reply = session
        .send(&copy_data(&read, 0, 0, &write, 17 << 20))
        .unwrap();
    assert_eq!(status_of(&reply), 4);
}

#[test]
fn only_the_users_own_files_have_a_name() {
    let mut session = SftpSession::new();
    fs::write(session.path("a"), b"").unwrap();
    let owner = fs::metadata(session.path("a")).unwrap();
    let uids = u32s(&[owner.uid(), 4_000_000_000]);
    let fields = [
        string(b"users-groups-by-id@openssh.com"),
        string(&uids),
        string(&u32s(&[owner.gid()])),
    ];
    assert_eq!(
        session.send(&packet(200, 1, &fields)).unwrap(),
        b"\0\0\0\x1f\xc9\0\0\0\x01\0\0\0\x0b\0\0\0\x03bob\0\0\0\0\0\0\0\x07\0\0\0\x03bob"
    );
}

/// One well-formed packet of every type.
fn every_request(handle: &[u8]) -> Vec<Vec<u8>> {
    let (name, handle, attrs) = (string(b"n"), string(handle), u32s(&[0]));
    let mut requests = vec![
        packet(3, 1, &[name.clone(), u32s(&[0x1a]), attrs.clone()]),
        packet(4, 1, std::slice::from_ref(&handle)),
        packet(5, 1, &[handle.clone(), vec![0; 8], u32s(&[10])]),
        packet(6, 1, &[handle.clone(), vec![0; 8], string(b"data")]),
        packet(8, 1, std::slice::from_ref(&handle)),
        packet(9, 1, &[name.clone(), u32s(&[0xf]), vec![0; 28]]),
        packet(
            10,
            1,
            &[
                handle.clone(),
                u32s(&[0x8000_0000, 1]),
                string(b"a"),
                string(b"b"),
            ],
        ),
        packet(12, 1, std::slice::from_ref(&handle)),
        packet(14, 1, &[name.clone(), attrs]),
        packet(18, 1, &[name.clone(), name.clone()]),
        packet(20, 1, &[name.clone(), name.clone()]),
    ];
    requests.extend(
        [7, 11, 13, 15, 16, 17, 19].map(|kind| packet(kind, 1, std::slice::from_ref(&name))),
    );
    for (extension, fields) in [
        (
            "posix-rename@openssh.com",
            [name.clone(), name.clone()].concat(),
        ),
        ("statvfs@openssh.com", name.clone()),
        ("fstatvfs@openssh.com", handle.clone()),
        (
            "hardlink@openssh.com",
            [name.clone(), name.clone()].concat(),
        ),
        ("fsync@openssh.com", handle.clone()),
        (
            "copy-data",
            [handle.clone(), vec![0; 16], handle, vec![0; 8]].concat(),
        ),
        (
            "users-groups-by-id@openssh.com",
            [string(&[0; 8]), string(&[0; 4])].concat(),
        ),
        ("lsetstat@openssh.com", [name.clone(), u32s(&[0])].concat()),
        ("expand-path@openssh.com", name.clone()),
        ("home-directory", name),
    ] {
        requests.push(packet(200, 1, &[string(extension.as_bytes()), fields]));
    }
    requests
}

#[test]
fn every_request_cut_at_every_byte_ends_its_session_alone() {
    let mut session = SftpSession::new();
    let handle = session.open("f", 0x1b);
    for request in every_request(&handle) {
        for cut in 1..request.len() {
            let mut session = SftpSession::new();
            session.open("f", 0x1b);
            assert_eq!(
                session.send(&request[..cut]),
                Err(SessionEnd),
                "{request:?} cut at {cut}"
            );
        }
        let mut session = SftpSession::new();
        session.open("f", 0x1b);
        session.send(&request).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_engine_panic_or_answer_more_than_it_may(
        packets in prop::collection::vec((0_u8..22, prop::collection::vec(any::<u8>(), 0..60)), 1..12),
    ) {
        let mut session = SftpSession::new();
        for (kind, body) in packets {
            let kind = if kind == 21 { 200 } else { kind };
            match session.send(&[&[kind], &body[..]].concat()) {
                Ok(replies) => prop_assert!(replies.len() <= 4 + 256 * 1024),
                Err(SessionEnd) => break,
            }
        }
    }
}

fn write(id: u32, handle: &[u8], offset: u64, data: &[u8]) -> Vec<u8> {
    string(&packet(
        6,
        id,
        &[string(handle), offset.to_be_bytes().to_vec(), string(data)],
    ))
}

#[test]
fn a_write_is_the_same_wherever_it_is_cut() {
    let mut session = SftpSession::new();
    let handle = session.open("a", 0x1a);
    let stream = [
        write(2, &handle, 0, b"hello "),
        write(3, &handle, 6, b"world"),
        write(4, &handle, 11, b""),
        write(5, b"not ours", 0, b"lost"),
        write(6, b"neither", 0, b"lost"),
        string(&packet(16, 7, &[string(b".")])),
        write(8, &handle, 11, b"!"),
    ]
    .concat();
    let whole = session.send_raw(stream.clone()).unwrap();
    for cut in 0..=stream.len() {
        for other in (cut..=stream.len()).step_by(7) {
            fs::write(session.path("a"), b"").unwrap();
            session.receive(&stream[..cut]);
            session.receive(&stream[cut..other]);
            session.receive(&stream[other..]);
            assert!(session.engine.take_replies() == whole, "{cut} {other}");
            assert_eq!(session.engine.queued_len(), 0);
            assert_eq!(fs::read(session.path("a")).unwrap(), b"hello world!");
        }
    }
}

#[test]
fn data_is_in_the_file_before_all_of_its_write_has_come() {
    let mut session = SftpSession::new();
    let handle = session.open("a", 0x1a);
    let request = write(2, &handle, 0, b"hello");
    let (head, tail) = request.split_at(request.len() - 2);
    assert_eq!(session.engine.write_through(head), head.len());
    assert_eq!(fs::read(session.path("a")).unwrap(), b"hel");
    assert_eq!(session.engine.replies_len(), 0);
    assert_eq!(session.engine.write_through(tail), tail.len());
    assert_eq!(fs::read(session.path("a")).unwrap(), b"hello");
    assert_eq!(status_of(&session.engine.take_replies()), 0);
}

#[test]
fn nothing_is_written_before_init() {
    let mut session = SftpSession::fresh(Limits::default());
    let request = write(2, b"handle!!", 0, b"hello");
    assert_eq!(session.engine.write_through(&request), 0);
    assert_eq!(session.send_raw(request), Err(SessionEnd));
}

#[test]
fn of_a_write_that_passes_the_quota_no_part_is_written() {
    let mut session = SftpSession::of_user(|draft| draft.quota_size = 8);
    let handle = session.open("a", 0x1a);
    for (data, status, expected) in [
        (b"1234567".as_slice(), 0, b"1234567".as_slice()),
        (b"123456789", 4, b"1234567"),
        (b"12345678", 0, b"12345678"),
    ] {
        let request = write(2, &handle, 0, data);
        let (head, tail) = request.split_at(request.len() - 4);
        session.receive(head);
        session.receive(tail);
        let reply = session.engine.take_replies();
        assert_eq!(status_of(&reply), status);
        assert_eq!(fs::read(session.path("a")).unwrap(), expected);
    }
}

#[test]
fn a_limited_upload_is_not_written_past_its_pauses() {
    let mut session = SftpSession::of_user(|draft| draft.upload_bandwidth = 1);
    let handle = session.open("a", 0x1a);
    let request = write(2, &handle, 0, b"hello");
    assert_eq!(session.engine.write_through(&request), 0);
    session.receive(&request[..request.len() - 2]);
    assert!(!session.engine.take_pause().is_zero());
    session.receive(&request[request.len() - 2..]);
    assert_eq!(status_of(&session.engine.take_replies()), 0);
}
