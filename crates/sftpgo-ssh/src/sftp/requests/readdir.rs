//! READDIR (draft section 6.7): `id, handle` → NAME with as many names as fit, EOF after the last.

use sftpgo_core::user::now_ms;

use super::{super::long_name, *};

/// A reply ends behind the name that passes this many bytes; one name takes at most some 800 more.
const ENOUGH: usize = 32 * 1024;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let listing = engine.handles.directory(body.string()?)?;
    let now = now_ms() / 1000;
    let mut line = Vec::new();
    let mut names = replies.names(id);
    while names.len() < ENOUGH {
        match listing.next_entry() {
            Ok(Some(entry)) => {
                long_name::write(&mut line, &entry, now);
                names.push(&entry.name, &line, &to_wire(&entry.metadata));
            }
            Ok(None) => break,
            Err(error) => {
                names.discard();
                return Err(error.into());
            }
        }
    }
    if names.is_empty() {
        names.discard();
        return Err(Failure::Eof);
    }
    names.finish();
    Ok(())
}
