//! expand-path@openssh.com (PROTOCOL section 4.10): `id, path` → NAME, with `~` as the user's root.

use sftpgo_core::Error;

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let raw = body.string()?;
    let path = match raw.strip_prefix(b"~") {
        Some(rest) if rest.is_empty() || rest.starts_with(b"/") => rest,
        Some(_) => return Err(Error::not_found("only the own home can be expanded").into()),
        None => raw,
    };
    let path = engine.session.real_path(path)?;
    replies.one_name(id, path.as_bytes());
    Ok(())
}
