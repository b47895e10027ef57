//! CLOSE (draft section 6.3): `id, handle` → STATUS. For an upload this is the moment it counts as stored.

use super::*;

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
    if let OpenHandle::File(transfer) = engine.handles.remove(handle)? {
        transfer.finish()?;
    }
    ok(replies, id)
}
