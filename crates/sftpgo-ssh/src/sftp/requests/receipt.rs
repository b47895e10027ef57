//! receipt@sftpgo-rs.github.io, of this server: `id, string path` → EXTENDED_REPLY `string statement, string signature`.
//!
//! The file is read in pieces, so that other sessions of the connection get their turn; the next request of this one waits
//! until it is done.

use std::time::Duration;

use sftpgo_core::{Error, ErrorKind};

use super::*;
use crate::{receipt::Reading, sftp::begun::Begun};

/// Read without a break.
const PIECE: usize = 1024 * 1024;
/// The break: as short as the timer has it.
const BREAK: Duration = Duration::from_millis(1);

/// A receipt whose file is not read to its end yet.
pub(in crate::sftp) struct Certifying {
    id: u32,
    reading: Reading,
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
    if engine.receipts.is_none() {
        return Err(Error::new(ErrorKind::Unsupported, "unknown extended request").into());
    }
    let path = path(body)?;
    let reading = Reading::begin(&engine.session, path)?;
    go_on(engine, Box::new(Certifying { id, reading }), replies)
}

/// Reads the next piece; the rest is left with the engine.
pub(in crate::sftp) fn go_on(
    engine: &mut Engine,
    mut certifying: Box<Certifying>,
    replies: &mut Replies,
) -> HandlerResult {
    engine.session.connection().touch();
    if engine.is_client_gone() {
        return Ok(());
    }
    if !certifying.reading.go_on(PIECE)? {
        engine.pause_for(BREAK);
        engine.begun = Some(Begun::Certify(certifying));
        return Ok(());
    }
    let Some(key) = &engine.receipts else {
        return Err(Error::new(ErrorKind::Unsupported, "unknown extended request").into());
    };
    let Certifying { id, reading } = *certifying;
    let receipt = reading.finish(engine.session.username(), key)?;
    replies.extended(id, |reply| {
        reply.string(receipt.statement.as_bytes());
        reply.string(receipt.signature.as_bytes());
    });
    Ok(())
}
