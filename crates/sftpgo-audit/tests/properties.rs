//! Whatever is done to the bytes of a log is found.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::{prelude::*, sample::Index};
use sftpgo_audit::{Chain, Head, Key, Link, Note, Record, Tail, Verifier};

#[derive(Debug, Clone)]
struct Log {
    is_keyed: bool,
    lines: Vec<Vec<u8>>,
    head: Vec<u8>,
    last: Link,
}

fn key() -> Key {
    Key::of(&[7; 40]).unwrap()
}

fn log() -> impl Strategy<Value = Log> {
    let names = prop::collection::vec(any::<String>(), 1..12);
    (names, any::<bool>(), 0_u64..1000).prop_map(|(names, is_keyed, before)| {
        let start = Link {
            number: before,
            ..Link::start()
        };
        let mut chain = Chain::after(start, is_keyed.then(key));
        let lines = names.iter().map(|name| {
            let record = Record::new("2026-01-31T12:00:00.000Z", "login").with("username", name);
            let mut line = Vec::new();
            chain.append(&record, &mut line);
            line
        });
        let lines = lines.collect();
        let head = Head {
            first: before + 1,
            last: chain.last(),
        };
        Log {
            is_keyed,
            lines,
            head: head.to_bytes(chain.key()),
            last: chain.last(),
        }
    })
}

impl Log {
    /// Can a crash have left this of the next line?
    fn is_beginning_of_next(&self, added: &str) -> bool {
        let beginning = format!("{{\"seq\":{},", self.last.number + 1);
        added.starts_with(&beginning) || beginning.starts_with(added)
    }

    fn is_good_as(&self, lines: &[u8], head: &[u8], knows_key: bool) -> bool {
        let keys = if self.is_keyed && knows_key {
            vec![key()]
        } else {
            Vec::new()
        };
        Verifier::new(keys)
            .file(lines, Some(head), false)
            .unwrap()
            .is_good()
    }

    /// With the key and without it: the chain and the head are enough for what is done without a plan.
    fn is_found(&self, lines: &[u8]) -> bool {
        [false, true]
            .into_iter()
            .all(|knows_key| !self.is_good_as(lines, &self.head, knows_key))
    }
}

proptest! {
    #[test]
    fn a_log_is_good_and_its_end_is_found(log in log(), torn in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut bytes = log.lines.concat();
        for knows_key in [false, true] {
            prop_assert!(log.is_good_as(&bytes, &log.head, knows_key));
        }
        let torn: Vec<_> = torn.into_iter().filter(|byte| *byte != b'\n').collect();
        bytes.extend_from_slice(&torn);
        let tail = Tail::of(&bytes).unwrap();
        prop_assert_eq!(tail.last, log.last);
        prop_assert_eq!(tail.rest, &torn[..]);
    }

    #[test]
    fn a_byte_that_was_changed_is_found(log in log(), at in any::<Index>(), by in 1_u8..=255) {
        let mut bytes = log.lines.concat();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        prop_assert!(log.is_found(&bytes), "{}", at);
    }

    #[test]
    fn a_byte_that_was_put_in_or_taken_out_is_found(log in log(), at in any::<Index>(), byte in any::<u8>()) {
        let mut bytes = log.lines.concat();
        let at = at.index(bytes.len());
        let taken = bytes.remove(at);
        prop_assert!(log.is_found(&bytes));
        bytes.insert(at, taken);
        bytes.insert(at, byte);
        prop_assert!(log.is_found(&bytes));
    }

    #[test]
    fn a_head_that_was_changed_is_found(log in log(), at in any::<Index>(), by in 1_u8..=255) {
        let mut head = log.head.clone();
        let at = at.index(head.len());
        head[at] ^= by;
        prop_assert!(!log.is_good_as(&log.lines.concat(), &head, true));
    }

    #[test]
    fn a_cut_anywhere_is_found(log in log(), at in any::<Index>()) {
        let mut bytes = log.lines.concat();
        bytes.truncate(at.index(bytes.len()));
        prop_assert!(log.is_found(&bytes));
    }

    #[test]
    fn lines_that_were_dropped_repeated_or_swapped_are_found(log in log(), a in any::<Index>(), b in any::<Index>()) {
        let (a, b) = (a.index(log.lines.len()), b.index(log.lines.len()));
        let mut dropped = log.lines.clone();
        dropped.remove(a);
        prop_assert!(log.is_found(&dropped.concat()));
        let mut repeated = log.lines.clone();
        repeated.insert(b, log.lines[a].clone());
        prop_assert!(log.is_found(&repeated.concat()));
        if a != b {
            let mut swapped = log.lines.clone();
            swapped.swap(a, b);
            prop_assert!(log.is_found(&swapped.concat()));
        }
    }

    /// But for the beginning of the next line, which a crash may leave.
    #[test]
    fn lines_of_another_hand_are_found(log in log(), added in "[ -~]{1,60}\n?") {
        prop_assume!(added.ends_with('\n') || !log.is_beginning_of_next(&added));
        prop_assert!(log.is_found(&[log.lines.concat(), added.into_bytes()].concat()));
    }
}

#[test]
fn the_beginning_of_the_next_line_is_noted_and_the_same_with_a_line_end_is_found() {
    let mut chain = Chain::after(Link::start(), None);
    let mut line = Vec::new();
    let record = Record::new("2026-01-31T12:00:00.000Z", "login").with("username", "");
    chain.append(&record, &mut line);
    let head = Head {
        first: 1,
        last: chain.last(),
    };
    let log = Log {
        is_keyed: false,
        lines: vec![line.clone()],
        head: head.to_bytes(None),
        last: chain.last(),
    };
    for added in ["{", "{\"seq\":2", "{\"seq\":2,\"time"] {
        assert!(log.is_beginning_of_next(added));
        let torn = [&line[..], added.as_bytes()].concat();
        let report = Verifier::new(Vec::new())
            .file(&torn[..], Some(&log.head), false)
            .unwrap();
        let bytes = added.len() as u64;
        assert!(report.is_good(), "{report:?}");
        assert_eq!(report.notes, [Note::TornEnd { line: 2, bytes }]);
        assert!(log.is_found(&[&torn[..], b"\n"].concat()), "{added}");
    }
    assert!(log.is_found(&[&line[..], b"{\"seq\":3"].concat()));
}
