//! RMDIR (draft section 6.6): `id, path` → STATUS.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    engine.session.remove_dir(&path(body)?)?;
    ok(replies, id)
}
