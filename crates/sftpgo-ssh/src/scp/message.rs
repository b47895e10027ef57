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
        /// The time of modification, in Unix seconds.
        mtime: u64,
        /// The time of access, in Unix seconds.
        atime: u64,
    },
    /// `C`: a file; its data follows the answer.
    File {
        /// Permission bits.
        mode: u32,
        /// Bytes of data, at most 2^63-1.
        size: u64,
        /// The name: one path component.
        name: &'a [u8],
    },
    /// `D`: a directory; its entries follow, and an `E`.
    Directory {
        /// Permission bits.
        mode: u32,
        /// The name: one path component.
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

/// Is it one path component without control characters?
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
mod tests;
