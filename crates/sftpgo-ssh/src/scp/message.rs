//! The records of scp's protocol, as OpenSSH's `scp.c` reads and writes them (it is rcp's, and has no RFC).
//!
//! The side that has files (the source) sends records, each a line: `T` times, `C` a file, `D` and `E` around
//! the entries of a directory. The side that takes them (the sink) answers each with one byte, and so both
//! do after a file's data: 0 is fine; 1 and 2 come with a line of text and mean "this one failed" and "I give
//! up".

/// The longest record with its newline.
pub const MAX_RECORD_LEN: usize = 64 * 1024;

/// Everything is fine.
pub const OK: u8 = 0;
const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// Permission bits of a record: four octal digits.
const MODE_BITS: u32 = 0o7777;

/// What a source sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record<'a> {
    /// `T`: times of the next file or directory, in Unix seconds.
    Times {
        /// Modification.
        mtime: u64,
        /// Access.
        atime: u64,
    },
    /// `C`: a file; its data follows the answer.
    File {
        /// Permission bits.
        mode: u32,
        /// Bytes of data, at most 2^63-1.
        size: u64,
        /// One path component.
        name: &'a [u8],
    },
    /// `D`: a directory; its entries follow, and an `E`.
    Directory {
        /// Permission bits.
        mode: u32,
        /// One path component.
        name: &'a [u8],
    },
    /// `E`: the end of the directory's entries.
    EndDirectory,
    /// 1 in a record's place: the source could not read a file.
    Warning(&'a [u8]),
    /// 2 in a record's place: the source gives up.
    Fatal(&'a [u8]),
}

/// What a sink answers, and a source says after a file's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response<'a> {
    /// Go on.
    Ok,
    /// This file or directory failed.
    Warning(&'a [u8]),
    /// The other side gives up.
    Fatal(&'a [u8]),
}

/// Why the other side cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// The record at the start of `input` and its length; none until its newline has arrived.
///
/// # Errors
/// Says what is wrong with the record.
pub fn record(input: &[u8]) -> Result<Option<(Record<'_>, usize)>, Malformed> {
    let Some((line, len)) = line(input)? else {
        return Ok(None);
    };
    let Some((kind, fields)) = line.split_first() else {
        return Err(Malformed("unexpected newline"));
    };
    let record = match kind {
        b'T' => times(fields)?,
        b'C' => {
            let (mode, size, name) = entry(fields)?;
            Record::File { mode, size, name }
        }
        b'D' => {
            let (mode, _, name) = entry(fields)?;
            Record::Directory { mode, name }
        }
        b'E' if fields.is_empty() => Record::EndDirectory,
        &WARNING => Record::Warning(fields),
        &FATAL => Record::Fatal(fields),
        _ => return Err(Malformed("expected control record")),
    };
    Ok(Some((record, len)))
}

/// The response at the start of `input` and its length; none until it is whole.
///
/// # Errors
/// A byte that is no response.
pub fn response(input: &[u8]) -> Result<Option<(Response<'_>, usize)>, Malformed> {
    let kind = match input.first() {
        None => return Ok(None),
        Some(&OK) => return Ok(Some((Response::Ok, 1))),
        Some(&kind @ (WARNING | FATAL)) => kind,
        Some(_) => return Err(Malformed("expected a response")),
    };
    let Some((line, len)) = line(input)? else {
        return Ok(None);
    };
    let text = line.get(1..).unwrap_or_default();
    let response = if kind == WARNING {
        Response::Warning(text)
    } else {
        Response::Fatal(text)
    };
    Ok(Some((response, len)))
}

/// Writes a `T` record; times before 1970 are sent as 1970, as OpenSSH does.
pub fn write_times(out: &mut Vec<u8>, mtime: i64, atime: i64) {
    out.extend_from_slice(format!("T{} 0 {} 0\n", mtime.max(0), atime.max(0)).as_bytes());
}

/// Writes a `C` record.
pub fn write_file(out: &mut Vec<u8>, mode: u32, size: u64, name: &[u8]) {
    write_entry(out, b'C', mode, size, name);
}

/// Writes a `D` record.
pub fn write_directory(out: &mut Vec<u8>, mode: u32, name: &[u8]) {
    write_entry(out, b'D', mode, 0, name);
}

/// Writes an `E` record.
pub fn write_end_directory(out: &mut Vec<u8>) {
    out.extend_from_slice(b"E\n");
}

/// Says that one file or directory failed; the rest goes on.
pub fn write_warning(out: &mut Vec<u8>, what: &[u8], reason: &str) {
    write_message(out, WARNING, what, reason);
}

/// Says that nothing more will be done.
pub fn write_fatal(out: &mut Vec<u8>, what: &[u8], reason: &str) {
    write_message(out, FATAL, what, reason);
}

fn line(input: &[u8]) -> Result<Option<(&[u8], usize)>, Malformed> {
    let head = input.get(..MAX_RECORD_LEN).unwrap_or(input);
    match head.iter().position(|byte| *byte == b'\n') {
        Some(end) => Ok(head.get(..end).map(|line| (line, end + 1))),
        None if head.len() == MAX_RECORD_LEN => Err(Malformed("record too long")),
        None => Ok(None),
    }
}

fn times(fields: &[u8]) -> Result<Record<'_>, Malformed> {
    const BAD: Malformed = Malformed("bad times");
    let mut fields = fields.split(|byte| *byte == b' ');
    let mut next = || number(fields.next().unwrap_or_default()).ok_or(BAD);
    let (mtime, mtime_micros) = (next()?, next()?);
    let (atime, atime_micros) = (next()?, next()?);
    if fields.next().is_some() || mtime_micros.max(atime_micros) > 999_999 {
        return Err(BAD);
    }
    Ok(Record::Times { mtime, atime })
}

fn entry(fields: &[u8]) -> Result<(u32, u64, &[u8]), Malformed> {
    let mut fields = fields.splitn(3, |byte| *byte == b' ');
    let mode = fields.next().and_then(mode).ok_or(Malformed("bad mode"))?;
    let size = fields
        .next()
        .and_then(number)
        .ok_or(Malformed("bad size"))?;
    let name = fields.next().ok_or(Malformed("name not present"))?;
    if !is_acceptable(name) {
        return Err(Malformed("unexpected filename"));
    }
    Ok((mode, size, name))
}

fn mode(digits: &[u8]) -> Option<u32> {
    let digits: &[u8; 4] = digits.try_into().ok()?;
    digits.iter().try_fold(0, |mode, digit| match digit {
        b'0'..=b'7' => Some(mode << 3 | u32::from(digit - b'0')),
        _ => None,
    })
}

/// Decimal digits up to 2^63-1.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (number <= i64::MAX.unsigned_abs()).then_some(number)
}

