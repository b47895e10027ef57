//! SETSTAT and FSETSTAT (draft section 6.9), lsetstat@openssh.com (PROTOCOL section 4.8) → STATUS.

use super::*;
use crate::sftp::{begun::Change, proto::kind};

pub(in crate::sftp) fn setstat(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    by_name(engine, id, body, replies, true)
}

pub(in crate::sftp) fn lsetstat(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    by_name(engine, id, body, replies, false)
}

pub(in crate::sftp) fn fsetstat(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let handle = body.string()?;
    let change = from_wire(&Attrs::decode(body)?);
    let is_gone = engine.is_client_gone();
    match engine.handles.any(handle)? {
        OpenHandle::File(transfer) => {
            if !is_gone && let Some(wait) = transfer.wait_to_set_attributes(&change) {
                return Err(Failure::NotYet(wait));
            }
            transfer.set_attributes(&change)?;
        }
        OpenHandle::Directory(listing) => {
            engine
                .session
                .set_attributes(&listing.path().clone(), &change, true)?;
        }
    }
    ok(replies, id)
}

fn by_name(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
    follow: bool,
) -> HandlerResult {
    let path = path(body)?;
    let change = from_wire(&Attrs::decode(body)?);
    engine.not_before(|session| session.wait_to_set_attributes(&path, &change))?;
    let request = kind::SETSTAT;
    let done = engine
        .session
        .begin_to_set_attributes(&path, &change, follow);
    Change { id, request, done }.go_on(engine, replies)
}
