//! copy-data (draft-ietf-secsh-filexfer-extensions-00 section 7; OpenSSH PROTOCOL section 4.12): `id, read handle,
//! offset, length, write handle, offset` → STATUS. A length of 0 is up to the end of the file.
//!
//! The data does not leave the server. A long copy is done in pieces, so that other sessions of the connection
//! get their turn; the next request of this one waits until it is done.

use std::time::Duration;

use sftpgo_core::Error;

use super::*;
use crate::sftp::begun::Begun;

/// Copied without a break. A file system that shares blocks copies any number at once; a disk takes
/// a tenth of a second for this much.
const PIECE: usize = 16 * 1024 * 1024;
/// The break: as short as the timer has it.
const BREAK: Duration = Duration::from_millis(1);

/// A copy that is not done yet.
pub(in crate::sftp) struct Copy {
    id: u32,
    source: Vec<u8>,
    target: Vec<u8>,
    from: u64,
    to: u64,
    left: u64,
}

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let source = body.string()?.to_vec();
    let from = body.u64()?;
    let length = body.u64()?;
    let target = body.string()?.to_vec();
    let to = body.u64()?;
    let (read, written) = engine.handles.two_files(&source, &target)?;
    let left = written.copyable(read, from, (length > 0).then_some(length), to)?;
    let copy = Copy {
        id,
        source,
        target,
        from,
        to,
        left,
    };
    go_on(engine, copy, replies)
}

/// Copies the next piece; the rest is left with the engine.
pub(in crate::sftp) fn go_on(
    engine: &mut Engine,
    mut copy: Copy,
    replies: &mut Replies,
) -> HandlerResult {
    engine.session.connection().touch();
    let is_gone = engine.is_client_gone();
    let (source, target) = engine.handles.two_files(&copy.source, &copy.target)?;
    let wanted = usize::try_from(copy.left).map_or(PIECE, |left| left.min(PIECE));
    let wanted = target.piece_to_copy(wanted);
    if !is_gone && let Some(wait) = target.wait_to_copy(source, copy.from, wanted, copy.to) {
        engine.pause_for(wait);
        engine.begun = Some(Begun::Copy(copy));
        return Ok(());
    }
    let copied = target.copy_from(source, copy.from, wanted, copy.to)?;
    let moved = copied as u64;
    copy.left = copy.left.saturating_sub(moved);
    if copied < wanted || copy.left == 0 {
        return ok(replies, copy.id);
    }
    let (Some(from), Some(to)) = (copy.from.checked_add(moved), copy.to.checked_add(moved)) else {
        return Err(Error::invalid("offset", "past the largest file").into());
    };
    copy.from = from;
    copy.to = to;
    engine.pause_for(BREAK);
    engine.begun = Some(Begun::Copy(copy));
    Ok(())
}

impl Copy {
    /// The request that is answered when it is done.
    pub(in crate::sftp) fn id(&self) -> u32 {
        self.id
    }
}
