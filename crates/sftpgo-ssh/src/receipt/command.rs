//! `receipt FILE`: prints the statement of a file and its signature, one behind the other.

use sftpgo_core::{Error, Result, VirtualPath, session::Session};

use super::Reading;
use crate::{
    error_text::error_text,
    exec_program::{PIECE, Program, Step, Streams},
    host_key::HostKey,
    shell_words::Word,
};

/// The command.
pub struct ReceiptCommand {
    session: Session,
    key: HostKey,
    asked: Result<VirtualPath>,
    reading: Option<Reading>,
}

impl ReceiptCommand {
    /// Of the file that `words` name, signed with `key`.
    pub fn new(session: Session, key: HostKey, words: &[Word]) -> Self {
        Self {
            session,
            key,
            asked: path(words),
            reading: None,
        }
    }

    fn go_on(&mut self, streams: &mut Streams) -> Result<Step> {
        let Some(mut reading) = self.reading.take() else {
            let path = std::mem::replace(&mut self.asked, Err(usage()))?;
            self.reading = Some(Reading::begin(&self.session, path)?);
            return Ok(Step::Continue);
        };
        if !reading.go_on(PIECE)? {
            self.reading = Some(reading);
            return Ok(Step::Continue);
        }
        let receipt = reading.finish(self.session.username(), &self.key)?;
        streams
            .stdout
            .extend_from_slice(receipt.statement.as_bytes());
        streams
            .stdout
            .extend_from_slice(receipt.signature.as_bytes());
        Ok(Step::Done(0))
    }
}

impl Program for ReceiptCommand {
    fn step(&mut self, streams: &mut Streams) -> Step {
        if streams.output_lost() {
            return Step::Done(1);
        }
        // Computing is activity, however large the file is.
        self.session.connection().touch();
        self.go_on(streams).unwrap_or_else(|error| {
            let line = format!("receipt: {}\n", error_text(&error));
            streams.stderr.extend_from_slice(line.as_bytes());
            Step::Done(1)
        })
    }
}

fn path(words: &[Word]) -> Result<VirtualPath> {
    match words {
        [word] if !word.bytes().starts_with(b"-") => {
            VirtualPath::parse(word.without_tilde().bytes())
        }
        [dashes, word] if dashes.bytes() == b"--" => VirtualPath::parse(word.bytes()),
        _ => Err(usage()),
    }
}

fn usage() -> Error {
    Error::invalid("arguments", "name one file: receipt FILE")
}
