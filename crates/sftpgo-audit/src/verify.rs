//! Are these the lines that were written, all of them, in this order?

mod problem;

use std::io::{self, BufRead, Read};

use crate::{
    BadHead, Digest, Head, Key, Link,
    line::{Line, Sealed, Tells},
};

pub use self::problem::{Finding, Note, Problem};

/// A longer line is none of an audit log: two paths, escaped, are shorter.
const LONGEST_LINE: u64 = 256 * 1024;
/// Findings of one file that are kept; the rest is counted.
const MOST_FINDINGS: usize = 100;

/// Verifies the files of one log, one after the other, in the order in which they were written.
pub struct Verifier {
    keys: Vec<Key>,
    /// Keys before this one are not in use any more.
    key: usize,
    /// The number of the last line; none before the first one that was read.
    last: Option<Link>,
    /// A line with an HMAC was read.
    is_keyed: bool,
}

/// What was found in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Lines of the chain.
    pub lines: u64,
    /// The number of the first one.
    pub first: Option<u64>,
    /// The last one.
    pub last: Option<Link>,
    /// What another hand did, in the order of the lines.
    pub findings: Vec<Finding>,
    /// More than these findings.
    pub more_findings: u64,
    /// What nobody is to be blamed for.
    pub notes: Vec<Note>,
}

impl FileReport {
    /// Nothing was found that another hand did.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, line: Option<u64>, problem: Problem) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding { line, problem });
        } else {
            self.more_findings += 1;
        }
    }
}

impl Verifier {
    /// With the keys with which lines may be sealed, the oldest first: once a line has one of them, the older ones are good
    /// for none. Without keys HMACs are not compared.
    pub fn new(keys: Vec<Key>) -> Self {
        Self {
            keys,
            key: 0,
            last: None,
            is_keyed: false,
        }
    }

    /// Verifies the next file. `head` has the bytes of its head; without one nothing says where the file has to end, but
    /// for the file that follows: `is_followed` says that there is one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn file(
        &mut self,
        lines: impl BufRead,
        head: Option<&[u8]>,
        is_followed: bool,
    ) -> io::Result<FileReport> {
        let mut report = FileReport::default();
        // Keys that are not in use any more are good for no head either.
        let keys = self.keys.get(self.key..).unwrap_or_default();
        let read = match head.map(|head| Head::parse(head, keys)) {
            Some(Ok(read)) => Some(read),
            Some(Err(why)) => {
                report.find(None, Problem::BadHead(why));
                None
            }
            None if is_followed => None,
            None => {
                report.find(None, Problem::NoHead);
                None
            }
        };
        // The first line behind such a head is sealed as the head is.
        self.is_keyed |= read.is_some_and(|(head, is_keyed)| is_keyed && head.is_of_empty_file());
        let mut reading = Reading {
            verifier: self,
            report,
            head: read.map(|(head, _)| head),
            is_head_keyed: read.is_none_or(|(_, is_keyed)| is_keyed),
            is_followed,
            is_head_seen: false,
            strange: Strange::default(),
            is_suspicious: false,
        };
        reading.lines(lines)?;
        Ok(reading.finish())
    }

    /// Why the seal of a line is not good.
    fn refuse(&mut self, sealed: &Sealed<'_>) -> Option<Problem> {
        if !sealed.has_key() {
            if self.is_keyed {
                return Some(Problem::WithoutKey);
            }
            return (!sealed.fits(None)).then_some(Problem::Changed);
        }
        self.is_keyed = true;
        if self.keys.is_empty() {
            return None;
        }
        let mut candidates = self.keys.iter().enumerate().skip(self.key);
        match candidates.find(|(_, key)| sealed.fits(Some(key))) {
            Some((index, _)) => {
                self.key = index;
                None
            }
            None => Some(Problem::ChangedOrOtherKey),
        }
    }
}

/// What was read since the last line of the chain, and is none.
#[derive(Default)]
struct Strange {
    /// The first of it, as the file counts lines.
    line: u64,
    lines: u64,
    /// The bytes, without the end of the last line; of what is too long to have been torn they do not matter.
    bytes: Vec<u8>,
}

