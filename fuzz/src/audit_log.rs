use sftpgo_audit::{Chain, FileReport, Head, Key, Link, Note, Record, Tail, Verifier};

use crate::{chosen, first_line};

/// A head in the first line and a file of an audit log behind it, with or without a key.
pub fn audit_log(data: &[u8]) {
    let (choice, data) = chosen(data);
    let (head, lines) = first_line(data);
    let head = [head, b"\n"].concat();
    let keys: Vec<_> = (0..choice % 3)
        .filter_map(|index| Key::of(&[index; 32]))
        .collect();
    let verify = |lines: &[u8], head: Option<&[u8]>| {
        let mut verifier = Verifier::new(keys.clone());
        verifier.file(lines, head, choice & 4 != 0).unwrap()
    };
    let report = verify(lines, Some(&head));
    let count = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert!(report.lines <= count);
    if let Ok((head, _)) = Head::parse(&head, &keys)
        && report.is_good()
        && report.lines > 0
    {
        let last = report.last.unwrap();
        assert!(last.number >= head.last.number, "a cut is found");
    }
    go_on(lines, &verify);
}

/// Verifies lines with a head or without.
type Verify<'a> = &'a dyn Fn(&[u8], Option<&[u8]>) -> FileReport;

/// Whoever goes on behind what is there makes nothing worse, and is followed by whoever comes then.
fn go_on(lines: &[u8], verify: Verify<'_>) {
    let (last, rest) = match Tail::of(lines) {
        Some(tail) => (tail.last, tail.rest),
        None => (Link::start(), lines),
    };
    if last.number > u64::MAX - 2 {
        return;
    }
    let mut chain = Chain::after(last, None);
    let mut bytes = lines.to_vec();
    if !rest.is_empty() {
        bytes.push(b'\n');
        chain.append(
            &Record::of_torn("2026-01-31T12:00:00.000Z", rest),
            &mut bytes,
        );
    }
    chain.append(
        &Record::new("2026-01-31T12:00:00.000Z", "login"),
        &mut bytes,
    );
    let tail = Tail::of(&bytes).unwrap();
    assert_eq!((tail.last, tail.rest), (chain.last(), &b""[..]));
    let after = verify(&bytes, None);
    let is_torn_end = |note: &Note| matches!(note, Note::TornEnd { .. });
    assert!(!after.notes.iter().any(is_torn_end), "{after:?}");
    if after.is_good() {
        assert_eq!(after.last, Some(chain.last()));
    }
}
