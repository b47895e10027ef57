//! MKDIR (draft section 6.6): `id, path, attrs` → STATUS.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let path = path(body)?;
    let attrs = Attrs::decode(body)?;
    engine.session.create_dir(&path, attrs.permissions)?;
    ok(replies, id)
}
