//! What is found in a file, in words.

use std::fmt;

use crate::BadHead;

/// What another hand did, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, as the file counts them from 1; none where it is about the file.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a line or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The hash of a line is not that of its content.
    Changed,
    /// The HMAC of a line fits with none of the keys.
    ChangedOrOtherKey,
    /// A line without an HMAC behind one that has one.
    WithoutKey,
    /// No line has an HMAC, and there are keys.
    NoHmac,
    /// Lines that are none of an audit log, and were not torn.
    NoLine {
        /// How many.
        lines: u64,
    },
    /// A line tells of torn bytes before it, which are not there.
    TornIsMissing,
    /// The first line of a log follows another one.
    NoStart,
    /// Numbers are left out.
    Missing {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// A number is not greater than the one before.
    OutOfOrder {
        /// The number.
        number: u64,
        /// The one before.
        last: u64,
    },
    /// The numbers follow each other, the hashes do not.
    NotFollowing,
    /// The file begins with another line than its head says.
    NotFirst {
        /// The first line by the head.
        head: u64,
        /// The first line.
        first: u64,
    },
    /// The last line that the head tells of is another one.
    NotOfHead(u64),
    /// The file ends before the last line that the head tells of.
    Cut {
        /// The last line by the head.
        head: u64,
        /// The last line.
        last: u64,
    },
    /// The line says that the server found the log shorter than it was.
    ToldCut {
        /// The last line that was there.
        found: u64,
        /// The last line that had been written.
        expected: u64,
    },
    /// The line says that the server found no head that it could use.
    ToldHeadless,
    /// There is no head, and no file that follows.
    NoHead,
    /// The head is none.
    BadHead(BadHead),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("was changed: its hash is not that of its content"),
            Self::ChangedOrOtherKey => {
                f.write_str("was changed or written without the key: its HMAC is not that of its content with any key given")
            }
            Self::WithoutKey => {
                f.write_str("was written without the key: it has no HMAC, and lines before it have one")
            }
            Self::NoHmac => f.write_str("was written without the key: no line has an HMAC"),
            Self::NoLine { lines: 1 } => f.write_str(
                "was changed or added: it is no line of an audit log, and the line behind it does not tell of it as torn",
            ),
            Self::NoLine { lines } => write!(
                f,
                "was changed or added, as were {} more: they are no lines of an audit log",
                lines - 1
            ),
            Self::TornIsMissing => {
                f.write_str("tells of a torn line before it, which was removed")
            }
            Self::NoStart => f.write_str("has the number 1 and follows another line: what was before it is gone"),
            Self::Missing { from, to } if from == to => {
                write!(f, "does not follow the line before it: number {from} is missing")
            }
            Self::Missing { from, to } => write!(
                f,
                "does not follow the line before it: numbers {from} to {to} are missing"
            ),
            Self::OutOfOrder { number, last } => write!(
                f,
                "is out of order or repeated: its number is {number}, behind {last}"
            ),
            Self::NotFollowing => f.write_str(
                "does not follow the line before it: one of the two was changed or put there",
            ),
            Self::NotFirst { head, first } => write!(
                f,
                "has number {first}, and the head says that the file begins with {head}"
            ),
            Self::NotOfHead(number) => write!(
                f,
                "is not the line with number {number} that the head tells of"
            ),
            Self::Cut { head, last } => write!(
                f,
                "was cut: it ends with number {last}, and the head tells of number {head}"
            ),
            Self::ToldCut { found, expected } => write!(
                f,
                "tells that the log had been cut: it ended with number {found}, and number {expected} had been written"
            ),
            Self::ToldHeadless => f.write_str(
                "tells that the head had been removed or changed: lines before it may have been cut off",
            ),
            Self::NoHead => f.write_str(
                "has no head beside it, so nothing shows whether its end was cut",
            ),
            Self::BadHead(why) => write!(f, "has a head that was changed: {why}"),
        }
    }
}

/// What nobody is to be blamed for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A line was torn by a crash, as the line behind it tells.
    Torn {
        /// The line.
        line: u64,
    },
    /// The file ends within a line, behind everything that the head tells of.
    TornEnd {
        /// The line.
        line: u64,
        /// Its bytes.
        bytes: u64,
    },
    /// There was no room for lines.
    Lost {
        /// The line that tells of it.
        line: u64,
        /// How many.
        lines: u64,
    },
    /// The first file does not begin with the first line of the log.
    StartsAt(u64),
    /// Lines behind the head: they are chained, but if the last of them were missing, that would not show.
    NotAnchored {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// Lines have HMACs, and there is no key to compare them with.
    HmacNotCompared,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn { line } => write!(f, "line {line} was torn by a crash, as the line behind it tells"),
            Self::TornEnd { line, bytes } => write!(
                f,
                "line {line} ends after {bytes} bytes: a crash tore it, or the server is writing it"
            ),
            Self::Lost { line, lines } => write!(
                f,
                "line {line} tells of {lines} events before it that could not be written"
            ),
            Self::StartsAt(first) => write!(
                f,
                "the first line has number {first}; give the files before it too, to have what it follows verified"
            ),
            Self::NotAnchored { from, to } if from == to => write!(
                f,
                "number {from} is chained and not anchored in the head: if it were cut off, that would not show"
            ),
            Self::NotAnchored { from, to } => write!(
                f,
                "numbers {from} to {to} are chained and not anchored in the head: if they were cut off, that would not show"
            ),
            Self::HmacNotCompared => f.write_str(
                "HMACs were not compared, as no key was given: a chain that somebody made anew does not show",
            ),
        }
    }
}
