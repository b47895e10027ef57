//! hardlink@openssh.com (PROTOCOL section 4.5): `id, oldpath, newpath` → STATUS.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let original = path(body)?;
    let link = path(body)?;
    engine.not_before(Session::wait_to_change_names)?;
    engine.session.hard_link(&original, &link)?;
    ok(replies, id)
}
