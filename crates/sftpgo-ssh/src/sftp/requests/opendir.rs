//! OPENDIR (draft section 6.7): `id, path` → HANDLE.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let path = path(body)?;
    engine.handles.check_room_for_directory()?;
    let listing = engine.session.open_dir(&path)?;
    let handle = engine.handles.insert(OpenHandle::Directory(listing))?;
    replies.handle(id, &handle);
    Ok(())
}
