//! `scp -f`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    time::{Duration, UNIX_EPOCH},
};

use super::connection::{Connection, Running};

fn set(connection: &Connection, name: &str, mode: u32) {
    let path = connection.path(name);
    let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let times = fs::FileTimes::new().set_modified(time).set_accessed(time);
    fs::File::open(&path).unwrap().set_times(times).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Answers 0 as often as it is asked, and answers all that was sent.
fn accept_all(scp: &mut Running) -> Vec<u8> {
    let mut sent = Vec::new();
    while scp.status.is_none() {
        sent.extend(scp.send(b"\0"));
    }
    sent
}

fn text(sent: Vec<u8>) -> String {
    String::from_utf8(sent).unwrap()
}

#[test]
fn a_file_is_sent_step_by_step() {
    let connection = Connection::new();
    connection.write("f", "hello");
    set(&connection, "f", 0o640);
    let mut scp = connection.start("scp -f f");
    assert_eq!(scp.send(b""), b"");
    assert_eq!(scp.send(b"\0"), b"C0640 5 f\n");
    assert_eq!(scp.send(b"\0"), b"hello\0");
    assert!(connection.transfers().is_empty());
    assert_eq!(scp.send(b"\0"), b"");
    assert_eq!(scp.status, Some(0));
    assert_eq!(connection.transfers(), [("f".to_owned(), None)]);
}

#[test]
fn times_come_first_when_asked() {
    let connection = Connection::new();
    connection.write("f", "");
    set(&connection, "f", 0o600);
    fs::create_dir(connection.path("d")).unwrap();
    set(&connection, "d", 0o750);
    let mut scp = connection.start("scp -rp -f f d");
    assert_eq!(
        text(accept_all(&mut scp)),
        "T1000000000 0 1000000000 0\nC0600 0 f\n\0T1000000000 0 1000000000 0\nD0750 0 d\nE\n"
    );
    assert_eq!(scp.status, Some(0));
}

#[test]
fn a_tree_is_sent_with_its_links_followed_and_no_loop() {
    let connection = Connection::new();
    fs::create_dir_all(connection.path("t/d")).unwrap();
    connection.write("t/d/a", "x");
    symlink("d/a", connection.path("t/link")).unwrap();
    symlink("..", connection.path("t/d/up")).unwrap();
    for name in ["t", "t/d"] {
        fs::set_permissions(connection.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(connection.path("t/d/a"), fs::Permissions::from_mode(0o644)).unwrap();
    let mut scp = connection.start("scp -r -f t");
    let sent = text(accept_all(&mut scp));
    assert!(
        sent.starts_with("D0755 0 t\n") && sent.ends_with("E\n"),
        "{sent:?}"
    );
    for part in [
        "C0644 1 link\nx\0",
        "D0755 0 d\n",
        "C0644 1 a\nx\0",
        "\x01scp: t/d/up: A link",
    ] {
        assert_eq!(sent.matches(part).count(), 1, "{part:?} {sent:?}");
    }
    assert_eq!(scp.status, Some(1));
}

#[test]
fn a_tree_is_sent_as_deep_as_256_directories() {
    let connection = Connection::new();
    fs::create_dir_all(connection.path(&"d/".repeat(300))).unwrap();
    connection.write("last", "x");
    let mut scp = connection.start("scp -r -f d last");
    let sent = text(accept_all(&mut scp));
    assert_eq!(sent.matches("D0755 0 d\n").count(), 256);
    assert_eq!(sent.matches("E\n").count(), 256);
    assert!(sent.contains("irectories are nested too deeply"), "{sent}");
    assert!(sent.contains("last\n"), "the rest goes on");
    assert_eq!(scp.status, Some(1));
}

#[test]
fn patterns_are_expanded_in_order_and_others_taken_literally() {
    let connection = Connection::new();
    fs::create_dir_all(connection.path("d1/e")).unwrap();
    fs::create_dir_all(connection.path("d2")).unwrap();
    for name in [
        "b.txt",
        "a.txt",
        ".hidden.txt",
        "x*",
        "d1/f",
        "d2/f",
        "d1/e/f",
        "sp ace",
    ] {
        connection.write(name, "");
        fs::set_permissions(connection.path(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    for (line, names) in [
        ("*.txt", &["a.txt", "b.txt"][..]),
        (".*.txt", &[".hidden.txt"]),
        (
            "[ab].txt 'x*' sp\\ ace",
            &["a.txt", "b.txt", "x*", "sp ace"],
        ),
        ("d?/f", &["f", "f"]),
        ("/d*/e/../f", &["f", "f"]),
        ("~/d1/[e]/?", &["f"]),
        ("*/*/f", &["f"]),
    ] {
        let mut scp = connection.start(&format!("scp -f {line}"));
        let sent = text(accept_all(&mut scp));
        let expected: String = names
            .iter()
            .map(|name| format!("C0644 0 {name}\n\0"))
            .collect();
        assert_eq!(sent, expected, "{line}");
        assert_eq!(scp.status, Some(0), "{line}");
    }
    for (line, reply) in [
        ("z*", "\x01scp: z*: No such file or directory\n"),
        ("'*.txt'", "\x01scp: *.txt: No such file or directory\n"),
        ("d1", "\x01scp: d1: Not a regular file\n"),
        ("b.txt/*", "\x01scp: b.txt/*: Not a directory\n"),
    ] {
        let mut scp = connection.start(&format!("scp -f {line}"));
        assert_eq!(text(accept_all(&mut scp)), reply, "{line}");
        assert_eq!(scp.status, Some(1));
    }
}

#[test]
fn a_missing_file_is_a_warning_and_the_next_is_sent() {
    let connection = Connection::new();
    connection.write("f", "x");
    set(&connection, "f", 0o644);
    let mut scp = connection.start("scp -f none f");
    assert_eq!(
        scp.send(b"\0"),
        b"\x01scp: none: No such file or directory\nC0644 1 f\n"
    );
    assert_eq!(text(accept_all(&mut scp)), "x\0");
    assert_eq!(scp.status, Some(1));
}

#[test]
fn list_is_needed_where_a_listing_is_made_and_download_everywhere() {
    let connection = Connection::allowed(&["download"]);
    fs::create_dir(connection.path("d")).unwrap();
    connection.write("d/f", "x");
    set(&connection, "d/f", 0o644);
    let run = |connection: &Connection, line: &str| text(accept_all(&mut connection.start(line)));
    assert_eq!(run(&connection, "scp -f d/f"), "C0644 1 f\nx\0");
    for (line, name) in [("scp -r -f d", "d"), ("scp -f d/*", "d/*")] {
        let reply = format!("\x01scp: {name}: Permission denied: needs list\n");
        assert_eq!(run(&connection, line), reply);
    }
    let connection = Connection::allowed(&["list", "upload"]);
    connection.write("f", "x");
    let reply = "\x01scp: f: Permission denied: needs download\n";
    assert_eq!(run(&connection, "scp -f f"), reply);
    assert_eq!(run(&connection, "scp -f f*"), reply);
}

#[test]
fn what_the_client_refuses_is_skipped_and_what_it_gives_up_ends() {
    let connection = Connection::new();
    for name in ["a", "b"] {
        connection.write(name, name);
        set(&connection, name, 0o644);
    }
    let mut scp = connection.start("scp -f a b");
    assert_eq!(scp.send(b"\0"), b"C0644 1 a\n");
    assert_eq!(scp.send(b"\x01no room\n"), b"C0644 1 b\n");
    assert_eq!(text(accept_all(&mut scp)), "b\0");
    assert_eq!(scp.status, Some(1));
    let ended = connection.transfers();
    assert!(ended[0].1.is_some() && ended[1].1.is_none(), "{ended:?}");

    for input in [&b"\0\x02bye\n"[..], b"\0x", b"\0\0\x02\n"] {
        let mut scp = connection.start("scp -f a b");
        scp.send(input);
        assert_eq!(scp.status, Some(1), "{input:?}");
    }
    let mut scp = connection.start("scp -f a");
    scp.send(b"\0");
    assert_eq!(scp.end().1, 1);
}

#[test]
fn a_file_that_changes_its_size_is_padded_or_cut_and_told() {
    for (size, data) in [(2_u64, vec![b'x', b'x', 0, 0]), (6, b"xxxx".to_vec())] {
        let connection = Connection::new();
        connection.write("f", "xxxx");
        set(&connection, "f", 0o644);
        let mut scp = connection.start("scp -f f");
        assert_eq!(scp.send(b"\0"), b"C0644 4 f\n");
        let file = fs::File::options()
            .write(true)
            .open(connection.path("f"))
            .unwrap();
        file.set_len(size).unwrap();
        let sent = scp.send(b"\0");
        assert_eq!(sent[..4], data);
        assert_eq!(
            &sent[4..],
            b"\x01scp: f: The file changed while it was sent\n"
        );
        scp.send(b"\0");
        assert_eq!(scp.status, Some(1));
        assert!(connection.transfers()[0].1.is_some());
    }
}

#[test]
fn names_that_a_record_cannot_hold() {
    let connection = Connection::new();
    connection.write("new\nline", "");
    set(&connection, "new\nline", 0o644);
    let mut scp = connection.start("scp -f 'new\nline'");
    assert_eq!(text(accept_all(&mut scp)), "C0644 0 new\\^Jline\n\0");
    let mut scp = connection.start("scp -f 'no\nne'");
    assert_eq!(
        text(accept_all(&mut scp)),
        "\x01scp: no?ne: No such file or directory\n"
    );
    let mut scp = connection.start("scp -r -f /");
    assert!(text(accept_all(&mut scp)).contains(" root\n"));
}

#[test]
fn a_client_that_has_gone_gets_nothing_more() {
    let connection = Connection::new();
    let file = fs::File::create(connection.path("f")).unwrap();
    file.set_len(1 << 40).unwrap();
    let mut scp = connection.start("scp -f f");
    scp.send(b"\0");
    scp.hang_up();
    assert_eq!(scp.status, Some(1));
    assert!(connection.transfers()[0].1.is_some());
}

#[test]
fn a_large_file_comes_whole() {
    let connection = Connection::new();
    let content: String = (0..60_000).map(|number| format!("{number} ")).collect();
    connection.write("f", &content);
    let mut scp = connection.start("scp -f f");
    let sent = text(accept_all(&mut scp));
    let (record, data) = sent.split_once('\n').unwrap();
    assert!(record.ends_with(&format!(" {} f", content.len())));
    assert_eq!(data, content + "\0");
}
