//! Records of scp, in bytes.

use proptest::prelude::*;

use super::*;

#[test]
fn records_are_read() {
    let name = &b"a b"[..];
    for (bytes, expected) in [
        (
            &b"C0644 12 a b\nrest"[..],
            Record::File {
                mode: 0o644,
                size: 12,
                name,
            },
        ),
        (
            b"C4755 9223372036854775807 a b\n",
            Record::File {
                mode: 0o4755,
                size: i64::MAX as u64,
                name,
            },
        ),
        (b"D0750 0 a b\n", Record::Directory { mode: 0o750, name }),
        (b"E\n", Record::EndDirectory),
        (
            b"T1000000000 0 2 999999\n",
            Record::Times {
                mtime: 1_000_000_000,
                atime: 2,
            },
        ),
        (b"\x01scp: x: gone\n", Record::Warning(b"scp: x: gone")),
        (b"\x02bye\n", Record::Fatal(b"bye")),
    ] {
        let (read, len) = record(bytes).unwrap().unwrap();
        assert_eq!(read, expected);
        assert_eq!(bytes[len - 1], b'\n');
    }
}

#[test]
fn names_are_bytes_of_one_component() {
    for name in [&b"\xff\xfe"[..], b" ", b"...", b".a", b"a\\b", b"\xc2\x85"] {
        let line = [b"C0644 0 ", name, b"\n"].concat();
        assert!(
            matches!(record(&line), Ok(Some((Record::File { name: read, .. }, _))) if read == name)
        );
    }
    for name in [
        &b""[..],
        b".",
        b"..",
        b"a/b",
        b"/",
        b"../a",
        b"a\0",
        b"a\rb",
        b"\x1b[2J",
        b"a\x7f",
    ] {
        for kind in [&b"C0644 0 "[..], b"D0755 0 "] {
            let line = [kind, name, b"\n"].concat();
            assert_eq!(
                record(&line),
                Err(Malformed("unexpected filename")),
                "{name:?}"
            );
        }
    }
}

#[test]
fn records_that_break_a_rule_are_refused() {
    for line in [
        &b"\n"[..],
        b"X0644 0 a\n",
        b"EE\n",
        b"C\n",
        b"C0644\n",
        b"C0644 \n",
        b"C0644 0\n",
        b"C644 0 a\n",
        b"C00644 0 a\n",
        b"C0648 0 a\n",
        b"C+644 0 a\n",
        b"C0644 -1 a\n",
        b"C0644 +1 a\n",
        b"C0644  1 a\n",
        b"C0644 9223372036854775808 a\n",
        b"C0644 99999999999999999999999 a\n",
        b"T\n",
        b"T1 0 2\n",
        b"T1 0 2 0 3\n",
        b"T1 1000000 2 0\n",
        b"T-1 0 2 0\n",
        b"\0\n",
    ] {
        assert!(record(line).is_err(), "{line:?}");
    }
}

#[test]
fn a_record_ends_within_its_bound() {
    let mut line = b"C0644 0 ".to_vec();
    line.resize(MAX_RECORD_LEN - 1, b'a');
    assert_eq!(record(&line), Ok(None));
    line.push(b'a');
    assert_eq!(record(&line), Err(Malformed("record too long")));
    line.pop();
    line.push(b'\n');
    assert!(matches!(record(&line), Ok(Some((_, MAX_RECORD_LEN)))));
}

#[test]
fn responses_are_read() {
    assert_eq!(response(b""), Ok(None));
    assert_eq!(response(b"\0C"), Ok(Some((Response::Ok, 1))));
    assert_eq!(response(b"\x01a"), Ok(None));
    assert_eq!(
        response(b"\x01no\n\0"),
        Ok(Some((Response::Warning(b"no"), 4)))
    );
    assert_eq!(response(b"\x02\n"), Ok(Some((Response::Fatal(b""), 2))));
    assert!(response(b"no\n").is_err());
    assert!(response(&[1; MAX_RECORD_LEN]).is_err());
}

#[test]
fn records_and_messages_are_written() {
    let mut out = Vec::new();
    write_times(&mut out, 1, -5);
    write_directory(&mut out, 0o40750, b"d e");
    write_file(&mut out, 0o100_644, 1 << 40, b"\xff");
    write_end_directory(&mut out);
    assert_eq!(out, b"T1 0 0 0\nD0750 0 d e\nC0644 1099511627776 \xff\nE\n");
    out.clear();
    write_file(&mut out, 0o600, 0, b"a\n\\b");
    assert_eq!(out, b"C0600 0 a\\^J\\\\b\n");
    out.clear();
    write_warning(&mut out, b"a\nb\x1b", "No such file or directory");
    write_fatal(&mut out, b"", "protocol error");
    assert_eq!(
        out,
        b"\x01scp: a?b?: No such file or directory\n\x02scp: protocol error\n"
    );
}

proptest! {
    #[test]
    fn any_input_is_read_or_refused(input in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(Some((_, len))) = record(&input) {
            prop_assert!(len <= input.len());
        }
        if let Ok(Some((_, len))) = response(&input) {
            prop_assert!(len <= input.len());
        }
    }

    #[test]
    fn what_is_written_is_read_the_same(mode in 0_u32..0o10000, size in 0..=i64::MAX as u64, name in "[^/\\pC]{1,40}") {
        prop_assume!(name != "." && name != "..");
        let mut line = Vec::new();
        write_file(&mut line, mode, size, name.as_bytes());
        let whole = Record::File { mode, size, name: name.as_bytes() };
        prop_assert_eq!(record(&line), Ok(Some((whole, line.len()))));
        for end in 0..line.len() {
            prop_assert_eq!(record(&line[..end]), Ok(None));
        }
    }
}
