//! What the verifier says of what was done to a file, by which line.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use sftpgo_audit::{Chain, FileReport, Head, Key, Link, Note, Problem, Record, Tail, Verifier};

fn key(byte: u8) -> Key {
    Key::of(&[byte; 32]).unwrap()
}

/// A file of a log, and its head.
#[derive(Clone)]
struct File {
    lines: Vec<u8>,
    head: Vec<u8>,
}

fn record(number: u64) -> Record {
    Record::new("2026-01-31T12:00:00.000Z", "upload")
        .with("username", "alice")
        .with("size_bytes", number)
}

/// Adds a file with so many lines to the chain.
fn file(chain: &mut Chain, count: u64) -> File {
    let first = chain.last().number + 1;
    let mut lines = Vec::new();
    for number in 0..count {
        chain.append(&record(number), &mut lines);
    }
    let head = Head {
        first,
        last: chain.last(),
    };
    File {
        lines,
        head: head.to_bytes(chain.key()),
    }
}

fn new_file(count: u64, key: Option<Key>) -> File {
    file(&mut Chain::after(Link::start(), key), count)
}

fn verify(file: &File, keys: &[Key]) -> FileReport {
    Verifier::new(keys.to_vec())
        .file(&file.lines[..], Some(&file.head), false)
        .unwrap()
}

fn problems(report: &FileReport) -> Vec<(Option<u64>, Problem)> {
    let findings = report.findings.iter().cloned();
    findings
        .map(|finding| (finding.line, finding.problem))
        .collect()
}

fn lines_of(file: &File) -> Vec<Vec<u8>> {
    let lines = file.lines.split_inclusive(|byte| *byte == b'\n');
    lines.map(<[u8]>::to_vec).collect()
}

