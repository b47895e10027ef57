//! WRITE (draft section 6.4): `id, handle, offset, data` → STATUS.
//!
//! A WRITE can be longer than the channel packets that bring it. Its data is written as it arrives, from where the
//! transport decrypted it, and answered when all of it has come.

use std::time::Duration;

use sftpgo_core::Error;

use super::*;
use crate::sftp::proto::write_header::WriteHeader;

/// A WRITE whose data has not all arrived.
pub(in crate::sftp) struct Writing {
    header: WriteHeader,
    /// Bytes of data that were taken.
    taken: usize,
    refused: Option<Error>,
}

impl Writing {
    pub(in crate::sftp) fn id(&self) -> u32 {
        self.header.id
    }

    pub(in crate::sftp) fn is_done(&self) -> bool {
        self.taken == self.header.len
    }

    /// What comes next of the data that `stream` begins with: what the storage takes already, if it does.
    fn part<'s>(&self, engine: &mut Engine, stream: &'s [u8]) -> &'s [u8] {
        let left = self.header.len.saturating_sub(self.taken);
        let transfer = engine.handles.file(&self.header.handle).ok();
        let most = transfer.and_then(|transfer| transfer.being_written());
        let most = most.unwrap_or(left).min(left);
        stream.get(..most).unwrap_or(stream)
    }

    /// Returns why it was not done.
    pub(in crate::sftp) fn refused(&self) -> Option<&Error> {
        self.refused.as_ref()
    }
}

/// A WRITE that has arrived as a whole.
pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let handle = body.string()?;
    let offset = body.u64()?;
    let data = body.string()?;
    if let Some(wait) = wait_for_storage(engine, handle, offset, data) {
        return Err(Failure::NotYet(wait));
    }
    write(engine, handle, offset, data)?;
    ok(replies, id)
}

/// How long to wait before `data` is written, because the database is being asked for room, or the storage takes it and is
/// slow; nobody waits for a client who is gone.
fn wait_for_storage(
    engine: &mut Engine,
    handle: &[u8],
    offset: u64,
    data: &[u8],
) -> Option<Duration> {
    if engine.is_client_gone() {
        return None;
    }
    let transfer = engine.handles.file(handle).ok()?;
    transfer.wait_to_write(data, offset)
}

/// Returns how long to wait with a WRITE, because the database is being asked for room; nobody waits for a client who is
/// gone.
pub(in crate::sftp) fn wait(
    engine: &mut Engine,
    handle: &[u8],
    offset: u64,
    len: usize,
) -> Option<Duration> {
    if engine.is_client_gone() {
        return None;
    }
    let transfer = engine.handles.file(handle).ok()?;
    transfer.wait_for_headroom(len, offset)
}

/// Returns how long to wait with what `stream` has of a WRITE that has begun.
pub(in crate::sftp) fn wait_to_go_on(
    engine: &mut Engine,
    writing: &Writing,
    stream: &[u8],
) -> Option<Duration> {
    if writing.refused.is_some() {
        return None;
    }
    let offset = writing.header.offset.checked_add(writing.taken as u64)?;
    let data = writing.part(engine, stream);
    wait_for_storage(engine, &writing.header.handle, offset, data)
}

/// A WRITE that has begun to arrive. What would be refused as a whole is refused before any of it is written; only where
/// another upload takes the user's last room meanwhile, a part may be.
pub(in crate::sftp) fn begin(engine: &mut Engine, header: WriteHeader) -> Writing {
    let allowed = engine
        .handles
        .file(&header.handle)
        .and_then(|transfer| transfer.check_write(header.len, header.offset));
    Writing {
        header,
        taken: 0,
        refused: allowed.err(),
    }
}

/// Takes what `stream` has of the data and returns how much that was.
pub(in crate::sftp) fn go_on(engine: &mut Engine, writing: &mut Writing, stream: &[u8]) -> usize {
    let data = writing.part(engine, stream);
    if writing.refused.is_none() {
        let offset = writing.header.offset + writing.taken as u64;
        writing.refused = write(engine, &writing.header.handle, offset, data).err();
    }
    writing.taken += data.len();
    data.len()
}

fn write(engine: &mut Engine, handle: &[u8], offset: u64, data: &[u8]) -> sftpgo_core::Result<()> {
    let gone = engine.is_client_gone();
    let transfer = engine.handles.file(handle)?;
    transfer.write_at(data, offset)?;
    if !gone {
        let pause = transfer.throttle(data.len());
        engine.pause_for(pause);
    }
    Ok(())
}
