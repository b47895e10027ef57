//! OPEN (draft section 6.3): `id, filename, pflags, attrs` → HANDLE.
//!
//! A storage may take long to begin an upload. The next request of this session waits until it has; other sessions of the
//! connection go on.

use sftpgo_core::{
    session::OpenRequest,
    transfer::{Pending, Transfer},
};

use super::*;
use crate::sftp::begun::Begun;

/// An OPEN that the storage is at.
pub(in crate::sftp) struct Opening {
    pub(in crate::sftp) id: u32,
    transfer: Pending<Transfer>,
}

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let path = path(body)?;
    let flags = body.u32()?;
    let attrs = Attrs::decode(body)?;
    let has = |flag| flags & flag != 0;
    engine.handles.check_room()?;
    let request = OpenRequest {
        read: has(open_flags::READ),
        write: has(open_flags::WRITE) || has(open_flags::APPEND),
        append: has(open_flags::APPEND),
        create: has(open_flags::CREATE),
        truncate: has(open_flags::TRUNCATE),
        exclusive: has(open_flags::EXCLUSIVE),
        mode: attrs.permissions,
    };
    engine.not_before(|session| session.wait_to_open(&request))?;
    let transfer = engine.session.begin_to_open(&path, &request);
    go_on(engine, Opening { id, transfer }, replies)
}

/// Answers when the storage has. What a client who is gone has sent behind this is done besides, if the storage does not take
/// too long.
pub(in crate::sftp) fn go_on(
    engine: &mut Engine,
    opening: Opening,
    replies: &mut Replies,
) -> HandlerResult {
    if !engine.is_client_gone()
        && let Some(wait) = opening.transfer.wait()
    {
        engine.pause_for(wait);
        engine.begun = Some(Begun::Open(opening));
        return Ok(());
    }
    let transfer = opening.transfer.outcome()?;
    let handle = engine.handles.insert(OpenHandle::File(transfer))?;
    replies.handle(opening.id, &handle);
    Ok(())
}