fn changed(file: &File, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> File {
    let mut lines = lines_of(file);
    change(&mut lines);
    File {
        lines: lines.concat(),
        head: file.head.clone(),
    }
}

fn replaced(line: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(line.to_vec()).unwrap();
    assert!(text.contains(from), "{text}");
    text.replace(from, to).into_bytes()
}

#[test]
fn a_line_is_as_the_documentation_says() {
    let file = new_file(1, None);
    let line = String::from_utf8(file.lines).unwrap();
    // As sha256sum says of the same bytes.
    assert_eq!(
        line,
        concat!(
            r#"{"seq":1,"time":"2026-01-31T12:00:00.000Z","event":"upload","username":"alice","size_bytes":0,"#,
            r#""prev":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","#,
            r#""hash":"d6620bcc411713a86f096653548c6701daa59c872a46add83a37cde8b5d7207e"}"#,
            "\n"
        )
    );
}

#[test]
fn what_was_written_is_good_with_and_without_a_key() {
    for (made_with, verified_with) in [
        (None, vec![]),
        (Some(key(1)), vec![key(1)]),
        (Some(key(2)), vec![key(1), key(2), key(3)]),
    ] {
        let report = verify(&new_file(5, made_with), &verified_with);
        assert!(report.is_good(), "{report:?}");
        assert_eq!(
            (report.lines, report.first, report.notes),
            (5, Some(1), vec![])
        );
    }
    let report = verify(&new_file(5, Some(key(1))), &[]);
    assert!(report.is_good());
    assert_eq!(report.notes, [Note::HmacNotCompared]);
    assert!(Key::of(&[7; 31]).is_none());
}

#[test]
fn each_change_is_told_by_its_line_and_its_kind() {
    let file = new_file(6, None);
    for (change, expected) in [
        (
            changed(&file, |lines| {
                lines[2] = replaced(&lines[2], "alice", "bobby")
            }),
            (Some(3), Problem::Changed),
        ),
        (
            changed(&file, |lines| drop(lines.remove(3))),
            (Some(4), Problem::Missing { from: 4, to: 4 }),
        ),
        (
            changed(&file, |lines| lines.insert(3, b"{\"seq\":4}\n".to_vec())),
            (Some(4), Problem::NoLine { lines: 1 }),
        ),
        (
            changed(&file, |lines| lines[3] = b"{\"seq\":4}\n".to_vec()),
            (Some(4), Problem::NoLine { lines: 1 }),
        ),
        (
            changed(&file, |lines| lines.insert(3, lines[1].clone())),
            (Some(4), Problem::OutOfOrder { number: 2, last: 3 }),
        ),
        (
            changed(&file, |lines| drop(lines.drain(4..))),
            (None, Problem::Cut { head: 6, last: 4 }),
        ),
        (
            changed(&file, |lines| drop(lines.drain(..2))),
            (Some(1), Problem::NotFirst { head: 1, first: 3 }),
        ),
        (
            changed(&file, Vec::clear),
            (None, Problem::Cut { head: 6, last: 0 }),
        ),
    ] {
        let found = problems(&verify(&change, &[]));
        assert_eq!(found.first(), Some(&expected), "{found:?}");
    }
    let swapped = verify(&changed(&file, |lines| lines.swap(2, 3)), &[]);
    assert_eq!(
        problems(&swapped)[..2],
        [
            (Some(3), Problem::Missing { from: 3, to: 3 }),
            (Some(4), Problem::OutOfOrder { number: 3, last: 4 })
        ]
    );
}

/// Who has no key can only make hashes.
#[test]
fn what_was_made_anew_without_the_key_is_found() {
    let file = new_file(6, Some(key(1)));
    let mut lines = lines_of(&file);
    lines.truncate(4);
    let last = Tail::of(&lines.concat()).unwrap().last;
    for forger in [None, Some(key(9))] {
        let problem = match forger {
            None => Problem::WithoutKey,
            Some(_) => Problem::ChangedOrOtherKey,
        };
        let mut chain = Chain::after(last, forger.clone());
        let mut forged = lines.concat();
        chain.append(&record(0), &mut forged);
        chain.append(&record(0), &mut forged);
        let head = Head {
            first: 1,
            last: chain.last(),
        };
        let forged = File {
            lines: forged,
            head: head.to_bytes(chain.key()),
        };
        let found = problems(&verify(&forged, &[key(1)]));
        assert!(found.contains(&(Some(5), problem)), "{found:?}");
        assert!(
            found
                .iter()
                .any(|(_, problem)| matches!(problem, Problem::BadHead(_))),
            "{found:?}"
        );
    }
    let anew = verify(&new_file(6, None), &[key(1)]);
    assert_eq!(problems(&anew), [(None, Problem::NoHmac)]);
    let wrong = verify(&file, &[key(2)]);
    assert!(problems(&wrong).contains(&(Some(1), Problem::ChangedOrOtherKey)));
}

/// A server that was started once makes an empty file with a head.
#[test]
fn what_was_made_anew_without_the_key_is_found_behind_an_empty_file() {
    for (count, with_key, is_good) in [
        (6, None, false),
        (0, None, false),
        // The head with an HMAC, which is written when a key is switched on.
        (6, Some(key(1)), true),
        (0, Some(key(1)), true),
    ] {
        let mut chain = Chain::after(Link::start(), None);
        let first = file(&mut chain, count);
        let mut chain = Chain::after(chain.last(), with_key);
        let empty = file(&mut chain, 0);
        let mut verifier = Verifier::new(vec![key(1)]);
        if count > 0 {
            let report = verifier
                .file(&first.lines[..], Some(&first.head), true)
                .unwrap();
            assert!(report.is_good(), "{report:?}");
        }
        let report = verifier.file(&[][..], Some(&empty.head), false).unwrap();
        let expected = match is_good {
            true => vec![],
            false => vec![(None, Problem::NoHmac)],
        };
        assert_eq!(problems(&report), expected, "{count}");
    }
}

#[test]
fn a_head_with_an_hmac_proves_the_lines_before_it_and_no_line_behind_it() {
    let mut chain = Chain::after(Link::start(), None);
    let plain = file(&mut chain, 3);
    let head = Head {
        first: 1,
        last: chain.last(),
    };
    let mut switched_on = File {
        lines: plain.lines,
        head: head.to_bytes(Some(&key(1))),
    };
    assert!(verify(&switched_on, &[key(1)]).is_good());
    chain.append(&record(0), &mut switched_on.lines);
    assert_eq!(
        problems(&verify(&switched_on, &[key(1)])),
        [(Some(4), Problem::WithoutKey)]
    );
}

#[test]
fn the_head_of_an_empty_file_follows_the_file_before() {
    let mut chain = Chain::after(Link::start(), None);
    let first = file(&mut chain, 3);
    let empty = file(&mut chain, 0);
    let other = {
        let mut chain = Chain::after(Link::start(), None);
        file(&mut chain, 2);
        chain.append(&record(9), &mut Vec::new());
        file(&mut chain, 0)
    };
    let shorter = file(&mut Chain::after(Link::start(), None), 0);
    for (second, number) in [(empty, None), (other, Some(3)), (shorter, Some(0))] {
        let mut verifier = Verifier::new(Vec::new());
        verifier
            .file(&first.lines[..], Some(&first.head), true)
            .unwrap();
        let report = verifier.file(&[][..], Some(&second.head), false).unwrap();
        let expected = number.map(|number| (None, Problem::NotOfHead(number)));
        assert_eq!(problems(&report), Vec::from_iter(expected));
    }
}

#[test]
fn a_key_that_was_replaced_is_good_for_older_lines_only() {
    let mut chain = Chain::after(Link::start(), None);
    let first = file(&mut chain, 2);
    let mut chain = Chain::after(chain.last(), Some(key(1)));
    let second = file(&mut chain, 2);
    let mut chain = Chain::after(chain.last(), Some(key(2)));
    let third = file(&mut chain, 2);
    let all_good = |keys: &[Key], files: &[&File]| {
        let mut verifier = Verifier::new(keys.to_vec());
        let count = files.len();
        files.iter().enumerate().all(|(index, file)| {
            verifier
                .file(&file.lines[..], Some(&file.head), index + 1 < count)
                .unwrap()
                .is_good()
        })
    };
    assert!(all_good(&[key(1), key(2)], &[&first, &second, &third]));
    assert!(!all_good(&[key(2), key(1)], &[&first, &second, &third]));
    let mut forged = Chain::after(chain.last(), Some(key(1)));
    let forged = file(&mut forged, 1);
    assert!(!all_good(
        &[key(1), key(2)],
        &[&first, &second, &third, &forged]
    ));
}

#[test]
fn files_of_one_log_are_chained_and_a_missing_one_shows() {
    let mut chain = Chain::after(Link::start(), None);
    let files = [2, 3, 1].map(|count| file(&mut chain, count));
    let verify = |files: &[&File], with_heads: bool| {
        let mut verifier = Verifier::new(Vec::new());
        let count = files.len();
        let reports = files.iter().enumerate().map(|(index, file)| {
            let head = with_heads.then_some(&file.head[..]);
            verifier
                .file(&file.lines[..], head, index + 1 < count)
                .unwrap()
        });
        reports.collect::<Vec<_>>()
    };
    let [first, second, third] = &files;
    assert!(
        verify(&[first, second, third], true)
            .iter()
            .all(FileReport::is_good)
    );
    // The one that follows says where a file has to end.
    let without_heads = verify(&[first, second, third], false);
    assert!(without_heads[..2].iter().all(FileReport::is_good));
    assert_eq!(problems(&without_heads[2]), [(None, Problem::NoHead)]);
    let without_second = verify(&[first, third], true);
    assert_eq!(
        problems(&without_second[1]),
        [(Some(1), Problem::Missing { from: 3, to: 5 })]
    );
    let alone = verify(&[second], true);
    assert!(alone[0].is_good());
    assert_eq!(alone[0].notes, [Note::StartsAt(3)]);
}

#[test]
fn lines_behind_the_head_are_good_and_said() {
    let mut chain = Chain::after(Link::start(), None);
    let mut file = file(&mut chain, 2);
    chain.append(&record(0), &mut file.lines);
    let report = verify(&file, &[]);
    assert!(report.is_good());
    assert_eq!(report.notes, [Note::NotAnchored { from: 3, to: 3 }]);
    // The head of a file that was just begun.
    let begun = Head {
        first: 1,
        last: Link::start(),
    };
    file.head = begun.to_bytes(None);
    assert!(verify(&file, &[]).is_good());
    file.lines.clear();
    assert!(verify(&file, &[]).is_good());
}

#[test]
fn what_the_log_says_of_itself_is_heard() {
    let mut chain = Chain::after(Link::start(), None);
    let mut lines = Vec::new();
    let time = "2026-01-31T12:00:00.000Z";
    chain.append(&Record::of_lost(time, 7, time), &mut lines);
    chain.append(&Record::of_cut(time, 3, 9), &mut lines);
    let head = Head {
        first: 1,
        last: chain.last(),
    };
    let head = head.to_bytes(None);
    let report = verify(&File { lines, head }, &[]);
    assert_eq!(report.notes, [Note::Lost { line: 1, lines: 7 }]);
    let cut = Problem::ToldCut {
        found: 3,
        expected: 9,
    };
    assert_eq!(problems(&report), [(Some(2), cut)]);
}

#[test]
fn a_torn_line_is_told_from_a_changed_one() {
    let mut chain = Chain::after(Link::start(), Some(key(1)));
    let whole = file(&mut chain, 3);
    let mut torn = whole.lines.clone();
    let mut lost = chain.clone();
    let mut line = Vec::new();
    lost.append(&record(9), &mut line);
    torn.extend_from_slice(&line[..40]);
    let keys = [key(1)];
    let crashed = File {
        lines: torn.clone(),
        head: whole.head.clone(),
    };
    let report = verify(&crashed, &keys);
    assert!(report.is_good());
    assert_eq!(report.notes, [Note::TornEnd { line: 4, bytes: 40 }]);

    let tail = Tail::of(&torn[50..]).unwrap();
    assert_eq!(tail.last, chain.last());
    assert_eq!(tail.rest, &line[..40]);
    let of_torn = Record::of_torn("2026-01-31T12:00:01.000Z", tail.rest);
    torn.push(b'\n');
    chain.append(&of_torn, &mut torn);
    chain.append(&record(0), &mut torn);
    let head = Head {
        first: 1,
        last: chain.last(),
    };
    let gone_on = File {
        lines: torn,
        head: head.to_bytes(chain.key()),
    };
    let report = verify(&gone_on, &keys);
    assert!(report.is_good(), "{report:?}");
    assert_eq!(report.notes, [Note::Torn { line: 4 }]);
    let other = changed(&gone_on, |lines| {
        lines[3] = replaced(&lines[3], "seq", "sEq")
    });
    assert_eq!(
        problems(&verify(&other, &keys)),
        [(Some(4), Problem::NoLine { lines: 1 })]
    );
    let removed = changed(&gone_on, |lines| drop(lines.remove(3)));
    assert_eq!(
        problems(&verify(&removed, &keys)),
        [(Some(4), Problem::TornIsMissing)]
    );
}

#[test]
fn names_cannot_leave_their_field() {
    let mut chain = Chain::after(Link::start(), None);
    let name = "a\"\n\u{1b}[2J\u{202e}\",\"hash\":\"";
    let record = Record::new("2026-01-31T12:00:00.000Z", "login").with("username", name);
    let mut lines = Vec::new();
    chain.append(&record, &mut lines);
    let text = String::from_utf8(lines.clone()).unwrap();
    assert_eq!(text.matches('\n').count(), 1);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["username"], name);
    assert_eq!(Tail::of(&lines).unwrap().last, chain.last());
}
