//! An audit log: lines of JSON that are chained by hashes, so that a line that was changed, dropped, moved or added shows.
//!
//! ```text
//! {"seq":7,"time":"…","event":"login",…,"prev":"<64 hex digits>","hash":"<64 hex digits>"}
//! ```
//!
//! - `seq` counts from 1, through all files of a log.
//! - `prev` is the SHA-256 of the whole line before, without its line end; of the first line it is that of no bytes.
//! - `hash` is the SHA-256 of what stands before `,"hash"` in the same line. With a key there is `hmac` in its place, the
//!   HMAC-SHA-256 of the same bytes, which nobody can make without the key.
//!
//! A new file of the same log goes on with the number and the hash of the last line of the file before. The *head* of a file
//! is a line beside it that says which of its lines was the last when the head was written, sealed as lines are: what was
//! cut off before there shows. Lines behind the head are good if they are chained; they are not anchored yet.
//!
//! A line that a crash tore has no line end. Who goes on with the log ends it and writes a line `audit_torn` behind it, with
//! the number and the SHA-256 of its bytes, so that it is told from a line that somebody broke. Who finds less than the head
//! tells of goes on behind that, and says so by a line `audit_cut`; who finds lines and no good head says so by a line
//! `audit_headless`. Records that could not be written are counted in a line
//! `audit_lost`.
//!
//! This crate knows no files, no clock, no users and no server. It makes and verifies bytes.

#![forbid(unsafe_code)]

mod digest;
mod head;
mod line;
mod record;
mod tail;
mod text;
mod verify;

pub use self::{
    digest::{Digest, Key},
    head::{BadHead, Head},
    line::{Chain, Link, first_number},
    record::Record,
    tail::Tail,
    text::escape_unseen,
    verify::{FileReport, Finding, Note, Problem, Verifier},
};
