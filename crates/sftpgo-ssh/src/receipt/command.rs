//! `receipt FILE`: prints the statement of a file and its signature, one behind the other.

use sftpgo_core::{Error, Result, VirtualPath, session::Session};

use super::{
    Terms,
    asked::{Asked, Outcome},
};
use crate::{
    error_text::error_text,
    exec_program::{PIECE, Program, Step, Streams},
    shell_words::Word,
};

/// The command.
pub struct ReceiptCommand {
    session: Session,
    terms: Terms,
    path: Result<VirtualPath>,
    asked: Option<Asked>,
}

impl ReceiptCommand {
    /// Of the file that `words` name, given on these terms.
    pub fn new(session: Session, terms: Terms, words: &[Word]) -> Self {
        Self {
            session,
            terms,
            path: path(words),
            asked: None,
        }
    }

    fn go_on(&mut self, streams: &mut Streams) -> Result<Step> {
        let asked = match self.asked.take() {
            Some(asked) => asked,
            None => {
                let path = std::mem::replace(&mut self.path, Err(usage()))?;
                Asked::begin(&self.session, path, &self.terms)?
            }
        };
        let (left, outcome) = asked.go_on(&self.session, &self.terms, PIECE)?;
        self.asked = left;
        match outcome {
            Outcome::Wait(wait) => streams.pause_for(wait),
            Outcome::More => {}
            Outcome::Done(receipt) => {
                streams
                    .stdout
                    .extend_from_slice(receipt.to_text().as_bytes());
                return Ok(Step::Done(0));
            }
        }
        Ok(Step::Continue)
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
