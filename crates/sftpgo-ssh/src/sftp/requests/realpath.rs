//! REALPATH (draft section 6.11): `id, path` → NAME; lexical, so it tells nothing of what exists.

use super::*;

pub(in crate::sftp) fn run(
    _engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> Done {
    replies.one_name(id, path(body)?.as_bytes());
    Ok(())
}
