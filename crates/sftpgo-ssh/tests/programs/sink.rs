//! `scp -t`.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
};

use proptest::prelude::*;
use sftpgo_core::session::UploadMode;

use super::connection::Connection;

fn mode(connection: &Connection, name: &str) -> u32 {
    fs::metadata(connection.path(name))
        .unwrap()
        .permissions()
        .mode()
        & 0o7777
}

#[test]
fn a_file_is_taken_and_acknowledged_when_it_is_stored() {
    for upload_mode in [
        UploadMode::Standard,
        UploadMode::Atomic,
        UploadMode::AtomicWithResume,
    ] {
        let connection = Connection::with(|_| {}, upload_mode);
        let mut scp = connection.start("scp -t f");
        assert_eq!(scp.send(b""), b"\0");
        assert_eq!(scp.send(b"C0640 5 anything\n"), b"\0");
        assert_eq!(scp.send(b"hel"), b"");
        assert_eq!(scp.send(b"lo"), b"");
        assert_eq!(
            connection.path("f").exists(),
            upload_mode == UploadMode::Standard
        );
        assert_eq!(scp.send(b"\0"), b"\0");
        assert_eq!(connection.read("f"), "hello");
        assert_eq!(mode(&connection, "f"), 0o640);
        assert_eq!(scp.end(), (vec![], 0));
        assert_eq!(connection.service.names(), ["f"]);
        assert_eq!(connection.transfers(), [("f".to_owned(), None)]);
    }
}

