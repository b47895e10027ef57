//! statvfs@openssh.com and fstatvfs@openssh.com (PROTOCOL section 4.4).

use sftpgo_core::{ErrorKind, filesystem::SpaceInfo};

use super::*;

pub(in crate::sftp) fn statvfs(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let space = engine.session.space(&path(body)?)?;
    answer(replies, id, &space);
    Ok(())
}

pub(in crate::sftp) fn fstatvfs(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let path = match engine.handles.any(body.string()?)? {
        OpenHandle::File(transfer) => transfer.path().clone(),
        OpenHandle::Directory(listing) => listing.path().clone(),
    };
    // A file of an unfinished upload has no name yet; its directory is on the same storage.
    let directory = path.parent().unwrap_or(path);
    let space = match engine.session.space(&directory) {
        // The name of an open file may have gone; the home is what is left to look at.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            engine.session.space(&VirtualPath::root())
        }
        space => space,
    }?;
    answer(replies, id, &space);
    Ok(())
}

fn answer(replies: &mut Replies, id: u32, space: &SpaceInfo) {
    replies.extended(id, |reply| {
        for field in [
            space.block_size,
            space.fragment_size,
            space.blocks,
            space.blocks_free,
            space.blocks_available,
            space.files,
            space.files_free,
            space.files_available,
            space.filesystem_id,
            space.flags,
            space.name_max,
        ] {
            reply.u64(field);
        }
    });
}
