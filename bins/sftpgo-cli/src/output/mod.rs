//! What people and scripts get to read. The only module that prints.

mod table;

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::{
    exit::{Failure, Result},
    values::text,
};

pub(crate) use table::{Table, fields};

/// The reader for whom to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, sizes and dates for people
    Table,
    /// The server's data, for scripts
    Json,
}

impl Format {
    /// Tells people what has just been done; JSON comes when all is.
    pub(crate) fn progress(self, words: &str) -> Result<()> {
        match self {
            Self::Table => raw(format!("{}\n", text::visible(words)).as_bytes()),
            Self::Json => Ok(()),
        }
    }

    /// Prints `data`: as JSON, or as the text that `table` makes of it.
    pub(crate) fn print<T: Serialize + ?Sized>(
        self,
        data: &T,
        table: impl FnOnce(&T) -> String,
    ) -> Result<()> {
        match self {
            Self::Table => raw(table(data).as_bytes()),
            Self::Json => {
                let json = serde_json::to_string_pretty(data).map_err(io::Error::from)?;
                raw(format!("{}\n", text::visible_json(&json)).as_bytes())
            }
        }
    }
}

/// Says beside the answer what whoever gets it should know.
pub(crate) fn note(words: &str) {
    let line = format!("note: {}\n", text::visible(words));
    // The answer is worth having without it.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Returns standard output for an answer too long to be held: written piece by piece, and flushed by whoever writes.
pub(crate) fn stdout() -> impl Write {
    BufWriter::new(io::stdout().lock())
}

/// Prints bytes as they are. Whoever reads through `head` has what they wanted when the pipe breaks.
pub(crate) fn raw(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

/// Asks on stderr, so that stdout holds only answers.
pub(crate) fn question(text: &str) -> Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text::visible(text).as_bytes())?;
    Ok(stderr.flush()?)
}

/// Says why a command was not done.
pub(crate) fn failure(failure: &Failure) {
    // The server's words may quote a name.
    let line = format!("error: {}\n", text::visible(&failure.to_string()));
    // Without stderr only the exit code is left to tell.
    let _ = io::stderr().write_all(line.as_bytes());
}
