//! The only part that writes to the terminal. One that is gone must not end the server.

use std::io::{self, Write};

/// To standard output, with a line end.
pub(crate) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// To standard error, with a line end.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The same for `lines` that have their ends, when there are any.
pub(crate) fn complain_if_any(lines: &str) {
    if !lines.is_empty() {
        complain(lines.trim_end());
    }
}
