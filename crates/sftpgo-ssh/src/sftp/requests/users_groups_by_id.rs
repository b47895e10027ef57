//! users-groups-by-id@openssh.com (PROTOCOL section 4.11): `id, string of uids, string of gids` → a string of user
//! names and one of group names, each name a string; an empty one is not known.
//!
//! The names of the system are none of a virtual user's business: only the user's own files have a name.

use sftpgo_core::{Error, filesystem::OwnerIds};

use super::*;
use crate::sftp::proto::encode::put_string;

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let (uids, gids) = (body.string()?, body.string()?);
    let own = engine.session.owner_of_new_files();
    let username = engine.session.username().as_bytes();
    let users = names(
        uids,
        |uid| own.is_some_and(|OwnerIds { uid: own, .. }| own == uid),
        username,
    )?;
    let groups = names(
        gids,
        |gid| own.is_some_and(|OwnerIds { gid: own, .. }| own == gid),
        username,
    )?;
    replies.extended(id, |reply| {
        reply.string(&users);
        reply.string(&groups);
    });
    Ok(())
}

/// A name for each id: `name` for those that are the user's own.
fn names(ids: &[u8], is_own: impl Fn(u32) -> bool, name: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut ids = Decoder::new(ids);
    let mut names = Vec::new();
    while !ids.is_empty() {
        let known = if is_own(ids.u32()?) { name } else { b"" };
        put_string(&mut names, known);
        if names.len() > MAX_PACKET_LEN / 4 {
            return Err(Error::invalid("ids", "too many at once").into());
        }
    }
    Ok(names)
}
