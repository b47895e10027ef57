//! home-directory (draft-ietf-secsh-filexfer-extensions-00 section 5): `id, username` → NAME, always the root.

use super::*;

pub(in crate::sftp) fn run(
    _engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    body.string()?;
    replies.one_name(id, b"/");
    Ok(())
}