struct Reading<'a> {
    verifier: &'a mut Verifier,
    report: FileReport,
    head: Option<Head>,
    is_head_keyed: bool,
    is_followed: bool,
    /// The last line that the head tells of is there.
    is_head_seen: bool,
    strange: Strange,
    /// What the line before says of itself is not to be relied on.
    is_suspicious: bool,
}

impl Reading<'_> {
    fn lines(&mut self, mut lines: impl BufRead) -> io::Result<()> {
        let mut text = Vec::new();
        let mut number = 0;
        loop {
            text.clear();
            lines
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut text)?;
            if text.is_empty() {
                return Ok(());
            }
            number += 1;
            match text.strip_suffix(b"\n") {
                Some(line) => match Line::parse(line) {
                    Some(parsed) => self.line(number, &parsed),
                    None => self.strange(number, line),
                },
                // The end of the file, or what is too long.
                None if (text.len() as u64) < LONGEST_LINE => {
                    return self.end_without_newline(number, &text);
                }
                None => self.strange(number, &text),
            }
        }
    }

    fn strange(&mut self, number: u64, bytes: &[u8]) {
        let strange = &mut self.strange;
        if strange.lines == 0 {
            strange.line = number;
            strange.bytes.clear();
            strange.bytes.extend_from_slice(bytes);
        }
        strange.lines += 1;
    }

    fn line(&mut self, number: u64, line: &Line<'_>) {
        let replaced = self.pass_strange(number, line);
        let refused = self.verifier.refuse(&line.sealed);
        let expected = self.verifier.last.map(|last| last.number.saturating_add(1));
        if self.report.lines == 0 {
            self.begin(number, line);
        }
        let is_refused = refused.is_some();
        let mut link = line.link;
        match (refused, self.verifier.last) {
            (Some(problem), _) => {
                self.report.find(Some(number), problem);
                // Its number may be what was changed.
                link.number = expected.unwrap_or(link.number);
            }
            (None, last) => {
                if let Some(last) = last {
                    self.follow(number, line, last, replaced);
                }
                self.hear(number, line);
            }
        }
        self.is_suspicious = is_refused;
        self.verifier.last = Some(link);
        self.report.lines += 1;
        self.report.last = Some(link);
        if let Some(head) = self.head
            && head.last.number == link.number
        {
            self.see_head();
            if head.last.digest != link.digest && !is_refused {
                self.report
                    .find(Some(number), Problem::NotOfHead(link.number));
            }
        }
    }

    /// Was what stands before `line` torn, as it says? Returns how many lines may stand for others that were there.
    fn pass_strange(&mut self, number: u64, line: &Line<'_>) -> u64 {
        let strange = std::mem::take(&mut self.strange);
        let Strange {
            line: at, lines, ..
        } = strange;
        let torn = match line.tells {
            Tells::Torn { bytes, digest } => Some((bytes, digest)),
            _ => None,
        };
        if lines == 0 {
            if torn.is_some() {
                self.report.find(Some(number), Problem::TornIsMissing);
            }
            return 0;
        }
        let is_told = torn.is_some_and(|(bytes, digest)| {
            lines == 1
                && self.is_beginning(&strange.bytes)
                && bytes == strange.bytes.len() as u64
                && digest == Digest::of(&strange.bytes)
        });
        if is_told {
            self.report.notes.push(Note::Torn { line: at });
            return 0;
        }
        self.report.find(Some(at), Problem::NoLine { lines });
        self.is_suspicious = true;
        lines
    }

    /// What a line that is good says of the log.
    fn hear(&mut self, number: u64, line: &Line<'_>) {
        match line.tells {
            Tells::Cut { found, expected } => self
                .report
                .find(Some(number), Problem::ToldCut { found, expected }),
            Tells::Headless => self.report.find(Some(number), Problem::ToldHeadless),
            Tells::Lost { lines } => self.report.notes.push(Note::Lost {
                line: number,
                lines,
            }),
            Tells::Nothing | Tells::Torn { .. } => {}
        }
    }

    /// Can a crash have left this of the next line?
    fn is_beginning(&self, bytes: &[u8]) -> bool {
        let beginning = match self.verifier.last {
            Some(last) => format!("{{\"seq\":{},", last.number.saturating_add(1)),
            None => "{\"seq\":".to_owned(),
        };
        bytes.starts_with(beginning.as_bytes()) || beginning.as_bytes().starts_with(bytes)
    }

    /// The first line of a file.
    fn begin(&mut self, number: u64, line: &Line<'_>) {
        let first = line.link.number;
        self.report.first = Some(first);
        let start = Link::start();
        if self.verifier.last.is_none() {
            if first == 1 {
                if line.prev != start.digest {
                    self.report.find(Some(number), Problem::NoStart);
                }
            } else {
                self.report.notes.push(Note::StartsAt(first));
            }
        }
        let Some(head) = self.head else {
            return;
        };
        if head.first != first {
            self.report.find(
                Some(number),
                Problem::NotFirst {
                    head: head.first,
                    first,
                },
            );
        }
        // The head was written before any line of the file.
        if head.is_of_empty_file() {
            self.is_head_seen = true;
            if head.last.digest != line.prev {
                self.report
                    .find(Some(number), Problem::NotOfHead(head.last.number));
            }
        }
    }

    /// From the last line that the head tells of, everything has an HMAC if the head has one.
    fn see_head(&mut self) {
        self.is_head_seen = true;
        self.verifier.is_keyed |= self.is_head_keyed;
    }

    fn follow(&mut self, number: u64, line: &Line<'_>, last: Link, replaced: u64) {
        let expected = last.number.saturating_add(1);
        let found = line.link.number;
        if found < expected {
            self.report.find(
                Some(number),
                Problem::OutOfOrder {
                    number: found,
                    last: last.number,
                },
            );
        } else if found > expected.saturating_add(replaced) {
            self.report.find(
                Some(number),
                Problem::Missing {
                    from: expected,
                    to: found - 1,
                },
            );
        } else if line.prev != last.digest && !self.is_suspicious {
            self.report.find(Some(number), Problem::NotFollowing);
        }
    }

    fn end_without_newline(&mut self, number: u64, text: &[u8]) -> io::Result<()> {
        if self.strange.lines == 0 && self.is_beginning(text) {
            self.report.notes.push(Note::TornEnd {
                line: number,
                bytes: text.len() as u64,
            });
        } else {
            self.strange(number, text);
        }
        Ok(())
    }

    fn finish(mut self) -> FileReport {
        let Strange { line, lines, .. } = self.strange;
        if lines > 0 {
            self.report.find(Some(line), Problem::NoLine { lines });
        }
        if self.head.is_some() && self.report.lines == 0 {
            self.see_head();
        }
        self.compare_keys();
        let Some(head) = self.head else {
            return self.report;
        };
        let before_first = head.first.saturating_sub(1);
        let last = self.report.last.map_or(before_first, |last| last.number);
        if head.last.number > last {
            self.report.find(
                None,
                Problem::Cut {
                    head: head.last.number,
                    last,
                },
            );
        } else if !self.is_head_seen || !self.is_head_of_chain(head) {
            self.report.find(None, Problem::NotOfHead(head.last.number));
        } else if last > head.last.number {
            self.report.notes.push(Note::NotAnchored {
                from: head.last.number.saturating_add(1),
                to: last,
            });
        }
        if self.verifier.is_keyed && !self.is_head_keyed {
            self.report
                .find(None, Problem::BadHead(BadHead::WithoutKey));
        }
        self.report
    }

    /// The head of an empty file tells of the last line of the file before.
    fn is_head_of_chain(&self, head: Head) -> bool {
        self.report.lines > 0 || self.verifier.last.is_none_or(|last| last == head.last)
    }

    /// Lines without HMACs are good if they are chained to one that has one, or to a head that has one.
    fn compare_keys(&mut self) {
        let (is_keyed, has_keys) = (self.verifier.is_keyed, !self.verifier.keys.is_empty());
        let is_something = self.verifier.last.is_some() || self.head.is_some();
        if is_keyed && !has_keys {
            self.report.notes.push(Note::HmacNotCompared);
        } else if !is_keyed && has_keys && !self.is_followed && is_something {
            self.report.find(None, Problem::NoHmac);
        }
    }
}
