//! REALPATH (draft section 6.11): `id, path` → NAME, as OpenSSH's `sftp_realpath` answers it.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let path = engine.session.real_path(body.string()?)?;
    replies.one_name(id, path.as_bytes());
    Ok(())
}
