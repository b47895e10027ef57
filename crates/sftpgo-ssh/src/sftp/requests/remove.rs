//! REMOVE (draft section 6.5): `id, filename` → STATUS.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    engine.session.remove(&path(body)?)?;
    ok(replies, id)
}
