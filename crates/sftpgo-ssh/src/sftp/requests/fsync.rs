//! fsync@openssh.com (PROTOCOL section 4.6): `id, handle` → STATUS.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    engine.handles.file(body.string()?)?.sync()?;
    ok(replies, id)
}
