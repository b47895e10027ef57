//! receipt@sftpgo-rs.github.io, of this server: `id, string path` → EXTENDED_REPLY `string statement, string signature`.
//!
//! The file is read in pieces, so that other sessions of the connection get their turn; the next request of this one waits
//! until it is done.

use std::time::Duration;

use sftpgo_core::{Error, ErrorKind};

use super::*;
use crate::{
    receipt::asked::{Asked, Outcome},
    sftp::begun::Begun,
};

/// Read without a break.
const PIECE: usize = 1024 * 1024;
/// The break: as short as the timer has it.
const BREAK: Duration = Duration::from_millis(1);

/// A receipt whose file is not read to its end yet.
pub(in crate::sftp) struct Certifying {
    id: u32,
    asked: Asked,
}

impl Certifying {
    /// The request that it answers.
    pub(in crate::sftp) fn id(&self) -> u32 {
        self.id
    }
}

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let Some(terms) = &engine.receipts else {
        return Err(unknown());
    };
    let path = path(body)?;
    let asked = Asked::begin(&engine.session, path, terms)?;
    go_on(engine, Certifying { id, asked }, replies)
}

/// Reads the next piece; the rest is left with the engine.
pub(in crate::sftp) fn go_on(
    engine: &mut Engine,
    Certifying { id, asked }: Certifying,
    replies: &mut Replies,
) -> HandlerResult {
    engine.session.connection().touch();
    if engine.is_client_gone() {
        return Ok(());
    }
    let Some(terms) = &engine.receipts else {
        return Err(unknown());
    };
    let (left, outcome) = asked.go_on(&engine.session, terms, PIECE)?;
    if let Some(asked) = left {
        engine.begun = Some(Begun::Certify(Box::new(Certifying { id, asked })));
    }
    match outcome {
        Outcome::Wait(wait) => engine.pause_for(wait),
        Outcome::More => engine.pause_for(BREAK),
        Outcome::Done(receipt) => replies.extended(id, |reply| {
            reply.string(receipt.statement.as_bytes());
            reply.string(receipt.signature.as_bytes());
        }),
    }
    Ok(())
}

fn unknown() -> Failure {
    Error::new(ErrorKind::Unsupported, "unknown extended request").into()
}
