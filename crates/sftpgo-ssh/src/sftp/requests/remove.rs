//! REMOVE (draft section 6.5): `id, filename` → STATUS.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let path = path(body)?;
    engine.not_before(Session::wait_to_change_names)?;
    engine.session.remove(&path)?;
    ok(replies, id)
}