/// One path component without control characters.
fn is_acceptable(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..")
        && !name
            .iter()
            .any(|byte| *byte == b'/' || byte.is_ascii_control())
}

fn write_entry(out: &mut Vec<u8>, kind: u8, mode: u32, size: u64, name: &[u8]) {
    out.push(kind);
    out.extend_from_slice(format!("{:04o} {size} ", mode & MODE_BITS).as_bytes());
    write_name(out, name);
    out.push(b'\n');
}

/// A newline would end the record: a name with one is written as vis(3) has it, as OpenSSH does.
fn write_name(out: &mut Vec<u8>, name: &[u8]) {
    if !name.contains(&b'\n') {
        return out.extend_from_slice(name);
    }
    for byte in name {
        match byte {
            b'\n' => out.extend_from_slice(b"\\^J"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            other => out.push(*other),
        }
    }
}

fn write_message(out: &mut Vec<u8>, kind: u8, what: &[u8], reason: &str) {
    out.push(kind);
    out.extend_from_slice(b"scp: ");
    let separator = if what.is_empty() { "" } else { ": " };
    let text = [what, separator.as_bytes(), reason.as_bytes()];
    // One line, whatever a name holds: the other side prints it on a terminal.
    out.extend(text.into_iter().flatten().map(|byte| match byte {
        control if control.is_ascii_control() => b'?',
        other => *other,
    }));
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
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
}
