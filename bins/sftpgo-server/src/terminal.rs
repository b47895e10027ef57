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
