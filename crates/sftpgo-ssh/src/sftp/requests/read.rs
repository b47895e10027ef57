//! READ (draft section 6.4): `id, handle, offset, len` → DATA, shorter at the end of the file, or EOF there.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let handle = body.string()?;
    let offset = body.u64()?;
    let wanted = usize::try_from(body.u32()?)
        .unwrap_or(usize::MAX)
        .min(MAX_DATA_LEN);
    let transfer = engine.handles.file(handle)?;
    if wanted == 0 {
        // As OpenSSH: who asks for nothing has not reached the end.
        transfer.read_at(&mut [], 0)?;
        replies.no_data(id);
        return Ok(());
    }
    let room = room_for(transfer, wanted, offset);
    let count = replies.data(id, room, |buffer| fill(transfer, buffer, offset))?;
    if count == 0 {
        return Err(Failure::Eof);
    }
    engine.has_read(count);
    Ok(())
}

/// The bytes that most clients ask for at once: zeroing so much costs less than asking for the size.
const USUAL: usize = 32 * 1024;
/// Room for an answer where little of the file is left, or its size does not tell.
const LEAST_ROOM: u64 = 4096;

/// Room for what is there: clients ask for much more than a small file has, and room is zeroed memory.
fn room_for(transfer: &sftpgo_core::transfer::Transfer, wanted: usize, offset: u64) -> usize {
    if wanted <= USUAL {
        return wanted;
    }
    let left = transfer.metadata().map_or(u64::MAX, |metadata| {
        metadata.size.saturating_sub(offset).max(LEAST_ROOM)
    });
    usize::try_from(left).map_or(wanted, |left| wanted.min(left))
}

/// Reads as many bytes as asked for unless the file ends: clients take a short answer for the end.
fn fill(
    transfer: &mut sftpgo_core::transfer::Transfer,
    buffer: &mut [u8],
    offset: u64,
) -> sftpgo_core::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let Some(at) = offset
            .checked_add(filled as u64)
            .filter(|at| i64::try_from(*at).is_ok())
        else {
            break;
        };
        match transfer.read_at(rest, at)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
