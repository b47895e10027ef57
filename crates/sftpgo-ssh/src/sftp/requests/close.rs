//! CLOSE (draft section 6.3): `id, handle` → STATUS. For an upload this is the moment it counts as stored.
//!
//! A storage may take long for that. The next request of this session waits until it has; other sessions of the connection go
//! on.

use sftpgo_core::transfer::Finishing;

use super::*;

/// A CLOSE that the storage is at.
pub(in crate::sftp) struct Closing {
    id: u32,
    upload: Finishing,
}

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let handle = body.string()?;
    let is_gone = engine.is_client_gone();
    if !is_gone
        && let OpenHandle::File(transfer) = engine.handles.any(handle)?
        && let Some(wait) = transfer.wait_to_finish()
    {
        return Err(Failure::NotYet(wait));
    }
    match engine.handles.remove(handle)? {
        OpenHandle::File(transfer) => {
            let upload = transfer.begin_to_finish();
            go_on(engine, Closing { id, upload }, replies)
        }
        OpenHandle::Directory(_) => ok(replies, id),
    }
}

/// Answers when the storage has; nobody waits for that when the client is gone.
pub(in crate::sftp) fn go_on(
    engine: &mut Engine,
    closing: Closing,
    replies: &mut Replies,
) -> HandlerResult {
    let id = closing.id;
    match closing.upload.wait() {
        Some(_) if engine.is_client_gone() => {}
        Some(wait) => {
            engine.pause_for(wait);
            engine.closing = Some(closing);
            return Ok(());
        }
        None => closing.upload.outcome()?,
    }
    ok(replies, id)
}

impl Closing {
    /// The request that is answered when it is done.
    pub(in crate::sftp) fn id(&self) -> u32 {
        self.id
    }
}
