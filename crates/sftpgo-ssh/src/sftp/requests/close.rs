//! CLOSE (draft section 6.3): `id, handle` → STATUS. For an upload this is the moment it counts as stored.
//!
//! A storage may take long for that. The next request of this session waits until it has; other sessions of the connection go
//! on.

use super::*;
use crate::sftp::{begun::Change, proto::kind};

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let handle = body.string()?;
    let is_gone = engine.is_client_gone();
    if !is_gone
        && let OpenHandle::File(transfer) = engine.handles.any(handle)?
        && let Some(wait) = transfer.wait_to_finish()
    {
        return Err(Failure::NotYet(wait));
    }
    match engine.handles.remove(handle)? {
        OpenHandle::File(transfer) => {
            let done = transfer.begin_to_finish();
            let request = kind::CLOSE;
            Change { id, request, done }.go_on(engine, replies)
        }
        OpenHandle::Directory(_) => ok(replies, id),
    }
}
