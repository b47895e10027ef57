//! STAT, LSTAT and FSTAT (draft section 6.8) → ATTRS.

use super::*;

pub(in crate::sftp) fn stat(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    by_name(engine, id, body, replies, true)
}

pub(in crate::sftp) fn lstat(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    by_name(engine, id, body, replies, false)
}

/// The session's own open handle: needs no permission beyond having it.
pub(in crate::sftp) fn fstat(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let metadata = match engine.handles.any(body.string()?)? {
        OpenHandle::File(transfer) => transfer.metadata()?,
        OpenHandle::Directory(listing) => engine.session.metadata(&listing.path().clone(), true)?,
    };
    replies.attrs(id, &to_wire(&metadata));
    Ok(())
}

fn by_name(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
    follow: bool,
) -> HandlerResult {
    let metadata = engine.session.metadata(&path(body)?, follow)?;
    replies.attrs(id, &to_wire(&metadata));
    Ok(())
}
