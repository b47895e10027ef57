//! READLINK (draft section 6.10): `id, path` → NAME.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let target = engine.session.read_link(&path(body)?)?;
    replies.one_name(id, &target);
    Ok(())
}
