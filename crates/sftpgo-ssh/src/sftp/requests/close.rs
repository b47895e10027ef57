//! CLOSE (draft section 6.3): `id, handle` → STATUS. For an upload this is the moment it counts as stored.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    if let OpenHandle::File(transfer) = engine.handles.remove(body.string()?)? {
        transfer.finish()?;
    }
    ok(replies, id)
}
