//! limits@openssh.com (PROTOCOL section 4.9): packet length, read length, write length, open handles.

use super::*;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    _body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let handles = engine.handles.most() as u64;
    replies.extended(id, |reply| {
        for limit in [
            MAX_PACKET_LEN as u64,
            MAX_DATA_LEN as u64,
            MAX_DATA_LEN as u64,
            handles,
        ] {
            reply.u64(limit);
        }
    });
    Ok(())
}