#[test]
fn a_whole_tree_arrives_in_one_piece_or_byte_by_byte() {
    let stream = b"T1000000000 0 1000000001 0\nD0750 0 d\nC0600 2 a\nhi\0C0644 0 empty\n\0D0555 0 e\nC0644 1 b\nx\0E\nE\nC0644 1 last\ny\0";
    for pieces in [stream.len(), 1, 7] {
        let connection = Connection::new();
        let mut scp = connection.start("scp -r -t .");
        let mut answered = scp.send(b"");
        for piece in stream.chunks(pieces) {
            answered.extend(scp.send(piece));
        }
        assert_eq!(scp.end().1, 0);
        // One answer for the start, each record and each file's data.
        assert_eq!(answered, [0; 14]);
        assert_eq!(connection.read("d/a"), "hi");
        assert_eq!(connection.read("d/empty"), "");
        assert_eq!(connection.read("d/e/b"), "x");
        assert_eq!(connection.read("last"), "y");
        assert_eq!(
            fs::metadata(connection.path("d")).unwrap().mtime(),
            1_000_000_000
        );
        assert_eq!(mode(&connection, "d/e"), 0o555);
        fs::set_permissions(connection.path("d/e"), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn times_and_exact_modes_are_kept_when_asked() {
    for upload_mode in [UploadMode::Standard, UploadMode::Atomic] {
        let connection = Connection::with(|_| {}, upload_mode);
        connection.write("old", "o");
        fs::set_permissions(connection.path("old"), fs::Permissions::from_mode(0o600)).unwrap();
        let mut scp = connection.start("scp -p -t .");
        scp.send(b"T1000000000 0 1000000001 0\nC0666 1 new\nx\0T5 0 6 0\nC0444 1 old\ny\0");
        assert_eq!(scp.end().1, 0);
        assert_eq!(mode(&connection, "new"), 0o666);
        assert_eq!(mode(&connection, "old"), 0o444);
        let new = fs::metadata(connection.path("new")).unwrap();
        assert_eq!((new.mtime(), new.atime()), (1_000_000_000, 1_000_000_001));
        assert_eq!(fs::metadata(connection.path("old")).unwrap().mtime(), 5);
    }
}

#[test]
fn without_p_an_existing_file_keeps_its_mode() {
    for upload_mode in [UploadMode::Standard, UploadMode::Atomic] {
        let connection = Connection::with(|_| {}, upload_mode);
        connection.write("f", "longer than before");
        fs::set_permissions(connection.path("f"), fs::Permissions::from_mode(0o600)).unwrap();
        let mut scp = connection.start("scp -t f");
        scp.send(b"C0777 3 f\nnew\0");
        assert_eq!(scp.end().1, 0);
        assert_eq!(
            (connection.read("f").as_str(), mode(&connection, "f")),
            ("new", 0o600)
        );
    }
}

#[test]
fn the_target_is_a_name_or_a_directory() {
    let connection = Connection::new();
    fs::create_dir(connection.path("dir")).unwrap();
    symlink("dir", connection.path("link")).unwrap();
    for (line, expected) in [
        ("scp -t dir", "dir/f"),
        ("scp -t /dir/", "dir/f"),
        ("scp -t '~/link'", "~/link/f"),
        ("scp -d -t ~/link", "dir/f"),
        ("scp -t ~", "f"),
        ("scp -t 'dir/x y'", "dir/x y"),
        ("scp -t ../../g", "g"),
    ] {
        let mut scp = connection.start(line);
        if expected.starts_with('~') {
            // Quoted, it is a directory that is not there.
            assert_eq!(
                scp.send(b"C0644 1 f\n"),
                b"\0\x01scp: ~/link: No such file or directory\n"
            );
            continue;
        }
        assert_eq!(scp.send(b"C0644 1 f\nx\0"), b"\0\0\0", "{line}");
        assert_eq!(connection.read(expected), "x", "{line}");
        fs::remove_file(connection.path(expected)).unwrap();
    }
    connection.write("file", "");
    for (line, reply) in [
        ("scp -d -t file", &b"\x02scp: file: Not a directory\n"[..]),
        (
            "scp -d -t none",
            b"\x02scp: none: No such file or directory\n",
        ),
        ("scp -t file/x", b"\x02scp: file/x: Not a directory\n"),
    ] {
        let mut scp = connection.start(line);
        assert_eq!(scp.send(b""), reply, "{line}");
        assert_eq!(scp.status, Some(1));
    }
    let mut scp = connection.start("scp -t none/");
    assert_eq!(
        scp.send(b"C0644 1 f\n"),
        b"\0\x01scp: none/: Not a directory\n"
    );
}

#[test]
fn what_one_file_lacks_is_a_warning_and_the_rest_goes_on() {
    let connection = Connection::new();
    fs::create_dir(connection.path("taken")).unwrap();
    connection.write("d", "");
    let mut scp = connection.start("scp -r -t .");
    assert_eq!(
        scp.send(b"C0644 1 taken\n"),
        b"\0\x01scp: ./taken: Is a directory\n"
    );
    assert_eq!(scp.send(b"D0755 0 d\n"), b"\x01scp: ./d: Not a directory\n");
    assert_eq!(scp.send(b"\x01scp: x: could not be read\n"), b"");
    assert_eq!(scp.send(b"C0644 1 f\nx\0"), b"\0\0");
    assert_eq!(scp.end().1, 1);
    assert_eq!(connection.read("f"), "x");
}

#[test]
fn permissions_are_those_of_an_upload() {
    let connection = Connection::allowed(&["upload"]);
    connection.write("old", "old");
    let mut scp = connection.start("scp -r -t .");
    assert_eq!(scp.send(b"C0644 1 new\nx\0"), b"\0\0\0");
    assert_eq!(
        scp.send(b"C0644 1 old\n"),
        b"\x01scp: ./old: Permission denied: needs overwrite\n"
    );
    assert_eq!(
        scp.send(b"D0755 0 d\n"),
        b"\x01scp: ./d: Permission denied: needs create_dirs\n"
    );
    assert_eq!(scp.end().1, 1);
    assert_eq!(connection.read("old"), "old");

    let connection = Connection::allowed(&["list", "download", "overwrite", "create_dirs"]);
    let mut scp = connection.start("scp -t f");
    assert_eq!(
        scp.send(b""),
        b"\x02scp: f: Permission denied: needs upload\n"
    );
    assert_eq!(scp.status, Some(1));
}

#[test]
fn past_the_quota_the_rest_is_thrown_away_and_nothing_is_published() {
    for upload_mode in [
        UploadMode::Standard,
        UploadMode::Atomic,
        UploadMode::AtomicWithResume,
    ] {
        let connection = Connection::with(|draft| draft.quota_size = 10, upload_mode);
        let mut scp = connection.start("scp -t .");
        assert_eq!(scp.send(b"C0644 8 big\n12345678\0"), b"\0\0\0");
        assert_eq!(scp.send(b"C0644 200000 big2\n"), b"\0");
        assert_eq!(scp.send(&[b'x'; 200_000]), b"");
        let reply = String::from_utf8(scp.send(b"\0")).unwrap();
        assert!(
            reply.starts_with("\x01scp: ./big2: quota exceeded"),
            "{reply}"
        );
        assert_eq!(scp.send(b"C0644 2 small\nxy\0"), b"\0\0");
        assert_eq!(scp.end().1, 1);
        if upload_mode != UploadMode::Standard {
            assert_eq!(connection.service.names(), ["big", "small"]);
        }
        let total: u64 = connection
            .service
            .names()
            .iter()
            .map(|name| fs::metadata(connection.path(name)).unwrap().len())
            .sum();
        assert!(total <= 10, "{total}");
    }
}

/// libssh2 sends the announced bytes and the end of its input, and no byte that says that these are all.
#[test]
fn a_whole_file_is_stored_when_the_source_says_nothing_behind_it() {
    for upload_mode in [
        UploadMode::Standard,
        UploadMode::Atomic,
        UploadMode::AtomicWithResume,
    ] {
        let connection = Connection::with(|_| {}, upload_mode);
        connection.write("f", "old");
        let mut scp = connection.start("scp -t f");
        assert_eq!(scp.send(b"C0644 3 f\nnew"), b"\0\0");
        assert_eq!(scp.end(), (b"\0".to_vec(), 0));
        assert_eq!(connection.read("f"), "new", "{upload_mode:?}");
        assert_eq!(connection.service.names(), ["f"]);
        assert!(connection.transfers()[0].1.is_none());
    }
}

#[test]
fn a_size_that_lies_is_a_lost_upload() {
    for upload_mode in [UploadMode::Standard, UploadMode::Atomic] {
        let connection = Connection::with(|_| {}, upload_mode);
        connection.write("f", "old");
        let mut scp = connection.start("scp -t f");
        scp.send(b"C0644 4611686018427387904 f\nnew");
        assert_eq!(scp.end(), (vec![], 1));
        let left = match upload_mode {
            UploadMode::Standard => "new",
            _ => "old",
        };
        assert_eq!(connection.read("f"), left);
        assert_eq!(connection.service.names(), ["f"]);
        assert!(connection.transfers()[0].1.is_some());

        // More than announced: the rest is no record.
        let mut scp = connection.start("scp -t f");
        assert_eq!(
            scp.send(b"C0644 2 f\nabcd\0"),
            b"\0\0\x02scp: protocol error: expected a response\n"
        );
        assert_eq!(scp.status, Some(1));
        assert!(connection.transfers()[1].1.is_some());
    }
}

#[test]
fn whoever_breaks_the_protocol_is_told_and_left() {
    let connection = Connection::new();
    for (line, input, reply) in [
        ("scp -t .", &b"C0644 0 ../x\n"[..], "unexpected filename"),
        ("scp -t .", b"C0644 0 ..\n", "unexpected filename"),
        ("scp -r -t .", b"D0755 0 a/b\n", "unexpected filename"),
        ("scp -t .", b"D0755 0 d\n", "received directory without -r"),
        (
            "scp -r -t .",
            b"E\n",
            "end of a directory that was not entered",
        ),
        ("scp -t .", b"\0", ""),
        ("scp -t .", b"hello\n", "expected control record"),
        ("scp -t .", &[b'C'; 1 << 20], "record too long"),
        ("scp -t .", b"C0644 1 f\nx2", "expected a response"),
    ] {
        let mut scp = connection.start(line);
        let mut replies = scp.send(input);
        replies.extend(scp.end().0);
        let text = String::from_utf8(replies).unwrap();
        assert!(text.contains(reply), "{text:?}");
        assert_eq!(scp.status, Some(1), "{line} {text:?}");
    }
    assert_eq!(connection.transfers().len(), 1);
}

#[test]
fn a_source_that_could_not_read_its_file_has_said_so_and_hears_no_complaint() {
    for (upload_mode, kept) in [
        (UploadMode::Standard, "new"),
        (UploadMode::Atomic, "older"),
        (UploadMode::AtomicWithResume, "older"),
    ] {
        let connection = Connection::with(|_| {}, upload_mode);
        connection.write("f", "older");
        let mut scp = connection.start("scp -t .");
        let reply = scp.send(b"C0644 3 f\nnew\x01scp: f: read error\n");
        assert_eq!(reply, b"\0\0\0", "{upload_mode:?}");
        assert_eq!(scp.send(b"C0644 1 g\nx\0"), b"\0\0");
        assert_eq!(scp.end().1, 1);
        assert_eq!(
            (connection.read("f").as_str(), connection.service.names()),
            (kept, vec!["f".to_owned(), "g".to_owned()])
        );
        let ended = connection.transfers();
        assert_eq!(ended[1], ("g".to_owned(), None));
        assert!(
            ended[0]
                .1
                .as_ref()
                .is_some_and(|why| why.contains("source"))
        );
    }
}

#[test]
fn a_source_that_gives_up_ends_it() {
    for input in [&b"C0644 3 f\nnew\x02scp: lost\n"[..], b"\x02scp: lost\n"] {
        let connection = Connection::with(|_| {}, UploadMode::Atomic);
        connection.write("f", "older");
        let mut scp = connection.start("scp -t .");
        assert!(scp.send(input).iter().all(|reply| *reply == 0));
        assert_eq!(scp.status, Some(1));
        assert_eq!(connection.read("f"), "older");
    }
}

#[test]
fn a_file_that_is_copied_onto_itself_stays_as_it_is() {
    for upload_mode in [
        UploadMode::Standard,
        UploadMode::Atomic,
        UploadMode::AtomicWithResume,
    ] {
        let connection = Connection::with(|_| {}, upload_mode);
        let content = "0123456789".repeat(20_000);
        connection.write("f", &content);
        symlink("f", connection.path("link")).unwrap();
        for name in ["f", "link"] {
            let mut scp = connection.start(&format!("scp -t {name}"));
            scp.send(format!("C0644 {} f\n", content.len()).as_bytes());
            // The source reads what the sink has opened by then.
            let mut at = 0;
            while at < content.len() {
                let read = fs::read(connection.path("f")).unwrap();
                let piece = &read[at..read.len().min(at + 65_536)];
                assert!(!piece.is_empty(), "{upload_mode:?} {name} {at}");
                scp.send(piece);
                at += piece.len();
            }
            assert_eq!(scp.send(b"\0"), b"\0");
            assert_eq!(scp.end().1, 0);
            assert!(connection.read("f") == content);
        }
    }
}

#[test]
fn what_is_longer_is_cut_at_the_end_and_the_quota_knows() {
    let connection = Connection::with(|draft| draft.quota_size = 20, UploadMode::Standard);
    let mut scp = connection.start("scp -t .");
    assert_eq!(scp.send(b"C0644 15 f\n123456789012345\0"), b"\0\0\0");
    assert_eq!(scp.send(b"C0644 3 f\nnew"), b"\0");
    assert_eq!(connection.read("f"), "new456789012345");
    assert_eq!(scp.send(b"\0"), b"\0");
    assert_eq!(connection.read("f"), "new");
    assert_eq!(scp.send(b"C0644 17 g\n12345678901234567\0"), b"\0\0");
    assert_eq!(scp.send(b"C0644 0 f\n\0"), b"\0\0");
    assert_eq!(connection.read("f"), "");
    assert_eq!(scp.end().1, 0);
}

#[test]
fn a_target_that_is_written_as_a_directory_is_made_a_file_of_no_name() {
    for target in ["inbox/", "inbox/.", "inbox/./", "f/"] {
        let connection = Connection::new();
        connection.write("f", "old");
        let mut scp = connection.start(&format!("scp -t {target}"));
        let mut replies = scp.send(b"C0644 1 x\n");
        replies.extend(scp.end().0);
        let text = String::from_utf8(replies).unwrap();
        assert!(
            text.contains("not a directory") || text.contains("Not a directory"),
            "{target} {text:?}"
        );
        assert_eq!(scp.status, Some(1), "{target}");
        assert_eq!(
            (connection.read("f").as_str(), connection.service.names()),
            ("old", vec!["f".to_owned()])
        );
    }
}

#[test]
fn the_wall_holds() {
    let connection = Connection::new();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), connection.path("out")).unwrap();
    symlink("../../../../tmp", connection.path("up")).unwrap();
    for line in ["scp -t out/x", "scp -r -t out", "scp -t up/x"] {
        let mut scp = connection.start(line);
        let reply = scp.send(b"C0644 1 x\n");
        assert!(reply.contains(&2) || reply.contains(&1), "{line}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

proptest! {
    #[test]
    fn no_stream_panics_or_leaves_the_home(records in prop::collection::vec(prop_oneof![
        Just(b"D0755 0 d\n".to_vec()), Just(b"E\n".to_vec()), Just(b"C0644 3 f\nabc\0".to_vec()),
        Just(b"C0644 3 f\nab".to_vec()), Just(b"T1 0 1 0\n".to_vec()), Just(b"C0644 1 ..\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ], 0..12)) {
        let connection = Connection::new();
        let parent = connection.service.home().parent().unwrap().join("f");
        prop_assert!(!parent.exists());
        let mut scp = connection.start("scp -r -p -t .");
        scp.send(&records.concat());
        scp.end();
        prop_assert!(!parent.exists());
    }
}
