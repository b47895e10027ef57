//! The only part that writes to the terminal. One that is gone must not end the server.

use std::io::{self, IsTerminal, Write};

/// Writes to standard output, with a line end.
pub(crate) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes to standard output, in the place of the line that was written there by this before.
pub(crate) fn redraw(line: &str) {
    let mut out = io::stdout().lock();
    let _ = write!(out, "\r\x1b[K{line}").and_then(|()| out.flush());
}

/// Does somebody look at standard output?
pub(crate) fn is_seen() -> bool {
    io::stdout().is_terminal()
}

/// Writes to standard error, with a line end.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes `lines` that have their ends to standard error, when there are any.
pub(crate) fn complain_if_any(lines: &str) {
    if !lines.is_empty() {
        complain(lines.trim_end());
    }
}
