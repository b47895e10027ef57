//! SYMLINK: `id, targetpath, linkpath` → STATUS. The draft has the link first; OpenSSH and everybody after
//! it the target (PROTOCOL section 4.1).

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> Done {
    let target = body.string()?;
    let link = path(body)?;
    engine.session.symlink(target, &link)?;
    ok(replies, id)
}
