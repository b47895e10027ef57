//! WRITE (draft section 6.4): `id, handle, offset, data` → STATUS.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> Done {
    let handle = body.string()?;
    let offset = body.u64()?;
    let data = body.string()?;
    let gone = engine.is_client_gone();
    let transfer = engine.handles.file(handle)?;
    transfer.write_at(data, offset)?;
    if !gone {
        let pause = transfer.throttle(data.len());
        engine.pause_for(pause);
    }
    ok(replies, id)
}
