//! RENAME (draft section 6.5), which never replaces, and posix-rename@openssh.com (PROTOCOL section 4.3),
//! which does: `id, oldpath, newpath` → STATUS.

use sftpgo_core::filesystem::Replace;

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    rename(engine, id, body, replies, Replace::No)
}

pub(in crate::sftp) fn posix_rename(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    rename(engine, id, body, replies, Replace::Yes)
}

fn rename(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
    replace: Replace,
) -> HandlerResult {
    let from = path(body)?;
    let to = path(body)?;
    engine.not_before(Session::wait_to_change_names)?;
    engine.session.rename(&from, &to, replace)?;
    ok(replies, id)
}
