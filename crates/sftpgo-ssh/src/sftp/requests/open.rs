//! OPEN (draft section 6.3): `id, filename, pflags, attrs` → HANDLE.

use sftpgo_core::session::OpenRequest;

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let path = path(body)?;
    let flags = body.u32()?;
    let attrs = Attrs::decode(body)?;
    let has = |flag| flags & flag != 0;
    engine.handles.check_room()?;
    let request = OpenRequest {
        read: has(open_flags::READ),
        write: has(open_flags::WRITE) || has(open_flags::APPEND),
        append: has(open_flags::APPEND),
        create: has(open_flags::CREATE),
        truncate: has(open_flags::TRUNCATE),
        exclusive: has(open_flags::EXCLUSIVE),
        mode: attrs.permissions,
    };
    engine.not_before(|session| session.wait_to_open(&request))?;
    let transfer = engine.session.open(&path, &request)?;
    let handle = engine.handles.insert(OpenHandle::File(transfer))?;
    replies.handle(id, &handle);
    Ok(())
}
